#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 80 s
#
# A pair is upgraded from the version before to this one, one node after the other, as
# docs/operation.md says, and one node goes back again. The program of the version before is built
# from the history (previous.sh). While the versions differ both nodes report it, carry each other's
# players and hand the VIP over in both directions: no connection breaks, no attempt fails, and
# there is one owner at every moment.
#
#   pair      two nodes. The owner of the one version is ended by force, and preempts the other
#   witness   two nodes and a witness, whose program is replaced last

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/previous.sh
. "$TESTS_DIR/previous.sh"

previous_find
if ! previous_build; then
	not_ok "the version before this one, $PREVIOUS, can be built"
	exit 1
fi

side_by_side pair witness

# As in the field: a daemon that is stopped goes on steering, and `hokm-xdp cleanup` ends that.
export LAB_LINGER=60s
OLD=$PREVIOUS_HOKM NEW=$HOKM

# ---- the installed programs ----

program() { echo "$LAB_DIR/$1/hokm-xdp"; }
conf_of() { echo "$LAB_DIR/$1/hokm-xdp.conf"; }
install_it() { cp "$2" "$(program "$1").new" && mv "$(program "$1").new" "$(program "$1")"; }
all_old() {
	local node
	for node in a b w; do mkdir -p "$LAB_DIR/$node" && install_it $node "$OLD" || return 1; done
}
# The nodes and the witness run what is installed there.
lab_daemon() {
	lab_wait 20 lab_gone "$1" daemon || return 1
	lab_spawn "$1" daemon "$(program "$1")" run -c "$(conf_of "$1")"
}
lab_witness() {
	lab_wait 20 lab_gone "$1" witness && lab_witness_file "$1" a &&
		lab_spawn "$1" witness "$(program "$1")" witness -c "$(conf_of "$1")"
}
upgrade_says() {
	"$(program "$1")" ctl -s "$LAB_DIR/$1/hokm.sock" upgrade 2>&1 | grep -F -- "$2" >/dev/null
}

# ---- what both report ----

differs_are() { status_is "$1" '[.peers[0].differs[]?.name] | join(" ")' "$2"; }
# known NODE TEXT: it knows the settings of its peer, and this version there.
known() { status_is "$1" '.peers[0].differs != null' true && differs_are "$1" "$2"; }
both_know() { known a "$1" && known b "$1"; }
warns_of_versions() {
	lab_ctl "$1" status | grep -F -- "the versions of the program differ" >/dev/null
}
warm() { status_is "$1" '.peers[0].replica | .warm and .peer_warm' true; }
both_warm() { warm a && warm b; }
sees_it_up() { status_is "$1" '.peers[0].services_up' 1; }
in_good_order() {
	hokm_ready a && hokm_ready b && both_warm && sees_it_up a && sees_it_up b &&
		members_in_touch && calm
}
# A member whose maps are new grants nothing for five seconds, and is no successor so long.
granted_by_all() { status_is "$1" '[.grants.others[] | .granted_ms > 0] | all' true; }
members_in_touch() {
	[ "$PART" = pair ] || { all_in_touch && { granted_by_all a || granted_by_all b; }; }
}

mixed() {
	within 20 "$1: both know that the versions differ" both_know version
	holds "$1: status of the owner warns" warns_of_versions "$2"
	holds "$1: status of the backup warns" warns_of_versions "$3"
}
alike() { within 20 "$1: all settings agree" both_know ""; }

# ---- the steps ----

# Whether the node takes over the pins of the daemon before it, or begins anew: the parts do either,
# where the maps are the same.
in_place() { [ "$PREVIOUS_PINS" = same ] && [ "$PART" = pair ]; }

# replace NODE PROGRAM WORDS: a node that is not owner; one that begins anew has no players.
replace() {
	local node=$1 words=$3
	observe_mark begin
	must install_it "$node" "$2"
	if in_place; then
		holds "$words: in place" upgrade_says "$node" "upgraded: hokm-xdp "
	else
		must lab_stop "$node" daemon
		must lab_run "$node" "$(program "$node")" cleanup -c "$(conf_of "$node")"
		must lab_daemon "$node"
	fi
	within 30 "$words: all is in good order" in_good_order
	observe_mark replaced
	unbroken "$words"
}

# moves FROM TO HOLDER WORDS: the owner hands over to its peer. The players stay where they are.
moves() {
	observe_mark begin
	must ctl_ok "$1" failover
	within 10 "$4: the VIP moves" owns "$2"
	within 20 "$4: all is in good order" in_good_order
	holds "$4: one node answers ARP" sole_owner "$2"
	observe_mark moved
	unbroken "$4" 1
	number_is "$4: players who are carried" "$(players_here "$3")" -eq "$PLAYERS"
}
players_here() { field "$REPLY_PLAYERS" "$(lab_name "$1")"; }

# The players leave, and others come, to the owner.
other_players() {
	must observe_stop
	must observe_start
	must lab_wait 20 calm
	must lab_wait 20 players_on "$1"
}

# ---- the parts ----

# The daemon of the owner a is killed, and a comes back: both versions, each against the other.
ends_by_force() {
	observe_mark begin
	must lab_kill a daemon KILL
	within 10 "$1, the daemon of the owner is killed: the peer owns" owns b
	within 20 "$1, the daemon of the owner is killed: the players are well" calm
	must lab_daemon a
	within 20 "$1, it comes back: it preempts" owns a
	within 20 "$1, it comes back: all is in good order" in_good_order
	holds "$1, it comes back: one node answers ARP" sole_owner a
	observe_mark back
	unbroken "$1, ended by force" 2
}

pair() {
	must lab_up a b
	must lab_conf a b
	must all_old
	for node in a b; do
		must lab_game $node
		must lab_daemon $node
	done
	for node in a b; do must lab_wait 20 hokm_ready $node; done
	must lab_wait 20 owns a
	must observe_start
	must lab_wait 20 in_good_order
	alike "both are old"
	replace b "$NEW" "the backup is upgraded"
	mixed "the backup is new" a b
	ends_by_force "the owner is old"
	moves a b a "from old to new"
	in_place || other_players b
	replace a "$NEW" "the primary is upgraded"
	alike "both are new"
	moves b a "$(in_place && echo a || echo b)" "from new to new"
	in_place || other_players a
	replace b "$OLD" "the backup goes back"
	mixed "the backup is old" a b
	ends_by_force "the owner is new"
	moves a b a "from new to old"
	moves b a a "from old back to new"
}

witness() {
	witness_group "$PATIENT" all_old
	must lab_wait 20 in_good_order
	alike "all are old"
	replace b "$NEW" "the backup is upgraded"
	mixed "the backup is new" a b
	moves a b a "from old to new"
	other_players b
	replace a "$NEW" "the primary is upgraded"
	alike "both nodes are new"
	witness_replaced
	moves b a b "from new to new"
	other_players a
	replace b "$OLD" "the backup goes back"
	mixed "the backup is old" a b
	moves a b a "from new to old"
}
witness_replaced() {
	observe_mark begin
	must install_it w "$NEW"
	must lab_stop w witness
	must lab_witness w
	within 30 "the witness is upgraded: all is in good order" in_good_order
	within 20 "the witness is upgraded: it grants" witness_grants b
	observe_mark witness
	unbroken "the witness is upgraded"
}

$PART
test_end
