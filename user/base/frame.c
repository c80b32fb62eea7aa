/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame codec of the control socket. The server and the client both use it; base/frame.h has
 * the format.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/frame.h"

#define READ_CHUNK 16384

void frame_reader_init(struct frame_reader *r, size_t max)
{
	memset(r, 0, sizeof(*r));
	r->max = max;
}

void frame_reader_free(struct frame_reader *r)
{
	free(r->body);
	r->body = NULL;
	r->cap = r->have = 0;
}

bool frame_reader_begun(const struct frame_reader *r)
{
	return r->have > 0;
}

static size_t body_len(const struct frame_reader *r)
{
	return (size_t)r->head[0] << 24 | (size_t)r->head[1] << 16 | (size_t)r->head[2] << 8 |
	       r->head[3];
}

/* Makes room in r->body for the next bytes of a body of `len` bytes. */
static int reserve_body(struct frame_reader *r, size_t len)
{
	size_t got = r->have - FRAME_HEAD;
	size_t cap = r->cap ? r->cap : READ_CHUNK;
	char *grown;

	if (r->cap > got)
		return 0;
	if (r->cap)
		cap *= 2;
	if (cap > len)
		cap = len;
	grown = realloc(r->body, cap);
	if (!grown)
		return -ENOMEM;
	r->body = grown;
	r->cap = cap;
	return 0;
}

/* Reads at most `want` bytes. Returns how many, or an error of frame_reader_fill(). */
static ssize_t read_some(struct frame_reader *r, int fd, void *to, size_t want)
{
	ssize_t n;

	do {
		n = recv(fd, to, want, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n == 0)
		return r->have ? -EPIPE : -ENODATA;
	r->have += (size_t)n;
	return n;
}

int frame_reader_fill(struct frame_reader *r, int fd)
{
	size_t len;
	ssize_t n;
	int err;

	while (r->have < FRAME_HEAD) {
		n = read_some(r, fd, r->head + r->have, FRAME_HEAD - r->have);
		if (n < 0)
			return (int)n;
	}
	len = body_len(r);
	if (len == 0)
		return -EBADMSG;
	if (len > r->max)
		return -EMSGSIZE;
	while (r->have < FRAME_HEAD + len) {
		size_t got = r->have - FRAME_HEAD;

		err = reserve_body(r, len);
		if (err)
			return err;
		n = read_some(r, fd, r->body + got, (r->cap < len ? r->cap : len) - got);
		if (n < 0)
			return (int)n;
	}
	return 1;
}

int frame_reader_take(struct frame_reader *r, json_t **out, char *error, size_t error_size)
{
	json_error_t why;
	json_t *msg;

	*out = NULL;
	msg = json_loadb(r->body, body_len(r), JSON_REJECT_DUPLICATES, &why);
	frame_reader_free(r);
	if (!msg) {
		snprintf(error, error_size, "the message is not JSON: %s", why.text);
		return -EBADMSG;
	}
	if (!json_is_object(msg)) {
		snprintf(error, error_size, "the message is not a JSON object");
		json_decref(msg);
		return -EBADMSG;
	}
	*out = msg;
	return 0;
}

void frame_writer_free(struct frame_writer *w)
{
	free(w->buf);
	memset(w, 0, sizeof(*w));
}

size_t frame_writer_pending(const struct frame_writer *w)
{
	return w->end - w->start;
}

static int reserve(struct frame_writer *w, size_t more)
{
	size_t cap = w->cap ? w->cap : 4096;
	char *grown;

	if (w->start && w->end + more > w->cap) {
		memmove(w->buf, w->buf + w->start, w->end - w->start);
		w->end -= w->start;
		w->start = 0;
	}
	while (cap < w->end + more)
		cap *= 2;
	if (cap == w->cap)
		return 0;
	grown = realloc(w->buf, cap);
	if (!grown)
		return -ENOMEM;
	w->buf = grown;
	w->cap = cap;
	return 0;
}

static int push(struct frame_writer *w, const char *bytes, size_t len)
{
	int err = reserve(w, len);

	if (err)
		return err;
	memcpy(w->buf + w->end, bytes, len);
	w->end += len;
	return 0;
}

/* A frame that is being written to `w`. */
struct dump {
	struct frame_writer *w;
	size_t used, max; /* bytes of JSON so far, and at most */
	int err;
};

static int dump_bytes(const char *bytes, size_t len, void *arg)
{
	struct dump *d = arg;

	if (len > d->max - d->used) {
		d->err = -EMSGSIZE;
		return -1;
	}
	d->err = push(d->w, bytes, len);
	d->used += len;
	return d->err ? -1 : 0;
}

static void put_head(struct frame_writer *w, size_t before, size_t len)
{
	unsigned char *head = (unsigned char *)w->buf + w->start + before;

	head[0] = (unsigned char)(len >> 24);
	head[1] = (unsigned char)(len >> 16);
	head[2] = (unsigned char)(len >> 8);
	head[3] = (unsigned char)len;
}

int frame_writer_add_text(struct frame_writer *w, const struct iovec *parts, size_t n, size_t max)
{
	const unsigned char zero[FRAME_HEAD] = {0};
	size_t before = frame_writer_pending(w);
	struct dump d = {.w = w, .max = max};

	d.err = push(w, (const char *)zero, sizeof(zero));
	/* dump_bytes() keeps its error in d.err. */
	for (size_t i = 0; !d.err && i < n; i++)
		(void)dump_bytes(parts[i].iov_base, parts[i].iov_len, &d);
	if (d.err)
		w->end = w->start + before; /* relative to start: see frame_writer_add() */
	else
		put_head(w, before, d.used);
	return d.err;
}

int frame_writer_add(struct frame_writer *w, const json_t *msg, size_t max)
{
	const unsigned char zero[FRAME_HEAD] = {0};
	struct dump d = {.w = w, .max = max};
	size_t before = frame_writer_pending(w);

	d.err = push(w, (const char *)zero, sizeof(zero));
	if (!d.err && json_dump_callback(msg, dump_bytes, &d, JSON_COMPACT) && !d.err)
		d.err = -EINVAL;
	if (d.err) {
		/* push() may have moved the queue to the front of buf, so `end` is relative. */
		w->end = w->start + before;
		return d.err;
	}
	put_head(w, before, d.used);
	return 0;
}

int frame_writer_copy(struct frame_writer *w, const struct frame_writer *from)
{
	return push(w, from->buf + from->start, frame_writer_pending(from));
}

int frame_writer_flush(struct frame_writer *w, int fd)
{
	while (w->start < w->end) {
		ssize_t n = send(fd, w->buf + w->start, w->end - w->start, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		w->start += (size_t)n;
	}
	/* The buffer of a large reply must not stay allocated as long as the connection. */
	frame_writer_free(w);
	return 0;
}

json_t *frame_text(const char *text)
{
	json_t *s = json_string(text);
	char *clean;

	if (s)
		return s;
	clean = strdup(text);
	if (!clean)
		return NULL;
	for (char *p = clean; *p; p++)
		if ((unsigned char)*p > 127)
			*p = '?';
	s = json_string(clean);
	free(clean);
	return s;
}
