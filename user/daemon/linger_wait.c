/* SPDX-License-Identifier: GPL-2.0-only */
/* See linger_wait.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/linger_wait.h"
#include "daemon/sweep.h"
#include "decide/linger.h"
#include "path/bpf.h"

static int count_packets(struct hokm_bpf *b, uint64_t *packets)
{
	*packets = 0;
	for (unsigned int slot = 0; slot < HOKM_MAX_SERVICES; slot++) {
		struct hokm_counters counters;
		int err = hokm_bpf_get_counters(b, slot, &counters);

		if (err)
			return err;
		*packets += counters.packets_in;
	}
	return 0;
}

static int look(struct hokm_bpf *b, struct linger_seen *seen)
{
	struct hokm_own own;
	struct hokm_cfg cfg;
	int64_t players = sweep_count_players(b);
	int err = players < 0 ? (int)players : hokm_bpf_get_own(b, &own);

	if (!err)
		err = hokm_bpf_get_cfg(b, &cfg);
	if (!err)
		err = count_packets(b, &seen->packets);
	if (err)
		return err;
	seen->daemon_ns = own.daemon_ns;
	seen->linger_ns = cfg.linger_ns;
	seen->players = (uint64_t)players;
	return 0;
}

static void report(const struct linger_seen *seen, uint64_t now_ns)
{
	uint64_t age_ns = now_ns - seen->daemon_ns;
	uint64_t left_ns = age_ns < seen->linger_ns ? seen->linger_ns - age_ns : 0;

	log_info("waiting: new connections are steered for %llu s at most, "
		 "or until none came for %llu s; %llu players are left on this node",
		 (unsigned long long)(left_ns / NS_PER_S),
		 (unsigned long long)(LINGER_QUIET_NS / NS_PER_S),
		 (unsigned long long)seen->players);
}

/*
 * Waits until nothing needs the packet path (*over), or until a daemon runs again (not *over).
 * Returns 0 or -errno.
 */
static int wait_until_over(struct hokm_bpf *b, bool *over)
{
	const struct timespec second = {.tv_sec = 1};
	enum linger_answer answer = LINGER_WAIT;
	struct linger_seen seen;
	struct linger_watch l;
	int err = look(b, &seen);

	if (err)
		return err;
	linger_init(&l, &seen, clock_now_ns());
	report(&seen, clock_now_ns());
	while (!err && answer == LINGER_WAIT) {
		/* A sleep that a signal ends only makes the next look come earlier. */
		(void)nanosleep(&second, NULL);
		err = look(b, &seen);
		if (!err)
			answer = linger_step(&l, &seen, clock_now_ns());
	}
	*over = answer == LINGER_OVER;
	return err;
}

int linger_wait(const struct conf *c)
{
	struct hokm_bpf *b;
	bool over = false;
	int err = hokm_bpf_open_pinned(c, &b);

	if (err == -ENOENT)
		return 0;
	if (!err)
		err = wait_until_over(b, &over);
	hokm_bpf_close(b);
	if (err)
		log_error("could not read what the stopped daemon left: %s; it stays, for it may "
			  "serve players. The next start of the daemon takes it over, or names "
			  "what to do; without one `hokm-xdp cleanup` removes it, and the "
			  "connections of players on this node end",
			  strerror(-err));
	return err ? err : !over;
}
