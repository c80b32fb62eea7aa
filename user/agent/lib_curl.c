/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libcurl, loaded by the first call to it. With its thirty libraries it is more than half of what a
 * start of the program costs, and the daemon would lock it into memory: neither ctl nor the daemon
 * calls it. Only the processes that check, notify, or talk to a DNS provider load it.
 *
 * This file defines each function of libcurl that the program calls, with the type that
 * <curl/curl.h> gives to it, and passes the call on. The linker finds a function that is missing
 * here.
 *
 * The confined processes load it in sandbox_warm_up(), before they lose the right to open files.
 */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sysexits.h>

#include "base/log.h"

/* The macros of these names check the types of a caller's arguments. */
#undef curl_easy_getinfo
#undef curl_easy_setopt

#define LIBRARY "libcurl.so.4"

/* clang-format off */
#define FUNCTIONS(f) \
	f(curl_easy_cleanup) f(curl_easy_escape) f(curl_easy_getinfo) f(curl_easy_header) \
	f(curl_easy_init) f(curl_easy_perform) f(curl_easy_recv) f(curl_easy_send) \
	f(curl_easy_setopt) f(curl_easy_strerror) f(curl_free) f(curl_global_init) \
	f(curl_multi_add_handle) f(curl_multi_cleanup) f(curl_multi_info_read) \
	f(curl_multi_init) f(curl_multi_perform) f(curl_multi_poll) \
	f(curl_multi_remove_handle) f(curl_multi_strerror) f(curl_slist_append) \
	f(curl_slist_free_all) f(curl_url) f(curl_url_cleanup) f(curl_url_get) \
	f(curl_url_set)
/* clang-format on */

#define POINTER(name) __typeof__(name) *(name);

static struct functions {
	FUNCTIONS(POINTER)
} loaded;

/* As for a library that the dynamic linker loads: without the function there is no program. */
static void *find(void *library, const char *name)
{
	void *function = library ? dlsym(library, name) : NULL;

	if (!function) {
		log_error("%s cannot be used: %s", LIBRARY, dlerror());
		exit(EX_OSFILE);
	}
	return function;
}

#define FIND(name) loaded.name = (__typeof__(name) *)find(library, #name);

static const struct functions *lib(void)
{
	void *library;

	if (!loaded.curl_global_init) {
		library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
		FUNCTIONS(FIND)
	}
	return &loaded;
}

/*
 * The functions with any number of arguments take exactly one, which is a pointer or an integer of
 * at most the same size. libcurl's ABI passes both in the same way.
 */
_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
	       "each argument of an option has the size of a pointer");

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	va_list args;
	void *value;

	va_start(args, option);
	value = va_arg(args, void *);
	va_end(args);
	return lib()->curl_easy_setopt(easy, option, value);
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list args;
	void *value;

	va_start(args, info);
	value = va_arg(args, void *);
	va_end(args);
	return lib()->curl_easy_getinfo(easy, info, value);
}

CURLcode curl_global_init(long flags)
{
	return lib()->curl_global_init(flags);
}

CURL *curl_easy_init(void)
{
	return lib()->curl_easy_init();
}

void curl_easy_cleanup(CURL *easy)
{
	lib()->curl_easy_cleanup(easy);
}

CURLcode curl_easy_perform(CURL *easy)
{
	return lib()->curl_easy_perform(easy);
}

CURLcode curl_easy_recv(CURL *easy, void *to, size_t size, size_t *n)
{
	return lib()->curl_easy_recv(easy, to, size, n);
}

CURLcode curl_easy_send(CURL *easy, const void *from, size_t size, size_t *n)
{
	return lib()->curl_easy_send(easy, from, size, n);
}

const char *curl_easy_strerror(CURLcode code)
{
	return lib()->curl_easy_strerror(code);
}

char *curl_easy_escape(CURL *easy, const char *text, int len)
{
	return lib()->curl_easy_escape(easy, text, len);
}

CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index, unsigned int origin,
			   int request, struct curl_header **header)
{
	return lib()->curl_easy_header(easy, name, index, origin, request, header);
}

void curl_free(void *memory)
{
	lib()->curl_free(memory);
}

CURLM *curl_multi_init(void)
{
	return lib()->curl_multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	return lib()->curl_multi_cleanup(multi);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	return lib()->curl_multi_add_handle(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	return lib()->curl_multi_remove_handle(multi, easy);
}

CURLMcode curl_multi_perform(CURLM *multi, int *running)
{
	return lib()->curl_multi_perform(multi, running);
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd fds[], unsigned int n, int timeout_ms,
			  int *ready)
{
	return lib()->curl_multi_poll(multi, fds, n, timeout_ms, ready);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left)
{
	return lib()->curl_multi_info_read(multi, left);
}

const char *curl_multi_strerror(CURLMcode code)
{
	return lib()->curl_multi_strerror(code);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
	return lib()->curl_slist_append(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
	if (list)
		lib()->curl_slist_free_all(list);
}

CURLU *curl_url(void)
{
	return lib()->curl_url();
}

void curl_url_cleanup(CURLU *url)
{
	lib()->curl_url_cleanup(url);
}

/* The type of its first argument is the only one that versions of the header do not agree on. */
#if LIBCURL_VERSION_NUM >= 0x080000
#define URL_READ const CURLU
#else
#define URL_READ CURLU
#endif

CURLUcode curl_url_get(URL_READ *url, CURLUPart what, char **part, unsigned int flags)
{
	return lib()->curl_url_get(url, what, part, flags);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart what, const char *part, unsigned int flags)
{
	return lib()->curl_url_set(url, what, part, flags);
}
