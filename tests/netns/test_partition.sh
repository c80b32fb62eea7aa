#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 50 s
#
# Partitions of two nodes and a witness at profile fast. Each of the six ways between two of them
# (from a to b, from b to a, and so on) is open or cut: 63 cuts, in random order, each one directly
# after the other, and each for a random time. Before every fourth one all hear each other again.
# BUSY of three come in the middle of something: a planned failover, a failback, the preempt delay
# before it, an upgrade, or a crash of the owner's daemon (moments.sh).
# The client sees both nodes all the time, so two owners would be seen.
#
#   safety     never two owners: by the kernels' own words, lease and grants, and by ARP
#   liveness   where a node and another member hear each other, one of the nodes owns, soon. A node
#              that hears no member and is heard by it does not own
#   players    where they are all on the owner, and the owner stays, no connection breaks
#
#   tests/netns/test_partition.sh                   CUTS of them, by default 40
#   GRANT=30ms CUTS=500 BUSY=2 tests/netns/test_partition.sh   `make soak`: each cut in each moment
#   SEED=N ...                                      the same order again
#   GAP_MS=N GAP_WORST_MS=N ...                     limits of the time without an owner

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/masks.sh
. "$TESTS_DIR/masks.sh"
# shellcheck source=tests/netns/moments.sh
. "$TESTS_DIR/moments.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

# Of one grant and a claim; a busy machine may need more.
GAP_MS=${GAP_MS:-1000}
GAP_WORST_MS=${GAP_WORST_MS:-5000}
PLAYERS=20
WAYS=("a b" "b a" "a w" "w a" "b w" "w b")
STAYED=0 # cuts in which the owner stayed under its players
BROKEN=0 # connections that broke meanwhile

# ---- one cut ----

# All players are on the node that owns, which is then in SETTLED.
players_settle() {
	SETTLED=
	ask_kernels
	[[ $OWNER = [ab] ]] || return 0
	players_on "$OWNER" || echo rejoin >&"$PLAYERS_IN"
	! lab_wait 2 players_on "$OWNER" || SETTLED=$OWNER
}
heal() {
	must cut_now 0
	within 20 "all hear each other" all_in_touch
	within 20 "and one of them owns" one_owner
}
# The owner stayed under its players: none of them noticed the cut.
players_stayed() {
	[ -n "$SETTLED" ] && [ -z "$ACTION" ] && [ "$(field "$REPLY_OWNERS" changes)" = 0 ] ||
		return 0
	STAYED=$((STAYED + 1))
	BROKEN=$((BROKEN + $(field "$REPLY_PLAYERS" broken)))
	[ "$(field "$REPLY_PLAYERS" broken)" = 0 ] || echo "# broken: $REPLY_PLAYERS"
}

# partition CUT NUMBER [MOMENT]
partition() {
	local mask=$1 number=$2 words may=
	words="cut$(cut_words "$mask")"
	[ $((number % 4)) != 0 ] || heal
	players_settle
	act "${3:-}"
	words+=${ACTION:+ in $ACTION}
	window "cut-$mask"
	ask_players "mark $number"
	must cut_now "$mask"
	met "$mask"
	lab_nap "0.$((RANDOM % 4))$((RANDOM % 10))"
	! both_ways "$mask" 0 || may=ab
	! both_ways "$mask" 2 || may+=a
	! both_ways "$mask" 4 || may+=b
	case $may in
	*a*b*) within 15 "$words: one of them owns" one_owner ;;
	a) within 15 "$words: who hears the witness owns" only_owner a ;;
	b) within 15 "$words: who hears the witness owns" only_owner b ;;
	*) within 15 "$words: nobody owns" nobody_owns ;;
	esac
	act_ends
	ask_players "mark after"
	window after
	players_stayed
	[ -z "$may" ] || [ -n "$ACTION" ] || gap_counts
}

partitions() {
	# The owner stays if only the other node does not hear the witness. It ends if it hears
	# nobody itself.
	shuffle "${CUTS:-40}" 48 15
	queue
	echo "# grants of $GRANT"
	observe_mark partitions
	each_cut 2 partition
	must cut_now 0
	within 20 "all hear each other again" all_in_touch
	within 20 "one node owns again" one_owner
	observe_mark whole
	window whole
	never_two
	gaps_are "$GAP_MS" "$GAP_WORST_MS"
	number_is "rounds with two owners, by ARP" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "cuts under players whose owner stayed" "$STAYED" -gt 0
	number_is "connections that broke in them" "$BROKEN" -eq 0
	echo "# $REPLY_ARP"
}

witness_group "$PATIENT vrrp { preempt_delay = \"${PREEMPT_MS}ms\" }"
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a
partitions
test_end
