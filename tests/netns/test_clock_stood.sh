#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# The owner's machine stands still together with its clock, as a hypervisor does it: the next node
# takes over, and then the former owner goes on with a lease and grants that seem to run for seconds
# (tests/netns/owner_words.py writes them). Two nodes own until the word of another one reaches it.
#
#   probe    its daemon asks nothing, as in an upgrade: a probe of the next owner ends its grants in
#            the kernel. The daemon that goes on later reports it.
#   answer   it hears nothing of the next owner: the answer of the witness ends them
#
# Each time it is owner again later, as its priority is higher.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

# The lease of VRRP must outlast the time without the owner.
export LAB_PROFILE=standard
# What the former owner seems to have, and for how long it may own beside the next one: a pulse, and
# what the test needs to connect it again.
STOOD_MS=4000
TWO_MS=1000

# All that the daemon of a and its kernel do stops; the next one owns.
stops() { # NAME
	must lab_wait 20 all_in_touch
	must lab_wait 20 witness_grants a
	must lab_wait 20 only_owner a
	SEEN=$(counter a clock_stood)
	must cut "$(cut_all a)"
	must lab_kill a daemon STOP
	within 5 "$1: the next one owns" only_owner b
	window "$1"
	must "$TESTS_DIR/owner_words.py" "$(lab_pins a)" stand=$STOOD_MS >/dev/null
	holds "$1: two nodes own" both_own
}
# One owner is left, long before what the other one had is over.
ends() { # NAME
	within 5 "$1: one owner is left" only_owner b
	window after
	number_is "$1: ms with two owners" \
		$(($(field "$REPLY_OWNERS" overlap_max_ns) / 1000000)) -le $TWO_MS
	echo "# $1: $REPLY_OWNERS"
}
reported() { # NAME
	within 10 "$1: the reason is known" event a state clock-stood
	within 10 "$1: and counted" counter_test a clock_stood -eq $((SEEN + 1))
	holds "$1: the log says what to do" grep -q "Hand the VIP over" "$LAB_DIR/log/a.daemon"
}
back() { # NAME
	within 40 "$1: the preferred node owns again" only_owner a
}

probe() {
	stops probe
	must uncut
	ends probe
	must lab_kill a daemon CONT
	reported probe
	holds "probe: one owner" only_owner b
	back probe
}

answer() {
	stops answer
	must recut "$(cut_between a b)"
	must lab_kill a daemon CONT
	ends answer
	reported answer
	within 10 "answer: it is not owner, and says why" status_is a .reason clock-stood
	must uncut
	back answer
}

must witness_nodes "vrrp { preempt_delay = 1s }"
must owners_start a b
probe
answer
test_end
