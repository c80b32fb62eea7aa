#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes and a witness where the kernel refuses SCHED_DEADLINE to the thread that renews the
# grants, because the daemons may use one CPU only (taskset, a cpuset, CPUAffinity= of a unit). Each
# daemon logs it once, with what to do, and status shows it. The owner keeps the VIP, a daemon that
# is killed is replaced, and the former owner takes the VIP back. No player notices.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

PLAYERS=20
SECONDS_REFUSED=4 # the thread asks the kernel once a second

in_time() { status_is "$1" .grants.renews_in_time "$2"; }
refusals() { grep -c "no time by SCHED_DEADLINE" "$LAB_DIR/log/$1.daemon"; }
advises() { grep "no time by SCHED_DEADLINE" "$LAB_DIR/log/$1.daemon" | grep -qF "$2"; }
# What the lab starts from now on may use these CPUs.
bind_to() { taskset --pid --cpu-list "$1" $$ >/dev/null; }

refused() {
	local node
	for node in a b; do
		within 10 "refused: status of $node" in_time $node false
		holds "refused: the log of $node says what to do" \
			advises $node "CPUAffinity= of the unit"
	done
	lab_wait $SECONDS_REFUSED false
	for node in a b; do
		number_is "refused: lines of it in the log of $node" "$(refusals $node)" -eq 1
	done
	observe_mark steady
	unbroken "refused"
	holds "refused: the owner stays" owns a
	holds "refused: its epoch" status_is a .epoch "$EPOCH"
}

killed() {
	observe_mark killed
	must lab_kill a daemon KILL
	within 10 "killed: the peer owns" owns b
	within 10 "killed: ARP shows the peer" owner_is b
	within 20 "killed: the players are well" calm
	must lab_daemon a
	within 20 "killed, then back: the primary owns" owns a
	within 20 "killed, then back: the players are well" calm
	observe_mark back
	unbroken "killed, then back" 2
}

CPUS=$(taskset --pid --cpu-list $$) CPUS=${CPUS##* }
FIRST=${CPUS%%[-,]*}
if [ "$CPUS" = "$FIRST" ]; then
	echo "skip: with one CPU nothing is refused"
	test_end
fi
bind_to "$FIRST"
witness_group
bind_to "$CPUS"
must lab_wait 20 calm
must lab_wait 20 owner_is a
EPOCH=$(status a .epoch)
refused
bind_to "$FIRST"
killed
test_end
