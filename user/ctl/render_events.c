/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One event as one line: time, source, kind, text, reason. The daemon sends times in UTC; they are
 * shown in the local time zone.
 */
#include <string.h>
#include <time.h>

#include "ctl/render.h"

/*
 * "2026-11-22T20:30:01.123Z" becomes "2026-11-22 21:30:01.123" in a zone one hour east. A time of
 * another form is copied.
 */
static void local_time(const char *utc, char *buf, size_t size)
{
	struct tm tm = {0};
	const char *rest = strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t at;
	size_t n;

	if (!rest || rest[0] != '.' || strlen(rest) != 5 || rest[4] != 'Z') {
		snprintf(buf, size, "%s", utc);
		return;
	}
	at = timegm(&tm);
	n = localtime_r(&at, &tm) ? strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) : 0;
	snprintf(buf + n, size - n, "%.4s", rest);
}

const char *word_time(int64_t us, char *buf)
{
	time_t at = (time_t)(us / 1000000);
	struct tm tm;
	size_t n;

	n = localtime_r(&at, &tm) ? strftime(buf, RENDER_TIME, "%Y-%m-%d %H:%M:%S", &tm) : 0;
	snprintf(buf + n, RENDER_TIME - n, ".%03d", (int)(us / 1000 % 1000));
	return buf;
}

void render_event(const json_t *event, FILE *out)
{
	const json_t *dropped = json_object_get(event, "dropped");
	const char *reason = json_string_value(json_object_get(event, "reason"));
	char when[RENDER_TIME];

	if (dropped) {
		fprintf(out, "... %lld events are missing here: they were not read fast enough\n",
			(long long)json_integer_value(dropped));
		return;
	}
	local_time(field_text(event, "time"), when, sizeof(when));
	fprintf(out, "%s %s %s %s", when, field_text(event, "source"), field_text(event, "kind"),
		field_text(event, "text"));
	if (reason)
		fprintf(out, " (%s)", reason);
	fprintf(out, "\n");
}
