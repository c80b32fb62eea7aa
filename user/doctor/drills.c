/* SPDX-License-Identifier: GPL-2.0-only */
/* See drills.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ascii.h"
#include "conf/conf.h"
#include "ctl/render.h"
#include "doctor/drills.h"

#define FILE_MAX (1 << 20)
#define CELL_MAX 160

/* ---- reading ---- */

/* The file, with a 0 behind it. 0 or -errno; -EFBIG: it is none of ours. */
static int read_text(const char *path, char **text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err = 0;
	struct stat st;
	ssize_t n = 0;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		err = -EFBIG;
	else
		*text = malloc((size_t)st.st_size + 1);
	if (!err && !*text)
		err = -ENOMEM;
	if (!err)
		n = read(fd, *text, (size_t)st.st_size);
	if (n < 0)
		err = -errno;
	else if (!err)
		(*text)[n] = '\0';
	close(fd);
	return err;
}

int drills_read(const char *path, json_t **list)
{
	char *text, *rest, *line;
	int err = read_text(path, &text);

	*list = NULL;
	if (err && err != -ENOENT)
		goto out;
	*list = json_array();
	err = *list ? 0 : -ENOMEM;
	rest = text;
	while (!err && (line = strsep(&rest, "\n")) != NULL) {
		json_t *o = json_loads(line, 0, NULL);

		if (json_is_object(o) && json_array_append(*list, o))
			err = -ENOMEM;
		json_decref(o);
	}
	if (err) {
		json_decref(*list);
		*list = NULL;
	}
out:
	free(text);
	return err;
}

const char *drill_result(const json_t *drill)
{
	if (json_object_get(drill, "result"))
		return field_text(drill, "result");
	return field_int(drill, "failed", 0) ? "failed" : "passed";
}

const json_t *drills_last_run(const json_t *list)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		const json_t *o = json_array_get(list, i);

		if (strcmp(drill_result(o), "skipped") != 0)
			return o;
	}
	return NULL;
}

/* ---- writing ---- */

/* The newest lines of the list, and the new one. 0 or -errno. */
static int write_lines(int fd, const json_t *list, const json_t *line)
{
	size_t n = json_array_size(list), from = n < DRILLS_KEPT ? 0 : n - DRILLS_KEPT + 1;

	for (size_t i = from; i <= n; i++) {
		char *text = json_dumps(i < n ? json_array_get(list, i) : line, JSON_COMPACT);
		bool written = text && dprintf(fd, "%s\n", text) == (int)strlen(text) + 1;

		free(text);
		if (!written)
			return text ? -ENOSPC : -ENOMEM;
	}
	return fsync(fd) ? -errno : 0;
}

int drills_add(const char *path, const json_t *line)
{
	char fresh[CONF_PATH_MAX + 8];
	json_t *list;
	int fd, err = drills_read(path, &list);

	if (err)
		return err;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	err = fd < 0 ? -errno : write_lines(fd, list, line);
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	if (err && fd >= 0)
		(void)unlink(fresh);
	json_decref(list);
	return err;
}

/* ---- showing ---- */

static const char *took(const json_t *drill, const char *name, char *buf)
{
	const json_t *o;
	size_t i;

	json_array_foreach (json_object_get(drill, "rows"), i, o) {
		double ms = json_number_value(json_object_get(o, "took_ms"));

		if (!strcmp(field_text(o, "name"), name) && ms > 0)
			return word_us((json_int_t)(ms * 1000), buf);
	}
	return "-";
}

static void cell(struct table *t, const char *text)
{
	char safe[CELL_MAX];

	snprintf(safe, sizeof(safe), "%s", text);
	ascii_only(safe);
	table_cell(t, "%s", safe);
}

void drills_show(const json_t *list, FILE *out)
{
	static const char *const heads[] = {
		"TIME", "NODE", "BY", "RESULT", "PEER OWNED", "BACK", "WHY"};
	struct table t = {.align = "llllrrl"};
	char buf[RENDER_WORD];
	const json_t *o;
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		table_cell(&t, "%s", heads[i]);
	json_array_foreach (list, i, o) {
		cell(&t, field_text(o, "time"));
		cell(&t, field_text(o, "node"));
		table_cell(&t, "%s", field_true(o, "scheduled") ? "timer" : "hand");
		cell(&t, drill_result(o));
		table_cell(&t, "%s", took(o, "failover", buf));
		table_cell(&t, "%s", took(o, "failback", buf));
		cell(&t, json_object_get(o, "why") ? field_text(o, "why") : "-");
	}
	if (json_array_size(list))
		table_print(&t, out);
	else
		fprintf(out, "no drill was noted\n");
}
