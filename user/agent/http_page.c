/* SPDX-License-Identifier: GPL-2.0-only */
/* See http_page.h. */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/http_page.h"

/* The assembler takes the file as it is, and adds a zero. Make runs at the top of the tree. */
__asm__(".pushsection .rodata\n"
	".globl hokm_page_begin\n"
	".hidden hokm_page_begin\n"
	"hokm_page_begin:\n"
	".incbin \"user/agent/http_page.html\"\n"
	".byte 0\n"
	".popsection\n");
extern const char hokm_page_begin[] __attribute__((visibility("hidden")));

#define SHA256_LEN 32
#define HASH_TEXT  64 /* the hash in base64, and a zero */

/* The hash of what stands between two tags, in base64. */
static bool hash_between(const char *begin, const char *end, char text[HASH_TEXT])
{
	const char *from = strstr(hokm_page_begin, begin);
	const char *to = from ? strstr(from, end) : NULL;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (!to)
		return false;
	from += strlen(begin);
	if (EVP_Digest(from, (size_t)(to - from), md, &len, EVP_sha256(), NULL) != 1 ||
	    len != SHA256_LEN)
		return false;
	EVP_EncodeBlock((unsigned char *)text, md, SHA256_LEN);
	return true;
}

const struct http_page *http_page(void)
{
	static struct http_page page;
	char script[HASH_TEXT], style[HASH_TEXT];

	if (page.text)
		return &page;
	if (!hash_between("<script>", "</script>", script) ||
	    !hash_between("<style>", "</style>", style))
		return NULL;
	snprintf(page.policy, sizeof(page.policy),
		 "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; "
		 "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		 "frame-ancestors 'none'",
		 script, style);
	page.len = strlen(hokm_page_begin);
	page.text = hokm_page_begin;
	return &page;
}
