/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics of the node, from the state that the daemon sends (agent/http_listener.h). One table
 * (metrics_table.c) has name, type, help and source of each; the counters and histograms of the
 * packet path come from the lists in include/hokm.
 *
 * Two formats, as Prometheus' own libraries have: OpenMetrics 1.0, and the text format 0.0.4 for
 * clients that do not ask for OpenMetrics. Pure: no I/O but the stream that is written.
 */
#ifndef HOKM_AGENT_METRICS_H
#define HOKM_AGENT_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum metrics_format { METRICS_TEXT, METRICS_OPEN, METRICS_FORMATS };

/* The content type of a format. */
const char *metrics_content_type(enum metrics_format f);
/* The format that a client wants by its header Accept, which may be NULL. */
enum metrics_format metrics_wanted(const char *accept);

/* Writes all metrics of the state. What the state does not have is left out. */
void metrics_write(const json_t *state, enum metrics_format f, FILE *to);

/* Writes the rows of the table in docs/metrics.md. */
void metrics_write_table(FILE *to);

/* ---- the table ---- */

enum metric_type { METRIC_GAUGE, METRIC_COUNTER };

/* What a metric is given for: each has its items in the state, and the labels of an item. */
enum metric_of {
	METRIC_OF_NODE,    /* status */
	METRIC_OF_SERVICE, /* status.services */
	METRIC_OF_CHECK,   /* status.services, checks */
	METRIC_OF_PEER,    /* status.peers */
	METRIC_OF_PATH,    /* status.peers, paths */
	METRIC_OFS,
};

/* How a value becomes a number. */
enum metric_value {
	METRIC_NUMBER, /* a number or a boolean, or how many a list has; null: left out */
	METRIC_THERE,  /* 1 when it is not null, else 0 */
	METRIC_IS,     /* 1 when the text is `words[0]`, else 0 */
	METRIC_STATE,  /* for each of `words` one sample with label `label`: 1 or 0 */
	METRIC_INFO,   /* 1, with the texts at `words` as labels */
	METRIC_MAP,    /* an object: a sample for each key, which is label `label` */
};

struct metric {
	const char *name; /* complete but for "hokm_" in front and "_total" behind */
	enum metric_type type;
	enum metric_of of;
	enum metric_value value;
	const char *path;         /* in the item: "vrrp.sent" */
	double unit_div;          /* what a number is divided by; 0: by nothing */
	const char *label;        /* METRIC_STATE, METRIC_MAP */
	const char *field;        /* METRIC_MAP: the values are objects that have this field */
	const char *const *words; /* ends with NULL */
	const char *help;
};

/* Ends with a NULL name. */
extern const struct metric metrics_table[];

#endif
