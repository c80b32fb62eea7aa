# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of bad input share. send.py sends frames, and each must be counted. Afterwards
# nothing may have changed: state, epoch and time of the last state change of both nodes, the node
# that answers ARP, and the players.

FRAMES=5

# port NODE FROM ARG...: arguments for send that put frames on the wire between the switch and
# NODE, with the address and the MAC of FROM. The bridge does not see these frames and learns no
# MAC from them.
port() {
	local node=$1 from=$2
	shift 2
	echo sw -i "p-$node" --src "$(lab_addr "$from")" --smac "$(lab_mac "$from")" \
		--dmac "$(lab_mac "$node")" "$@"
}

# send_once NODE ARG...: send.py sends from the node's namespace and prints what it has to say.
send_once() {
	local IFS=$'\t'
	helper_tell send "/run/netns/$LAB_ID-$*" && [[ $ANSWER == sent\ * ]] && echo "${ANSWER#* }"
}

# send NODE ARG...: sends each frame FRAMES times.
send() { send_once "$1" -n $FRAMES "${@:2}" >/dev/null; }

discards() { status "$1" ".vrrp.discarded.\"$2\""; }

# rose BEFORE CMD...: the number that CMD prints is BEFORE plus the number of frames, or more.
rose() {
	local before=$1
	shift
	[ "$("$@")" -ge $((before + FRAMES)) ]
}

# counted WORDS CMD... -- NODE ARG...: the number that CMD prints rises by the frames that `send
# NODE ARG` sends.
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
	within 10 "$words: counted (${ask[*]})" rose "$before" "${ask[@]}"
}

facts() { status "$1" '"\(.state) \(.owner) \(.epoch) \(.peers[0].pulsing) \(.peers[0].state)"'; }

# When the present state began, in ms since the start of the daemon.
began() { status "$1" '.uptime_ms - .since_ms'; }

# same_moment WORDS MS MS: the two times are equal but for rounding.
same_moment() { number_is "$1 (ms off)" "$(($2 > $3 ? $2 - $3 : $3 - $2))" -le 2; }

# What a node says of its peer comes with the next pulse and advert: it must have settled.
steady() {
	local a b
	a=$(facts a) b=$(facts b)
	lab_nap 0.3
	[ "$(facts a)" = "$a" ] && [ "$(facts b)" = "$b" ]
}

# Records the present state; unmoved compares with it.
remember() {
	must lab_wait 20 steady
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
	holds "$1: the players are well" lab_wait 10 well
}
