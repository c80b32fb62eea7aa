#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 40 s
#
# An owner by the grants of a majority, two nodes and a witness, whose daemon is replaced under
# fifty players. For an upgrade it asks for one long grant before.
#
#   upgrade   by the same build, and by another one: nobody notices, the epoch stays
#   cut off   the owner is cut off from both members in the middle of an upgrade: the other node
#             owns when the long grant is over, and never both at a moment
#   crash     a daemon that is started again before its grants have ended stays owner
#
#   ROUNDS=N  cuts in the middle of an upgrade, each at another moment   (1)

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"
# shellcheck source=tests/netns/upgrade.sh
. "$TESTS_DIR/upgrade.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

UPGRADES=0
install_build() { install_it "$HOKM"; }

# moved_nothing WORDS FACTS: since the mark.
moved_nothing() {
	within 10 "$1: the players are well" calm
	window after
	observe_mark after
	unbroken "$1"
	holds "$1: the owner and its epoch are as they were" test "$(facts)" = "$2"
	number_is "$1: changes of the owner, by the kernels" \
		"$(field "$REPLY_OWNERS" changes)" -eq 0
}

# upgrade WORDS FILE
upgrade() {
	local before
	before=$(facts)
	must install_it "$2"
	observe_mark upgrade
	window upgrade
	holds "$1: it says that the new daemon runs" upgrade_says "upgraded: hokm-xdp "
	UPGRADES=$((UPGRADES + 1))
	within 10 "$1: another daemon runs" upgraded $UPGRADES
	within 10 "$1: it is in touch with all members" in_touch a 3
	# The long grant is over.
	within 10 "$1: it has renewed its grants" \
		status_test a '.grants.granted_ms // 9999' -lt 1000
	moved_nothing "$1" "$before"
}

home() {
	must lab_wait 20 all_in_touch
	must lab_wait 20 only_owner a
	must lab_wait 20 owner_is a
	must lab_wait 20 calm
}

# cut_off MS: the moment after the order.
cut_off() {
	local order
	observe_mark order
	window order
	lab_ctl a upgrade >/dev/null 2>&1 &
	order=$!
	lab_nap "$(printf '0.%03d' "$1")"
	must cut "$(cut_between a b) $(cut_between a w)"
	wait "$order" || true
	within 20 "cut off after $1 ms: the other node owns" only_owner b
	must uncut
	observe_mark owned
	number_is "cut off after $1 ms: rounds with two owners" \
		"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	window back
	echo "# $REPLY_OWNERS"
	home
}

# Lease and grants last for longer than a start, also on a busy machine.
crash() {
	local before
	GRANT=4s
	LAB_CONF_EXTRA="grant = $GRANT
$(lab_witness_conf w)
$PATIENT vrrp { advert = 1s }" lab_conf a b
	must ctl_ok a reload
	must ctl_ok b reload
	within 10 "crash: long grants are in force" status_test a '.grants.granted_ms // 0' -gt 3000
	home
	within 10 "crash: and a long lease" status_test a .lease_left_ms -gt 2000
	before=$(facts)
	observe_mark crash
	window crash
	must lab_kill a daemon KILL
	must lab_daemon a
	within 10 "crash: the new daemon owns" owns a
	holds "crash: because it adopted" reason_is a adopted
	within 10 "crash: it is in touch with all members" in_touch a 3
	moved_nothing crash "$before"
}

witness_group "$PATIENT" install_build
must lab_wait 20 calm
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a
upgrade "upgrade" "$HOKM"
must other_build "$HOKM" "$LAB_DIR/other"
upgrade "another build" "$LAB_DIR/other"
for ((round = 0; round < ${ROUNDS:-1}; round++)); do cut_off $((round * 67 % 400 + 40)); done
crash
never_two
test_end
