/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * USDT probes: places at which a running daemon can be traced without a rebuild or a restart. A
 * probe that nobody traces is one nop; its arguments are values that are at hand anyway. `readelf
 * -n /usr/local/sbin/hokm-xdp` lists them. With B=/usr/local/sbin/hokm-xdp:
 *
 * The state of the VRRP machine changes:
 *   bpftrace -e "usdt:$B:hokm_xdp:state { printf(\"%s -> %s (%s)\n\", str(arg0), str(arg1),
 *       str(arg2)); }"
 *
 * One settle() of the event loop begins and ends; how long they take, by the notes they settle:
 *   bpftrace -e "usdt:$B:hokm_xdp:settle_begin { @t = nsecs; }
 *       usdt:$B:hokm_xdp:settle_end { @us[arg0] = hist((nsecs - @t) / 1000); }"
 *
 * The clients of a dead peer are notified, and all of that has ended:
 *   bpftrace -e "usdt:$B:hokm_xdp:takeover_begin { printf(\"%s: %d clients\n\", str(arg0), arg1); }
 *       usdt:$B:hokm_xdp:takeover_end { printf(\"%s: %d sent\n\", str(arg0), arg1); }"
 *
 * An active check has a result; how long they took, by service and reason:
 *   bpftrace -e "usdt:$B:hokm_xdp:check { @us[str(arg0), str(arg1), str(arg2)] = hist(arg3 / 1000);
 *       }"
 */
#ifndef HOKM_BASE_PROBE_H
#define HOKM_BASE_PROBE_H

#include <sys/sdt.h>

/* Names of the states and of the reason. */
#define PROBE_STATE(from, to, reason) DTRACE_PROBE3(hokm_xdp, state, from, to, reason)

/* Bits of enum inbox_note. */
#define PROBE_SETTLE_BEGIN(notes) DTRACE_PROBE1(hokm_xdp, settle_begin, notes)
#define PROBE_SETTLE_END(notes)   DTRACE_PROBE1(hokm_xdp, settle_end, notes)

/* Name of the peer; entries in map replica; notifications that were sent. */
#define PROBE_TAKEOVER_BEGIN(peer, n) DTRACE_PROBE2(hokm_xdp, takeover_begin, peer, n)
#define PROBE_TAKEOVER_END(peer, n)   DTRACE_PROBE2(hokm_xdp, takeover_end, peer, n)

/* Names of the service, the kind of check and the reason. */
#define PROBE_CHECK(service, kind, reason, took_ns) \
	DTRACE_PROBE4(hokm_xdp, check, service, kind, reason, took_ns)

#endif
