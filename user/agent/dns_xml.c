/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_xml.h. A document type is refused: no provider sends one, and entities come with it. */
#include <errno.h>
#include <expat.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/dns_xml.h"

#define PATH_MAX_BYTES 512
#define TEXT_MAX_BYTES 1024

struct reader {
	XML_Parser parser;
	dns_xml_fn fn;
	void *arg;
	char path[PATH_MAX_BYTES];
	size_t path_len;
	char text[TEXT_MAX_BYTES]; /* since the last start of an element */
	size_t text_len;
	bool stopped, refused;
};

static void refuse(struct reader *r)
{
	r->refused = true;
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = arg;
	size_t len = strlen(name);

	(void)attributes;
	if (r->refused || r->stopped)
		return;
	if (r->path_len + len + 2 > sizeof(r->path)) {
		refuse(r);
		return;
	}
	r->path[r->path_len] = '/';
	memcpy(r->path + r->path_len + 1, name, len + 1);
	r->path_len += len + 1;
	r->text_len = 0;
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;

	/* After XML_StopParser() expat still reports the end of an empty element. */
	if (r->refused || r->stopped)
		return;
	r->text[r->text_len] = '\0';
	if (r->fn(r->path, r->text, r->arg)) {
		r->stopped = true;
		XML_StopParser(r->parser, XML_FALSE);
		return;
	}
	r->path_len -= strlen(name) + 1;
	r->path[r->path_len] = '\0';
	r->text_len = 0;
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
	struct reader *r = arg;
	size_t room = sizeof(r->text) - 1 - r->text_len;
	size_t n = (size_t)len < room ? (size_t)len : room;

	if (r->refused || r->stopped)
		return;
	memcpy(r->text + r->text_len, text, n);
	r->text_len += n;
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
			       const XML_Char *public_id, int has_subset)
{
	(void)name;
	(void)system;
	(void)public_id;
	(void)has_subset;
	refuse(arg);
}

int dns_xml(const char *body, size_t len, dns_xml_fn fn, void *arg)
{
	struct reader r = {.fn = fn, .arg = arg};
	enum XML_Status status;

	r.parser = XML_ParserCreate(NULL);
	if (!r.parser)
		return -ENOMEM;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	status = XML_Parse(r.parser, body, (int)len, 1);
	XML_ParserFree(r.parser);
	if (r.stopped)
		return -1;
	return status == XML_STATUS_OK && !r.refused ? 0 : -EBADMSG;
}
