/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `make bench`: nanoseconds per packet of every path, then of 1,000,000 connections: see bench.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static unsigned int number(const char *text, unsigned int low, unsigned int high)
{
	char *end;
	const unsigned long v = strtoul(text, &end, 10);

	if (*end || v < low || v > high) {
		fprintf(stderr, "bench: %s is not a number from %u to %u\n", text, low, high);
		exit(2);
	}
	return (unsigned int)v;
}

/* Runs the first part. Returns -errno after a message on stderr. */
static int every_path(struct bench *b, const char *object, json_t *json, bool *broken)
{
	int err;
	double unit;

	bench_paths(b);
	err = bench_open(b, object);
	err = err ? err : bench_measure(b);
	bench_close(b);
	if (err)
		return err;
	unit = bench_evaluate(b);
	report_table(b, unit);
	for (unsigned int i = 0; i < b->n_paths; i++)
		*broken |= path_broken(&b->paths[i]);
	return json_object_set_new(json, "packet_path", report_json(b, unit)) ? -ENOMEM : 0;
}

static int run_parts(struct bench *b, const char *object, const char *only, const char *file,
		     bool *broken)
{
	json_t *json = json_object();
	int err = json ? 0 : -ENOMEM;

	if (!err && strcmp(only, "million"))
		err = every_path(b, object, json, broken);
	if (!err && strcmp(only, "paths"))
		err = bench_million(b, object, json, broken);
	if (!err && file && json_dump_file(json, file, JSON_INDENT(2)))
		err = complain(file, -EIO);
	json_decref(json);
	return err;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", required_argument, NULL, 'j'},
		{"bpf", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"repeat", required_argument, NULL, 'n'},
		{"only", required_argument, NULL, 'o'}, /* "paths" or "million" */
		{NULL, 0, NULL, 0},
	};
	static struct bench b = {.rounds = 41, .repeat = 20000};
	const char *json = NULL, *object = "build/bench/bench.bpf.o", *only = "";
	bool broken = false;
	int c;

	while ((c = getopt_long(argc, argv, "j:b:r:n:o:", longs, NULL)) != -1) {
		if (c == 'j')
			json = optarg;
		else if (c == 'b')
			object = optarg;
		else if (c == 'r')
			b.rounds = number(optarg, 5, BENCH_ROUNDS_MAX);
		else if (c == 'n')
			b.repeat = number(optarg, 100, 60000);
		else if (c == 'o')
			only = optarg;
		else
			return 2;
	}
	if (run_parts(&b, object, only, json, &broken))
		return 1;
	return broken ? 1 : 0;
}
