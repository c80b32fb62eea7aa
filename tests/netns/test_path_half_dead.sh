#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes with a direct cable, and a witness. The cable is faster than the segment and loses what
# the backup sends. So each wish of the owner comes to the backup over the cable first, and only the
# answer to the one over the segment comes back. Then the witness dies: the owner has the grant of
# its peer all the same, and nothing moves. A handover and the way back work as ever.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"

SEGMENT_MS=2

both_paths() { path_answers "$1" 0 true && path_answers "$1" 1 true; }
segment_only() { path_answers "$1" 0 true && path_answers "$1" 1 false; }
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }
carries() { grep -q carrying "$LAB_DIR/log/sw.slow"; }
witness_gone_for() {
	status_test a '.grants.others[] | select(.witness) | .answered_ms // 0' -gt "$1"
}

# Pulses from a to b take longer over the segment, and those from b to a are lost on the cable.
half_dead() {
	lab_spawn sw slow chrt -f 20 "$TESTS_DIR/slow_way.py" p-a p-b "$(lab_addr b)" $SEGMENT_MS
	lab_wait 10 carries && cut "$(cut_way a b) iifname direct-b oifname direct-a drop;"
}
slower() { status_test a '.peers[0].paths[0].rtt_us // 0' -ge $((SEGMENT_MS * 1000)); }

second_path() { switched_cable && cable_conf a b; }
witness_group "$PATIENT" second_path
for node in a b; do within 20 "start: $node" both_paths $node; done
must lab_wait 20 owner_is a
must lab_wait 20 calm
must half_dead
within 10 "half dead: the owner hears its peer over the segment alone" segment_only a
within 10 "half dead: the segment is slower" slower
observe_mark half
EPOCH=$(status a .epoch) BEFORE=$(times_owner b)
must lab_stop w witness
within 10 "witness dead: the owner has two of three members" in_touch a 2
within 20 "witness dead: for long" witness_gone_for 3000
holds "witness dead: the owner stays" owns a
holds "witness dead: in the same epoch" status_is a .epoch "$EPOCH"
holds "witness dead: by the grant of its peer" status_is a \
	'.grants.others[] | select(.witness | not) | .granted_ms > 0' true
number_is "witness dead: times that the backup became owner" "$(times_owner b)" -eq "$BEFORE"
observe_mark stays
unbroken "witness dead"
for node in a b; do
	must ctl_ok $node failover
	[ $node = a ] && next=b || next=a
	within 10 "planned: $(lab_name $next) owns" owns $next
	within 10 "planned: $(lab_name $node) does not" owns_not $node
	within 10 "planned: ARP shows it" owner_is $next
done
test_end
