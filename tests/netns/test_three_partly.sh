#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# Three nodes, of which some go by `arbiter = majority` and the owner by VRRP's timers. Two nodes
# that have a majority could grant each other, and know of this owner by its pulses alone.
#
#   on         b and c have read the new file, a owns by timers
#   restarted  the daemon of b is killed and started again, four times: it waits for no advert
#   cable      the cable of b is pulled for a moment
#   planned    failover to b, and back: each of them takes what the other one lets go
#   last       a reads the file: it owns by grants
#   off        a reads the former file first: it owns by timers, and its last grants end
#
# No two of them own at a moment.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

# decides WORD: the files of all nodes have this arbiter from now on.
decides() {
	LAB_CONF_EXTRA="grant = $GRANT
arbiter = $1
$PATIENT" lab_conf a b c
}
by_timers() { status_is "$1" .grants null; }
# So long a node would wait for an advert after its start, and more.
settled() { status_test "$1" .uptime_ms -ge 1500; }
a_alone() { # WORDS
	window "${1//[ ,]/-}"
	number_is "$1: overlaps of two owners" "$(field "$REPLY_OWNERS" overlaps)" -eq 0
	number_is "$1: changes of the owner" "$(field "$REPLY_OWNERS" changes)" -eq 0
	holds "$1: a owns" only_owner a
}

on() {
	# What was promised before the daemons began is over.
	must lab_wait 20 status_test c .uptime_ms -ge $((READY_MS + 5200))
	window before
	must decides majority
	must ctl_ok b reload
	must ctl_ok c reload
	within 10 "on: the majority decides for b" in_touch b 2
	within 10 "on: and for c" in_touch c 2
	holds "on: and VRRP's timers for a" by_timers a
	a_alone on
}
restarted() {
	local round
	for round in 1 2 3 4; do
		must lab_kill b daemon KILL
		must lab_wait 10 lab_gone b daemon
		must lab_daemon b
		within 20 "restarted $round: b is in touch with c" in_touch b 2
		within 20 "restarted $round: b has had time" settled b
		a_alone "restarted $round"
	done
}
cable() {
	must lab_link b down
	within 10 "cable: b knows" status_is b .state fault
	must lab_link b up
	within 20 "cable: b is back" status_is b .state backup
	within 20 "cable: b is in touch with c" in_touch b 2
	within 10 "cable: b has had time" status_test b .since_ms -ge 1000
	a_alone cable
}
# planned NODE TO
planned() {
	must ctl_ok "$1" failover
	within 10 "planned: $(lab_name "$2") owns" only_owner "$2"
	window "planned-$2"
	number_is "planned: overlaps of two owners" "$(field "$REPLY_OWNERS" overlaps)" -eq 0
}
last() {
	must ctl_ok a reload
	within 20 "last: a owns by grants" in_touch a 3
	a_alone last
}
off() {
	must decides none
	must ctl_ok a reload
	within 10 "off: VRRP's timers decide for a" by_timers a
	holds "off: and the majority for b" in_touch b 2
	within 10 "off: the last grants of a have ended" \
		status_is b '[.grants.others[] | .held_ms // 0] | max' 0
	must ctl_ok b reload
	must ctl_ok c reload
	a_alone off
}

export LAB_CONF_EXTRA="grant = $GRANT
arbiter = none
$PATIENT"
test_nodes a b c
must owners_start a b c
READY_MS=$(status c .uptime_ms)
must lab_wait 20 owns a
must observe_start
must lab_wait 20 only_owner a
on
restarted
cable
planned a b
planned b a
last
off
never_two
test_end
