/* SPDX-License-Identifier: GPL-2.0-only */
/* See limits.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "base/log.h"

/* "unlimited", or the number. */
static const char *words(rlim_t limit, char dst[32])
{
	if (limit == RLIM_INFINITY)
		snprintf(dst, 32, "unlimited");
	else
		snprintf(dst, 32, "%llu", (unsigned long long)limit);
	return dst;
}

static const char *limit_now(int resource, char dst[32])
{
	struct rlimit lim;

	if (!getrlimit((__rlimit_resource_t)resource, &lim))
		return words(lim.rlim_cur, dst);
	snprintf(dst, 32, "unknown");
	return dst;
}

void limits_raise_files(void)
{
	struct rlimit lim;
	char most[32];

	if (getrlimit(RLIMIT_NOFILE, &lim)) {
		log_warn("could not read the limit of open files: %s", strerror(errno));
		return;
	}
	if (lim.rlim_cur >= LIMITS_FILES)
		return;
	lim.rlim_cur = lim.rlim_max < LIMITS_FILES ? lim.rlim_max : LIMITS_FILES;
	if (setrlimit(RLIMIT_NOFILE, &lim))
		log_warn("could not raise the limit of open files: %s", strerror(errno));
	if (lim.rlim_cur < LIMITS_FILES)
		log_warn("this process may open no more than %s files: that may not be enough; "
			 "set LimitNOFILE=%d in the unit, or raise `ulimit -Hn`",
			 words(lim.rlim_max, most), LIMITS_FILES);
}

const char *limits_advice(int err, char dst[LIMITS_ADVICE])
{
	char now[32];

	dst[0] = '\0';
	switch (abs(err)) {
	case EMFILE:
		snprintf(dst, LIMITS_ADVICE,
			 "; this process may open no more than %s files: "
			 "set LimitNOFILE=%d in the unit, or raise `ulimit -n`",
			 limit_now(RLIMIT_NOFILE, now), LIMITS_FILES);
		break;
	case ENFILE:
		snprintf(dst, LIMITS_ADVICE,
			 "; this machine opens no more files: raise sysctl fs.file-max");
		break;
	case EAGAIN:
		snprintf(dst, LIMITS_ADVICE,
			 "; no more processes may run: "
			 "raise TasksMax= of the unit, or LimitNPROC= (`ulimit -u`, %s now)",
			 limit_now(RLIMIT_NPROC, now));
		break;
	default:
		break;
	}
	return dst;
}
