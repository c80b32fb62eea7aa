# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the demo observes with: the load client (hokm-players) and the observer of ownership
# (hokm-arpwatch), both in the lab's client node. Each reads commands from a pipe and answers with
# one line of JSON on another, so that a mark is set within a millisecond, without a new process.
#
# The players connect to the VIP, or to PLAYERS_URL.
#
# All answers are flat enough for a regular expression: field LINE KEY gives a value.

observe_start() {
	local tool
	for tool in players arp; do
		mkfifo "$LAB_DIR/$tool.in" "$LAB_DIR/$tool.out" || return 1
	done
	# Open for reading and writing: a pipe with both ends open never blocks and never ends.
	exec {PLAYERS_IN}<>"$LAB_DIR/players.in" {PLAYERS_OUT}<>"$LAB_DIR/players.out" \
		{ARP_IN}<>"$LAB_DIR/arp.in" {ARP_OUT}<>"$LAB_DIR/arp.out"
	LAB_STDIN=$LAB_DIR/players.in LAB_STDOUT=$LAB_DIR/players.out \
		lab_spawn client players "$LAB_BUILD/hokm-players" --json \
		--url "${PLAYERS_URL:-$LAB_VIP:$LAB_PORT}" --players "$PLAYERS" --interval 100 \
		--probe 20
	LAB_STDIN=$LAB_DIR/arp.in LAB_STDOUT=$LAB_DIR/arp.out \
		lab_spawn client arp "$LAB_BUILD/hokm-arpwatch" --addr "$LAB_VIP" --interval 5
}

observe_stop() {
	lab_kill client players KILL
	lab_kill client arp KILL
	lab_wait 10 lab_gone client players && lab_wait 10 lab_gone client arp
	exec {PLAYERS_IN}>&- {PLAYERS_OUT}>&- {ARP_IN}>&- {ARP_OUT}>&-
	rm -f "$LAB_DIR"/{players,arp}.{in,out}
}

# observe_read FD [SECONDS]: puts the line of an answer into REPLY. Its length is a multiple of 512
# bytes (prog_answer_end() in tools/lab/program.h). A shell reads byte by byte what has no known
# length or a time limit, and that takes milliseconds of a processor: only the first byte is waited
# for.
observe_read() {
	local part
	IFS= read -r -N 1 -t "${2:-10}" -u "$1" REPLY || return 1
	IFS= read -r -N 511 -u "$1" part || return 1
	REPLY+=$part
	until [[ $part == *$'\n' ]]; do
		IFS= read -r -N 512 -u "$1" part || return 1
		REPLY+=$part
	done
}

# Answer in REPLY_PLAYERS and REPLY_ARP.
ask_players() {
	echo "$1" >&"$PLAYERS_IN"
	observe_read "$PLAYERS_OUT" || { echo "demo: hokm-players does not answer" >&2; exit 1; }
	REPLY_PLAYERS=${REPLY%\}*}\}
}
ask_arp() {
	echo "$1" >&"$ARP_IN"
	observe_read "$ARP_OUT" || { echo "demo: hokm-arpwatch does not answer" >&2; exit 1; }
	REPLY_ARP=${REPLY%\}*}\}
}

# observe_mark NAME: ends the window that runs, whose lines are the replies, and begins another.
observe_mark() {
	ask_arp "mark $1"
	ask_players "mark $1"
}

# field LINE KEY: the value of a key that is no object.
field() {
	[[ $1 =~ \"$2\":\"?([^,\"}]*) ]] && echo "${BASH_REMATCH[1]}"
}

# field_is LINE KEY VALUE: without a new process, because tests ask it again and again.
field_is() { [[ $1 =~ \"$2\":\"?([^,\"}]*) && ${BASH_REMATCH[1]} == "$3" ]]; }

# The same as field, without decimals.
whole() {
	local value
	value=$(field "$1" "$2")
	echo "${value%%.*}"
}

# Node (a, b, c) whose MAC is given.
node_of_mac() {
	local node
	for node in a b c; do
		[ "${LAB_MAC[$node]}" != "$1" ] || echo "$node"
	done
}

# Node that answered for the VIP last, in OWNER.
ask_owner() {
	ask_arp status
	OWNER=$(node_of_mac "$(field "$REPLY_ARP" owner)")
}
owner_is() {
	ask_arp status
	field_is "$REPLY_ARP" owner "${LAB_MAC[$1]}"
}
# Another node than at the mark has answered, alone or beside the old one.
moved() {
	ask_arp status
	! field_is "$REPLY_ARP" changes 0
}

# NODE answers, and no other node did for a tenth of a second.
sole_owner() {
	local two
	owner_is "$1" || return 1
	two=$(field "$REPLY_ARP" two_owner_rounds)
	lab_nap 0.1
	owner_is "$1" && field_is "$REPLY_ARP" two_owner_rounds "$two"
}

# Every player is served, and new connections succeed.
well() {
	ask_players status
	field_is "$REPLY_PLAYERS" players_ok "$PLAYERS" &&
		field_is "$REPLY_PLAYERS" waiting 0 && field_is "$REPLY_PLAYERS" outage false
}

# The same for half a second without a break.
calm() {
	local i
	for i in 1 2 3 4 5 6; do
		well || return 1
		[ "$i" = 6 ] || lab_nap 0.1
	done
}

players_on() {
	ask_players status
	field_is "$REPLY_PLAYERS" "$(lab_name "$1")" "$PLAYERS"
}
