#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 60 s
#
# Two nodes by grants, with the gateway as the third member; the client's machine is the gateway.
# VRRP's adverts have an interval of 1 s: its timers alone would need 3.6 s.
#
#   dead      the owner's machine dies: the backup owns long before Master_Down, without grants too
#   back      it boots: both go by grants again
#   killed    the owner's daemon is killed: its kernel still grants, and the backup owns
#   filtered  UDP 8766 is dropped between the nodes: they answer ARP, so nothing moves; then the
#             owner's daemon is killed, and VRRP's timers decide
#   single    the backup is dead: the owner's daemon is replaced, and nothing moves
#   foreign   the file of the peer has another arbiter: VRRP's timers decide, and nothing moves
#
# Never two owners, by ARP. Cuts of every kind are in tests/unit/test_stand_in_sim.c.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/stand_in.sh
. "$TESTS_DIR/stand_in.sh"

# Half of Master_Down is what a busy machine may take.
SOON_MS=1800
PLAYERS=0 # hokm-players only probes here

in_force() { status_is "$1" '.grants.in_force // false' "$2"; }
both_in_force() { in_force a true && in_force b true; }
both_hear() { hokm_ready a && hokm_ready b; }
# grants NODE STAND_IN: the gateway (true) or the peer (false) grants this node.
grants() {
	status_is "$1" "[.grants.others[] | select(.granted_ms > 0).stand_in] |
		index($2) != null" true
}
peer_grants() { grants "$1" false; }
gateway_grants() { grants "$1" true; }
times_owner() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"; }
by_grants() { both_hear && both_in_force && peer_grants a; }
home() { owns a && owns_not b; }

# soon WORDS NODE: the node owns, and not because VRRP's timers have run out.
soon() {
	local began
	began=$(lab_now_ms)
	within 20 "$1: the other one owns" owns "$2"
	number_is "$1: ms until it owns" $(($(lab_now_ms) - began)) -lt $SOON_MS
}
one_at_a_time() {
	observe_mark "$2"
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}

dead() {
	must lab_node_dead a
	soon "owner dead" b
	within 10 "owner dead: the gateway grants" gateway_grants b
	# Then it uses an answer for longer.
	within 10 "owner dead: for long" status_test b '.peers[0].seen_ms // 0' -gt 3000
	holds "owner dead: the reason is still the first one" reason_is b granted
	one_at_a_time "owner dead" dead
}

back() {
	must lab_node_alive a
	must lab_game a
	must lab_daemon a
	within 30 "back: it owns again" home
	within 30 "back: both go by grants" by_grants
	one_at_a_time "back" back
}

killed() {
	must lab_kill a daemon KILL
	soon "killed" b
	number_is "killed: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	must lab_daemon a
	within 30 "killed and back: it owns again" home
	within 30 "killed and back: both go by grants" by_grants
	one_at_a_time "killed" killed
}

silent() { status_is "$1" '.peers[0].pulsing' false; }
adverts_heard() { status_test b '.peers[0].adverts_ms // 99999' -lt 1500; }
filtered() {
	local a b
	a=$(times_owner a) b=$(times_owner b)
	must cut "$PULSES"
	within 20 "filtered: the owner's peer is silent" silent a
	within 20 "filtered: the owner goes on by the gateway" gateway_grants a
	# Longer than Master_Down.
	within 20 "filtered: for long" status_test b '.peers[0].seen_ms // 0' -gt 5000
	holds "filtered: the backup hears adverts" adverts_heard
	holds "filtered: the owner stays" home
	number_is "filtered: times that a became owner" "$(times_owner a)" -eq "$a"
	number_is "filtered: times that b became owner" "$(times_owner b)" -eq "$b"
	one_at_a_time "filtered" filtered
	must lab_kill a daemon KILL
	within 20 "filtered, killed: VRRP's timers decide" owns b
	must uncut
	must lab_daemon a
	within 30 "filtered, back: it owns again" home
	within 30 "filtered, back: both go by grants" by_grants
	one_at_a_time "filtered and killed" back
}

replaced() { [ "$(grep -c 'it was' "$LAB_DIR/log/a.daemon")" -gt 0 ]; }
# For longer than a second: then it uses an answer of the gateway for longer (decide/stand_in.h).
alone() { gateway_grants a && status_test a '.peers[0].seen_ms // 0' -gt 1500; }
# The peer knows no promises of before, and gives none for five seconds.
too_early() { lab_ctl a failover 2>&1 | grep "backup has started a moment ago" >/dev/null; }
single() {
	local epoch
	must lab_node_dead b
	within 20 "single: it owns by the gateway" alone
	epoch=$(status a .epoch)
	holds "single: the daemon is replaced" ctl_ok a upgrade
	within 20 "single: another daemon runs" replaced
	within 20 "single: it owns" owns a
	number_is "single: epoch" "$(status a .epoch)" -eq "$epoch"
	must lab_node_alive b
	must lab_game b
	must lab_daemon b
	within 10 "single, back: a failover is refused, and the reason is said" too_early
	within 30 "single, back: both go by grants" by_grants
	one_at_a_time "single" single
}

foreign() {
	local before
	before=$(times_owner b)
	sed -i 's/^arbiter = gateway/arbiter = none/' "$LAB_DIR/b/hokm-xdp.conf"
	must ctl_ok b reload
	within 20 "foreign: the peer takes no part" in_force b false
	within 20 "foreign: the owner goes by VRRP's timers" in_force a false
	holds "foreign: the owner stays" home
	sed -i 's/^arbiter = none/arbiter = gateway/' "$LAB_DIR/b/hokm-xdp.conf"
	must ctl_ok b reload
	within 30 "foreign, back: both go by grants" by_grants
	number_is "foreign: times that b became owner" "$(times_owner b)" -eq "$before"
	one_at_a_time "foreign" foreign
}

stand_in_lab 'vrrp { advert = "1s" }'
must lab_wait 30 home
within 30 "start: both go by grants" by_grants
must observe_start
must lab_wait 20 owner_is a
observe_mark start
killed
filtered
single
foreign
dead
back
test_end
