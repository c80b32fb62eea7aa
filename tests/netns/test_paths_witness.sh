#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes with a direct cable, and a witness: a member grants over whichever path a wish comes.
# The owner loses the segment to both other members, and keeps the grant of its peer by the cable:
# it stays owner, and the peer claims nothing. When the cable is cut too, it ends, and the peer
# owns with the grant of the witness.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"

both_paths() { path_answers "$1" 0 true && path_answers "$1" 1 true; }
cable_only() { path_answers "$1" 0 false && path_answers "$1" 1 true; }
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }

cable_alone() {
	local before
	before=$(times_owner b)
	must cut "$(cut_between a b) $(cut_between a w)"
	within 10 "segment cut: the owner has its peer by the cable" cable_only a
	within 10 "segment cut: the owner has two of three members" in_touch a 2
	within 10 "segment cut: the backup hears no adverts" \
		status_test b ".peers[0].adverts_ms // 0" -gt 3000
	holds "segment cut: the owner stays" owns a
	holds "segment cut: by grants" in_touch a 2
	holds "segment cut: the backup stays" state_is b backup
	number_is "segment cut: times that the backup became owner" "$(times_owner b)" -eq "$before"
}

nothing_left() {
	must cable_is down
	within 20 "cable cut too: the other one owns" owns b
	within 20 "cable cut too: the owner ends" owns_not a
	must cable_is up
	must uncut
	for node in a b; do within 20 "all back: $node" both_paths $node; done
	within 30 "all back: the primary owns again" owns a
	within 30 "all back: the backup does not" owns_not b
}

second_path() { cable_up && cable_conf a b; }
witness_group "$PATIENT" second_path
for node in a b; do within 20 "start: $node" both_paths $node; done
cable_alone
nothing_left
test_end
