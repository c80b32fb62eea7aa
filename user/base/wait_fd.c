/* SPDX-License-Identifier: GPL-2.0-only */
/* See wait_fd.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "base/wait_fd.h"

int wait_fd(int fd, short events, uint64_t by_ns)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now_ns = clock_now_ns(), left_ms;
		int n;

		if (now_ns >= by_ns)
			return -ETIMEDOUT;
		left_ms = (by_ns - now_ns) / NS_PER_MS + 1;
		n = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}
