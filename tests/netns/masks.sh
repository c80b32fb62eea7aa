# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# All cuts of the ways between three machines: a mask has a bit for each of the six ways of WAYS
# ("FROM TO"), which stand in pairs. A set bit is a way that is cut. A test that leaves some out
# sets MASKS before it sources this file.

declare -p MASKS >/dev/null 2>&1 || MASKS=({1..63})
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}

# cut_rules RULES: one transaction: no other cut, and none at all, is in between.
cut_rules() {
	lab_run sw nft "add table bridge cut; delete table bridge cut; table bridge cut {
		chain forward { type filter hook forward priority filter; $1
		}
	}"
}
# cut_now MASK
cut_now() {
	local i from to rules=
	for i in "${!WAYS[@]}"; do
		read -r from to <<<"${WAYS[i]}"
		[ $(($1 >> i & 1)) = 0 ] || rules+="iifname p-$from oifname p-$to drop; "
	done
	cut_rules "$rules"
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

# shuffle N [FIRST...]: puts N cuts into ORDER: FIRST, then all cuts in random order, so often as
# it takes. What a test must have met it names as FIRST; chance may leave it out.
shuffle() {
	local i j mask list number=$1
	RANDOM=$SEED
	ORDER=("${@:2}")
	echo "# $number cuts, SEED=$SEED"
	while [ ${#ORDER[@]} -lt "$number" ]; do
		list=("${MASKS[@]}")
		for ((i = ${#list[@]} - 1; i > 0; i--)); do
			j=$((RANDOM % (i + 1)))
			mask=${list[i]} list[i]=${list[j]} list[j]=$mask
		done
		ORDER+=("${list[@]}")
	done
	ORDER=("${ORDER[@]:0:$number}")
}
