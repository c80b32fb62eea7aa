/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys derived from the shared secrets (HKDF, RFC 5869, SHA-256, no salt), the name of a service in
 * messages between nodes, and addresses in the form of the ABI.
 *
 * Each use of the secret has its own label, so that nobody can compute one derived key from
 * another. A new format of a message gets a new label. The VRRP password is readable in every
 * advert: a host of the segment can try a dictionary of secrets at leisure. So it is made with
 * scrypt (RFC 7914), which costs each try 16 MiB and some 50 ms, and only where adverts are sent:
 * in the daemon, not in a check of the file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "conf/conf_int.h"
#include "decide/repl.h"
#include "hokm/siphash.h"

#define LABEL_PULSE    "hokm-xdp pulse v2"
#define LABEL_REPL     "hokm-xdp replication v1"
#define LABEL_PASSWORD "hokm-xdp vrrp password v2"

/* Of scrypt: 128 * N * r bytes of memory. */
#define SCRYPT_N   (1u << 14)
#define SCRYPT_R   8
#define SCRYPT_P   1
#define SCRYPT_MEM (32u << 20)

/* libcrypto only reads its parameters, but they are not const: it gets copies. */
int conf_derive(const struct conf_secret *s, const char *label, void *out, size_t len)
{
	char digest[] = "SHA256", info[64], secret[CONF_SECRET_MAX];
	OSSL_PARAM params[4];
	EVP_KDF_CTX *ctx = NULL;
	EVP_KDF *kdf = NULL;
	int err = -EINVAL;

	if (!s->len || s->len > sizeof(secret) || strlen(label) > sizeof(info))
		return -EINVAL;
	memcpy(secret, s->text, s->len);
	memcpy(info, label, strlen(label));
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, s->len);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(label));
	params[3] = OSSL_PARAM_construct_end();
	kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	if (!kdf) {
		err = -ENOTSUP;
		goto out;
	}
	ctx = EVP_KDF_CTX_new(kdf);
	if (!ctx) {
		err = -ENOMEM;
		goto out;
	}
	err = EVP_KDF_derive(ctx, out, len, params) > 0 ? 0 : -EIO;
out:
	explicit_bzero(secret, sizeof(secret));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return err;
}

/* A key of SipHash, which reads it as two little-endian words. */
static int derive_words(const struct conf_secret *s, const char *label, __u64 key[2])
{
	uint8_t bytes[2 * sizeof(*key)];
	int err = conf_derive(s, label, bytes, sizeof(bytes));

	if (err)
		return err;
	memcpy(key, bytes, sizeof(bytes));
	key[0] = le64toh(key[0]);
	key[1] = le64toh(key[1]);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

/* The key of one direction between two nodes. */
static void way_key(const __u64 key[2], struct in_addr from, struct in_addr to, __u64 out[2])
{
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t way[4] = {from.s_addr, to.s_addr, htobe32(i), 0};

		out[i] = siphash_bytes(way, sizeof(way), key);
	}
}

/* The keys of one secret. A slot without a peer has a key that no attacker could know, too. */
static int add_pulse_keys(const struct conf *c, const struct hokm_cfg *cfg, unsigned int secret,
			  struct hokm_keys *out)
{
	struct in_addr self = hokm_addr_to_ipv4(&cfg->addr);
	__u64 key[2];
	int err = derive_words(&c->secrets[secret], LABEL_PULSE, key);

	for (unsigned int slot = 0; !err && slot < HOKM_MAX_PEERS; slot++) {
		struct in_addr peer = hokm_addr_to_ipv4(&cfg->peer[slot].addr);

		way_key(key, peer, self, out->from[secret][slot]);
		if (!secret)
			way_key(key, self, peer, out->to[slot]);
	}
	explicit_bzero(key, sizeof(key));
	return err;
}

int conf_pulse_keys(const struct conf *c, const struct hokm_cfg *cfg, struct hokm_keys *out)
{
	int err = c->n_secrets ? 0 : -EINVAL;

	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; !err && i < c->n_secrets; i++)
		err = add_pulse_keys(c, cfg, i, out);
	out->n = err ? 0 : c->n_secrets;
	return err;
}

int conf_repl_key(const struct conf_secret *s, __u64 key[2])
{
	return derive_words(s, LABEL_REPL, key);
}

int conf_repl_keys(const struct conf *c, struct in_addr peer, struct repl_keys *out)
{
	struct in_addr self = c->nodes[c->self].addr;
	int err = c->n_secrets ? 0 : -EINVAL;
	__u64 key[2];

	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; !err && i < c->n_secrets; i++) {
		err = conf_repl_key(&c->secrets[i], key);
		if (err)
			break;
		way_key(key, peer, self, out->verify[i]);
		if (!i)
			way_key(key, self, peer, out->sign);
		out->n_verify++;
	}
	explicit_bzero(key, sizeof(key));
	return err;
}

int conf_derive_password(const struct conf_secret *s, char out[9])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[8];

	if (!s->len)
		return -EINVAL;
	if (EVP_PBE_scrypt(s->text, s->len, (const unsigned char *)LABEL_PASSWORD,
			   strlen(LABEL_PASSWORD), SCRYPT_N, SCRYPT_R, SCRYPT_P, SCRYPT_MEM, bytes,
			   sizeof(bytes)) != 1)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[i] = letters[bytes[i] % 64];
	out[8] = '\0';
	return 0;
}

int conf_complete_password(struct conf *c)
{
	int err = 0;

	if (c->vrrp_version != 2 || c->vrrp_password_given)
		return 0;
	for (unsigned int i = 0; !err && i < c->n_secrets; i++)
		err = conf_derive_password(&c->secrets[i], c->vrrp_password[i]);
	return err;
}

uint32_t hokm_service_tag(struct in_addr vip, uint16_t port_host)
{
	/* Not secret: the tag must only be the same on all nodes, and differ between services. */
	static const __u64 key[2] = {0x686f6b6d2d786470ULL, 1};
	struct {
		struct hokm_addr vip;
		__be16 port;
		__u8 protocol;
		__u8 rsv[5];
	} msg = {
		.vip = hokm_addr_from_ipv4(vip),
		.port = htons(port_host),
		.protocol = IPPROTO_TCP,
	};
	const uint64_t h = siphash_bytes(&msg, sizeof(msg), key);
	const uint32_t tag = (uint32_t)h ^ (uint32_t)(h >> 32);

	return tag ? tag : 1;
}

struct hokm_addr hokm_addr_from_ipv4(struct in_addr a)
{
	return (struct hokm_addr){.w = {0, 0, htonl(0xffff), a.s_addr}};
}

struct in_addr hokm_addr_to_ipv4(const struct hokm_addr *a)
{
	return (struct in_addr){.s_addr = a->w[3]};
}
