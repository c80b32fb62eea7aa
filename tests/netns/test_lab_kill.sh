#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone
#
# The lab ends a process at real-time priority, and leaves its threads of SCHED_DEADLINE as they
# are: a kernel that never gives their time back has none left for the daemons of later tests. The
# daemons of tests that run at the same time could have all of that time, so there are none.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

RAISED=$LAB_DIR/raised
URGENT=
policy_of() { command chrt --pid "$1" 2>/dev/null; }
has_policy() { [[ $(policy_of "$1") == *": $2"* ]]; }
chrt() {
	echo "${*: -1}" >>"$RAISED"
	command chrt "$@"
}
was_raised() { grep -qx "$1" "$RAISED"; }
was_not_raised() { ! was_raised "$1"; }

must lab_up a
must lab_spawn a plain tail -f /dev/null
# A hundredth of a CPU, in ns.
must lab_spawn a urgent chrt -d --sched-runtime 100000 --sched-deadline 5000000 \
	--sched-period 10000000 0 tail -f /dev/null
busy() { grep -q "resource busy" "$LAB_DIR/log/a.urgent"; }
started() { busy || { URGENT=$(lab_pid a urgent) && has_policy "$URGENT" SCHED_DEADLINE; }; }
must lab_wait 10 started
if busy; then
	trap - EXIT
	must lab_down
	echo "skip: the kernel has no time of SCHED_DEADLINE left"
	exit 77
fi
PLAIN=$(lab_pid a plain)
holds "a process of SCHED_DEADLINE runs" has_policy "$URGENT" SCHED_DEADLINE
must lab_kill a plain KILL
must lab_kill a urgent KILL
within 10 "both are gone" lab_gone a plain
within 10 "both are gone" lab_gone a urgent
holds "another thread is raised" was_raised "$PLAIN"
holds "a thread of SCHED_DEADLINE is not" was_not_raised "$URGENT"
test_end
