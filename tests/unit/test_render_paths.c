/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` shows of the paths of the pulses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"

#define SEGMENT                                                                       \
	"{\"path\":0,\"address\":\"192.168.1.27\",\"in_use\":true,\"answers\":false," \
	"\"seen_ms\":4000,\"rtt_us\":90,\"loss_permille\":1000}"
#define CABLE                                                                     \
	"{\"path\":1,\"address\":\"10.0.0.27\",\"in_use\":true,\"answers\":true," \
	"\"seen_ms\":3,\"rtt_us\":120,\"loss_permille\":4}"
#define UNUSED                                                                      \
	"{\"path\":2,\"address\":\"10.1.0.27\",\"in_use\":false,\"answers\":false," \
	"\"seen_ms\":null,\"rtt_us\":null,\"loss_permille\":null}"
#define OWN                                                                    \
	"{\"path\":1,\"address\":\"10.0.0.26\",\"in_use\":true,\"why\":null}," \
	"{\"path\":2,\"address\":\"10.1.0.26\",\"in_use\":false,\"why\":\"gone away\"}"

static char *rendered(void (*fn)(const json_t *, FILE *), const char *paths)
{
	json_t *data = json_loads(
		"{\"peers\":[{\"name\":\"backup\",\"paths\":[" SEGMENT "," CABLE "," UNUSED "]}]}",
		0, NULL);
	json_t *own = json_loads(paths, 0, NULL);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(data);
	assert_non_null(own);
	assert_non_null(out);
	assert_int_equal(json_object_set_new(data, "paths", own), 0);
	fn(data, out);
	assert_int_equal(fclose(out), 0);
	json_decref(data);
	return text;
}

static void each_path_has_a_row(void **state)
{
	char *text = rendered(render_paths, "[" OWN "]");

	(void)state;
	assert_string_equal(
		text, "\n"
		      "  PEER    PATH     ADDRESS       PULSES             RTT     LOST\n"
		      "  backup  segment  192.168.1.27  SILENT, 4.0 s        -  100.0 %\n"
		      "  backup  path 1   10.0.0.27     alive          0.12 ms    0.4 %\n"
		      "  backup  path 2   10.1.0.27     not in use           -        -\n");
	free(text);
	text = rendered(render_path_warnings, "[" OWN "]");
	assert_string_equal(text, "  WARNING  path 2 (10.1.0.26) is not in use: gone away\n");
	free(text);
}

/* As before there were paths. */
static void without_paths_nothing_is_shown(void **state)
{
	char *text = rendered(render_paths, "[]");

	(void)state;
	assert_string_equal(text, "");
	free(text);
	text = rendered(render_path_warnings, "[]");
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_path_has_a_row),
		cmocka_unit_test(without_paths_nothing_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
