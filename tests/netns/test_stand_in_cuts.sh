#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 70 s
#
# Partitions of two nodes whose third member is the gateway, at profile fast; the client's machine
# is the gateway. Each of the six ways between two of them (from a to b, from b to a, and so on)
# is open or cut: 60 cuts, in random order, each one directly after the other, and each for a
# random time, longer than a grant. BUSY of three come in the middle of something: a planned
# failover, a failback, the preempt delay before it, or a crash of the owner's daemon (moments.sh).
# Three cuts are left out, which this arrangement does not survive: both reach the gateway, and one
# of them does not hear the other. One of these comes last.
#
#   safety     never two owners: by the kernels' own words, lease and grants, and by ARP
#   liveness   where the nodes hear each other one of them owns. So does a node that hears nothing
#              of the other one, nor the other way round, and reaches the gateway. Where nobody
#              reaches anybody, nobody owns
#   healing    of two owners that hear each other again the lesser one yields at once
#
#   CUTS=N     of them, by default 18; `make soak` takes all, several times
#   SEED=N     the same order again

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
MASKS=({4..63}) # 1 to 3 make two owners
# shellcheck source=tests/netns/masks.sh
. "$TESTS_DIR/masks.sh"
# An upgrade of an owner that is alone is an exception (docs/ownership.md).
MOMENTS=(failover failback preempt crash)
# shellcheck source=tests/netns/moments.sh
. "$TESTS_DIR/moments.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"
# shellcheck source=tests/netns/stand_in.sh
. "$TESTS_DIR/stand_in.sh"

GAP_MS=${GAP_MS:-1500}
# A claimant never waits for the longest grant, 5 s, where Master_Down is over.
GAP_WORST_MS=${GAP_WORST_MS:-4500}
PLAYERS=0 # hokm-players only probes here
WAYS=("a b" "b a" "a client" "client a" "b client" "client b")

by_grants() { status_is "$1" '.grants.in_force // false' true; }
together() { hokm_ready a && hokm_ready b && by_grants a && by_grants b; }

heal() {
	must cut_now 0
	within 20 "all hear each other" together
	within 20 "and one of them owns" one_owner
}

# partition CUT [NUMBER MOMENT]
partition() {
	local mask=$1 words may=
	words="cut$(cut_words "$mask")"
	[ -z "${3:-}" ] || heal
	act "${3:-}"
	words+=${ACTION:+ in $ACTION}
	window "cut-$mask"
	must cut_now "$mask"
	met "$mask"
	# Longer than a grant: shorter ones can make two owners (docs/ownership.md).
	lab_nap "0.$((25 + RANDOM % 50))"
	if both_ways "$mask" 0; then
		may=ab
	elif [ $((mask & 3)) = 3 ]; then
		! both_ways "$mask" 2 || may=a
		! both_ways "$mask" 4 || may=b
	elif ! both_ways "$mask" 2 && ! both_ways "$mask" 4; then
		may=none
	fi
	# A node that hears the other one, and is not heard, does not claim: nothing is promised.
	case $may in
	ab) within 20 "$words: one of them owns" one_owner ;;
	a) within 20 "$words: who reaches the gateway owns" only_owner a ;;
	b) within 20 "$words: who reaches the gateway owns" only_owner b ;;
	none) within 20 "$words: nobody owns" nobody_owns ;;
	esac
	act_ends
	window after
	[ -z "$ACTION" ] || return 0
	[ "$may" != a ] && [ "$may" != b ] && [ "$may" != ab ] || gap_counts
}

# One node after the other is cut off from all, so that an owner ends: until a window counts, which
# does not where the machine stood still.
owner_ends() {
	local mask
	for mask in 15 51 15 51 15 51 15 51; do
		partition "$mask"
		[ ${#GAPS[@]} = 0 ] || return 0
	done
}

partitions() {
	shuffle "${CUTS:-18}"
	queue
	observe_mark partitions
	owner_ends
	each_cut 0 partition
	heal
	window whole
	observe_mark whole
	gaps_are "$GAP_MS" "$GAP_WORST_MS"
	number_is "rounds with two owners, by ARP" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $REPLY_ARP"
}

# The nodes do not hear each other. The owner is alone with the gateway; then only the other node
# reaches the gateway, which was deaf. In between is so much time that the owner uses an answer for
# as long as a lease, or less than a grant: who asked in vain for a part of it counts anew.
changes_over() {
	local alone
	for alone in 1.3 0.1 1.3 0.12; do
		must cut_now 0
		within 20 "the gateway changes over: before" together
		within 20 "the gateway changes over: a owns" only_owner a
		window alone
		must cut_now 19
		lab_nap "$alone"
		must cut_now 15
		within 20 "the gateway changes over: b owns" only_owner b
		window after
		echo "# ms without an owner, after $alone s: $(field "$REPLY_OWNERS" gap_max_ms)"
	done
	must cut_now 0
	within 20 "the gateway changes over: all hear each other again" together
	within 20 "the gateway changes over: one of them owns" one_owner
}

# Adverts and all else pass, so that nothing may move.
pulses() {
	window pulses
	must cut_rules "$PULSES"
	lab_nap 0.1
	within 20 "pulses cut: one owner" one_owner
	must cut_now 0
	within 20 "pulses again: both are in touch" together
	window after
}

# A pulse ends it when they hear each other, not the next advert.
both_own_then_heal() {
	local round
	LAB_CONF_EXTRA=${LAB_CONF_EXTRA/vrrp {/vrrp { advert = 10s}
	must lab_conf a b
	must ctl_ok a reload
	must ctl_ok b reload
	for round in first second; do
		within 20 "before the $round cut between them" only_owner a
		must lab_wait 20 together
		must cut_now 3
		within 10 "the $round cut between them: both own" both_own
		must cut_now 0
		within 2 "the $round cut ends: one owner" only_owner a
	done
}

stand_in_lab "vrrp { preempt_delay = \"${PREEMPT_MS}ms\" }"
must lab_wait 30 owns a
must lab_wait 30 together
must observe_start
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a
partitions
changes_over
pulses
never_two
both_own_then_heal
test_end
