/* SPDX-License-Identifier: GPL-2.0-only */
/* Clocks, and the rows in their order. See timeline.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/render.h"
#include "ctl/timeline.h"

/* Two probes that were sent within hours, by clocks that drift apart, differ by less than this. */
#define JOURNEYS_MAX_US 1000000

const char *timeline_text(const struct timeline_row *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row->event, key));

	return text ? text : "";
}

bool timeline_kernel(const struct timeline_row *row)
{
	return !strcmp(timeline_text(row, "source"), "kernel");
}

/* So great a number of microseconds that no sum of some of them overflows: 9,000 years. */
#define MOMENT_MAX_US ((int64_t)1 << 58)

static int64_t moment(const json_t *o, const char *key)
{
	json_int_t us = field_int(o, key, 0);

	return us < 0 ? 0 : us > MOMENT_MAX_US ? MOMENT_MAX_US : us;
}

/* ---- clocks ---- */

/* The probe of `peer` that the node of the record received; NULL: none. */
static const json_t *probe_of(const json_t *record, const char *peer)
{
	const json_t *clock;
	size_t i;

	json_array_foreach (json_object_get(record, "clocks"), i, clock)
		if (!strcmp(field_text(clock, "peer"), peer))
			return clock;
	return NULL;
}

/* Arrival minus departure, each by the clock of its own node. */
static int64_t journey_us(const json_t *probe)
{
	return moment(probe, "arrived_us") - moment(probe, "sent_us");
}

/* By how much the wall clock is ahead of the boot clock. */
static int64_t wall_us(const json_t *record)
{
	return moment(record, "time_us") - moment(record, "now_us");
}

static void compare(const json_t *first, const json_t *other, struct timeline_clock *c)
{
	const json_t *here = probe_of(first, field_text(other, "node"));
	const json_t *there = probe_of(other, field_text(first, "node"));
	int64_t both_us = journey_us(here) + journey_us(there);

	c->by = TIMELINE_WALL;
	c->shift_us = wall_us(other) - wall_us(first);
	c->error_us = -1;
	if (here && there && llabs(both_us) > JOURNEYS_MAX_US) {
		c->by = TIMELINE_BOOTED;
	} else if (here && there) {
		c->by = TIMELINE_BOTH;
		c->shift_us = (journey_us(here) - journey_us(there)) / 2;
		c->error_us = llabs(both_us) / 2;
	} else if (here) {
		c->by = TIMELINE_ONE;
		c->error_us = moment(here, "rtt_us");
		c->shift_us = journey_us(here) - c->error_us / 2;
	} else if (there) {
		c->by = TIMELINE_ONE;
		c->error_us = moment(there, "rtt_us");
		c->shift_us = -journey_us(there) + c->error_us / 2;
	}
}

/* ---- rows ---- */

static int earlier(const void *a, const void *b)
{
	const struct timeline_row *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void take_rows(struct timeline *t, const json_t *record, unsigned int r)
{
	const json_t *event;
	size_t i;

	json_array_foreach (json_object_get(record, "events"), i, event) {
		if (!json_is_integer(json_object_get(event, "boot_us")))
			continue;
		t->rows[t->n++] = (struct timeline_row){
			.at_us = moment(event, "boot_us") + t->clocks[r].shift_us,
			.record = r,
			.event = event,
			.order = i,
		};
	}
}

int timeline_merge(const json_t *const *records, unsigned int n, struct timeline *t)
{
	size_t events = 0;

	memset(t, 0, sizeof(*t));
	for (unsigned int r = 0; r < n; r++)
		events += json_array_size(json_object_get(records[r], "events"));
	t->rows = calloc(events + 1, sizeof(*t->rows));
	if (!t->rows)
		return -ENOMEM;
	for (unsigned int r = 0; r < n && r < TIMELINE_RECORDS_MAX; r++) {
		if (r)
			compare(records[0], records[r], &t->clocks[r]);
		t->clocks[r].node = field_text(records[r], "node");
		t->n_clocks++;
		take_rows(t, records[r], r);
	}
	qsort(t->rows, t->n, sizeof(*t->rows), earlier);
	return 0;
}

void timeline_free(struct timeline *t)
{
	free(t->rows);
	memset(t, 0, sizeof(*t));
}
