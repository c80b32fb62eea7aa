#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Partitions of two nodes and a witness at profile fast. Each of the six ways between two of them
# (from a to b, from b to a, and so on) is open or cut: 63 cuts, in random order, each one directly
# after the other. The client sees both nodes all the time, so two owners would be seen.
#
#   safety     never two owners: by the kernels' own words, lease and grants, and by ARP
#   liveness   where a node and another member hear each other, one of the nodes owns. A node that
#              hears no member and is heard by it does not own
#
#   tests/netns/test_partition.sh                   CUTS of them, by default 12
#   CUTS=500 tests/netns/test_partition.sh          `make soak`: each about eight times
#   SEED=N ...                                      the same order again

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

CUTS=${CUTS:-12}
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
PLAYERS=0 # hokm-players only probes here
WAYS=("a b" "b a" "a w" "w a" "b w" "w b")

# cut_now MASK: bit by bit of WAYS. One transaction: no other cut, and none at all, is in between.
cut_now() {
	local i from to rules=
	for i in "${!WAYS[@]}"; do
		read -r from to <<<"${WAYS[i]}"
		[ $(($1 >> i & 1)) = 0 ] || rules+="iifname p-$from oifname p-$to drop; "
	done
	lab_run sw nft "add table bridge cut; delete table bridge cut; table bridge cut {
		chain forward { type filter hook forward priority filter; $rules }
	}"
}
# cut_words MASK: the ways that are cut.
cut_words() {
	local i words=
	for i in "${!WAYS[@]}"; do
		[ $(($1 >> i & 1)) = 0 ] || words+=" ${WAYS[i]/ />}"
	done
	echo "${words:- nothing}"
}
# both_ways MASK BIT: neither of the two ways from this bit on is cut.
both_ways() { [ $(($1 >> $2 & 3)) = 0 ]; }

# Puts all cuts in random order into ORDER, so often that there are CUTS of them.
shuffle() {
	local i j mask list
	RANDOM=$SEED
	ORDER=()
	while [ ${#ORDER[@]} -lt "$CUTS" ]; do
		list=()
		for ((mask = 1; mask < 64; mask++)); do list+=("$mask"); done
		for ((i = 62; i > 0; i--)); do
			j=$((RANDOM % (i + 1)))
			mask=${list[i]} list[i]=${list[j]} list[j]=$mask
		done
		ORDER+=("${list[@]}")
	done
	ORDER=("${ORDER[@]:0:CUTS}")
}

# Looks for two owners at once some times.
look() {
	local _
	for _ in 1 2 3; do
		both_own a b && TWO=$((TWO + 1))
		both_own b a && TWO=$((TWO + 1))
		lab_nap 0.02
	done
}

partition() {
	local mask=$1 words may=
	words="cut$(cut_words "$mask")"
	must cut_now "$mask"
	look
	! both_ways "$mask" 0 || may=ab
	! both_ways "$mask" 2 || may+=a
	! both_ways "$mask" 4 || may+=b
	case $may in
	*a*b*) within 10 "$words: one of them owns" one_owner ;;
	a) within 10 "$words: who hears the witness owns" only_owner a b ;;
	b) within 10 "$words: who hears the witness owns" only_owner b a ;;
	*) within 10 "$words: nobody owns" nobody_owns ;;
	esac
	look
}

partitions() {
	local mask
	shuffle
	echo "# $CUTS cuts, SEED=$SEED"
	TWO=0
	observe_mark partitions
	for mask in "${ORDER[@]}"; do partition "$mask"; done
	must cut_now 0
	within 20 "all hear each other again" all_in_touch
	within 20 "one node owns again" one_owner
	observe_mark whole
	number_is "moments with two owners, by the kernels" "$TWO" -eq 0
	number_is "rounds with two owners, by ARP" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $REPLY_ARP"
}

witness_group "$PATIENT"
must lab_wait 20 owner_is a
partitions
test_end
