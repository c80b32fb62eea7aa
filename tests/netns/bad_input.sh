# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of bad input share: frames go out by send.py, must be counted one by one, and nothing may
# have changed afterwards: state, epoch and time of the last state change of both nodes, who answers ARP,
# and the players.

FRAMES=5

# port NODE FROM ARG...: arguments of send that put frames on the wire where the switch meets NODE, under
# the address and MAC of FROM. No bridge has looked at them, and none has learnt from them.
port() {
	local node=$1 from=$2
	shift 2
	echo sw -i "p-$node" --src "$(lab_addr "$from")" --smac "$(lab_mac "$from")" \
		--dmac "$(lab_mac "$node")" "$@"
}

# send NODE ARG...: send.py in a namespace of the lab.
send() {
	local node=$1
	shift
	lab_run "$node" "$TESTS_DIR/send.py" -n $FRAMES "$@"
}

discards() { status "$1" ".vrrp.discarded.\"$2\""; }

# rose BEFORE CMD...: CMD prints a number that is higher than BEFORE by all frames.
rose() {
	local before=$1
	shift
	[ "$("$@")" -ge $((before + FRAMES)) ]
}

# counted WORDS CMD... -- NODE ARG...: the number that CMD prints rises by what send NODE ARG sends.
counted() {
	local words=$1 before ask=()
	shift
	while [ "$1" != -- ]; do
		ask+=("$1")
		shift
	done
	shift
	before=$("${ask[@]}")
	must send "$@"
	within 5 "$words: counted (${ask[*]})" rose "$before" "${ask[@]}"
}

facts() { status "$1" '"\(.state) \(.owner) \(.epoch) \(.peers[0].pulsing) \(.peers[0].state)"'; }

# When the present state began, in ms of the daemon's life.
began() { status "$1" '.uptime_ms - .since_ms'; }

# same_moment WORDS MS MS: both were rounded by themselves.
same_moment() { number_is "$1 (ms off)" "$(($2 > $3 ? $2 - $3 : $3 - $2))" -le 2; }

# Remembers how things are; unmoved compares.
remember() {
	FACTS_A=$(facts a) FACTS_B=$(facts b)
	BEGAN_A=$(began a) BEGAN_B=$(began b)
	observe_mark "remembered"
}

unmoved() {
	observe_mark "unmoved"
	holds "$1: the owner is as it was" test "$(facts a)" = "$FACTS_A"
	holds "$1: the backup is as it was" test "$(facts b)" = "$FACTS_B"
	same_moment "$1: the owner did not change in between" "$(began a)" "$BEGAN_A"
	same_moment "$1: nor did the backup" "$(began b)" "$BEGAN_B"
	number_is "$1: ARP shows no other owner" "$(field "$REPLY_ARP" changes)" -eq 0
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	holds "$1: the players are well" lab_wait 5 well
}
