#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes that speak different wire versions: the switch writes another version into each pulse
# from and to node b. Each side reports it once, counts the pulses, and knows the other by its
# adverts alone; grants come from members of its own version only. There is one owner at every
# moment, and when both speak one version all is as before.
#
#   pair      two nodes: VRRP's timers decide, also when the owner dies and when it comes back
#   witness   two nodes and a witness, with which node a shares the version: a keeps its majority,
#             b has none

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

side_by_side pair witness

NEWER=4 OLDER=2 # than the version of this program

# speaks VERSION: in the pulses of node b, as they pass the switch, and in those for it.
speaks() {
	lab_run sw nft -f - <<-END
		table bridge version {
			chain forward {
				type filter hook forward priority filter
				iifname "p-b" udp dport 8766 @th,96,8 set $1
				iifname "p-b" udp sport 8766 @th,96,8 set $1
				oifname "p-b" udp dport 8766 @th,96,8 set $1
				oifname "p-b" udp sport 8766 @th,96,8 set $1
			}
		}
	END
}
speaks_ours() { lab_run sw nft delete table bridge version; }

hears_no_pulse() { status_is "$1" '.peers[0].pulsing' false; }
hears_pulses() { status_is "$1" '.peers[0].pulsing' true; }
# reported NODE VERSION OTHER-NODE: how often the log says it.
reported() {
	grep -c "pulses from $(lab_addr "$3") have the other wire version $2," \
		"$LAB_DIR/log/$1.daemon"
}
is_reported() { [ "$(reported "$@")" = 1 ]; }
more_dropped() { counter_test "$1" drop_pulse_version -ge $(($2 + 100)); }

# apart WORDS VERSION
apart() {
	local node other before
	must speaks "$2"
	for node in a b; do
		other=b
		[ $node = a ] || other=a
		before=$(counter $node drop_pulse_version)
		within 10 "$1: $node hears no pulse of $other" hears_no_pulse $node
		within 20 "$1: $node counts them" more_dropped $node "$before"
		holds "$1: $node reports it once" is_reported $node "$2" $other
	done
}
together() {
	must speaks_ours
	within 10 "$1: a hears b" hears_pulses a
	within 10 "$1: b hears a" hears_pulses b
}
one_owner() { # WORDS CHANGES
	number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq "$2"
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}

pair() {
	test_pair
	observe_mark begin
	apart "newer" "$NEWER"
	holds "newer: a owns" owns a
	holds "newer: b does not" owns_not b
	together "newer"
	apart "older" "$OLDER"
	observe_mark apart
	one_owner "apart" 0
	# Both kernels have known each other by pulses before.
	must lab_kill a daemon KILL
	within 20 "a dies: b owns" owns b
	must lab_daemon a
	within 20 "a comes back: it follows b" follows_b
	lab_wait 5 false
	holds "a comes back: it does not preempt" follows_b
	observe_mark back
	number_is "a comes back: rounds with two owners" \
		"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	together "older"
	within 20 "one version: a owns" sole_owner a
}
follows_b() { state_is a backup && owns_not a && owns b; }

witness() {
	witness_group "$PATIENT"
	must lab_wait 20 calm
	observe_mark begin
	apart "newer" "$NEWER"
	holds "newer: a has the grants of two members" in_touch a 2
	within 20 "newer: b has its own grant alone" in_touch b 1
	within 20 "newer: b says that it has no majority" event b state isolated
	holds "newer: a owns" owns a
	observe_mark apart
	one_owner "newer" 0
	together "newer"
	within 20 "one version: all members are in touch" all_in_touch
	apart "older" "$OLDER"
	must lab_kill a daemon KILL
	within 10 "a dies: it does not own" lab_gone a daemon
	lab_wait 3 false
	holds "a dies: b without a majority does not own" owns_not b
	must lab_daemon a
	within 20 "a comes back: it owns" sole_owner a
	together "older"
	within 20 "one version again: all members are in touch" all_in_touch
	observe_mark back
	number_is "older: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}

$PART
test_end
