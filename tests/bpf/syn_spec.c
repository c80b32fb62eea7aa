/* SPDX-License-Identifier: GPL-2.0-only */
/* SYNs, the RSTs that refuse them, and what is expected of both: see syn_spec.h. */
#include <string.h>

#include "syn_spec.h"

/* Linux's own: MSS 1460, SACK permitted, timestamps, window scale 7. */
const struct syn_spec LINUX_SYN = {
	.words = 5,
	.options = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7},
	.flags = SYN,
	.ttl = 61,
	.window = 64240,
	.frag = DF,
};

void syn_frame(struct frame *f, const struct syn_spec *s)
{
	frame_tcp(f, SEG(.eth = {.tags = s->tags, .from = s->from},
			 .ip = {.ttl = s->ttl, .frag = s->frag, .options = s->ip_options},
			 .flags = s->flags ? s->flags : SYN, .seq = s->isn ? s->isn : ISN,
			 .options = s->words, .payload = s->payload, .padding = s->padding));
	f->b[f->l3 + 1] = s->tos;
	f->b[f->l4 + 14] = (uint8_t)(s->window >> 8);
	f->b[f->l4 + 15] = (uint8_t)s->window;
	memcpy(f->b + f->l4 + 20, s->options, s->words * 4);
	frame_ip_checksum(f);
}

static uint32_t sum_bytes(const uint8_t *p, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

/* left: the sum of the pseudo header alone, not inverted, as for a device that adds the rest. */
static void put_tcp_checksum(struct frame *f, bool left)
{
	uint8_t *ip = f->b + f->l3, *tcp = f->b + f->l4;
	uint32_t len = f->len - f->l4, sum = sum_bytes(ip + 12, 8) + 6 + len;

	tcp[16] = 0;
	tcp[17] = 0;
	if (!left)
		sum += sum_bytes(tcp, len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	if (!left)
		sum = ~sum;
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
}

void refusal_frame(struct frame *f, const struct syn_spec *s)
{
	frame_tcp(f, SEG(.reply = true, .eth = {.from = OWN_MAC, .to = CLIENT_MAC, .tags = s->tags},
			 .ip.frag = DF, .flags = RST | ACK,
			 .ack = (s->isn ? s->isn : ISN) + 1 + s->payload));
	put_tcp_checksum(f, s->sum_left);
}

void in_syn(struct fix *x, const struct syn_spec *s)
{
	struct frame f;

	syn_frame(&f, s);
	expect_pass(x, &f);
}

void out_refusal(struct fix *x, const struct syn_spec *s)
{
	struct frame f;

	refusal_frame(&f, s);
	fix_egress(x, &f);
	assert_int_equal(x->verdict, EGRESS_PASS);
}

void expect_syn_left(struct fix *x, const struct syn_spec *s, const uint8_t *mac)
{
	struct frame syn, want;
	uint32_t tcp_len = 20 + s->words * 4;

	syn_frame(&syn, s);
	memcpy(want.b, mac, 6);
	memcpy(want.b + 6, OWN_MAC, 6);
	memcpy(want.b + 12, syn.b + 12, syn.l3 - 12 + 20);
	want.l3 = syn.l3;
	want.l4 = syn.l3 + 20;
	want.len = want.l4 + tcp_len;
	want.b[want.l3] = 0x45;
	want.b[want.l3 + 2] = 0;
	want.b[want.l3 + 3] = (uint8_t)(20 + tcp_len);
	memset(want.b + want.l3 + 4, 0, 2);
	memcpy(want.b + want.l4, syn.b + syn.l4, tcp_len);
	frame_ip_checksum(&want);
	put_tcp_checksum(&want, s->sum_left);
	assert_int_equal(x->out.len, want.len);
	assert_memory_equal(x->out.b, want.b, want.len);
}

void expect_rst_left(struct fix *x, const struct syn_spec *s)
{
	struct frame f;

	refusal_frame(&f, s);
	assert_int_equal(x->out.len, f.len);
	assert_memory_equal(x->out.b, f.b, f.len);
}

void syn_is_replayed(struct fix *x, const struct syn_spec *s, const uint8_t *mac)
{
	in_syn(x, s);
	out_refusal(x, s);
	expect_syn_left(x, s, mac);
}
