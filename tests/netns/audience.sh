# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Groups of players that wait for the end of their connection (tests/ws/audience.c), each group on
# a client node of the test's choice, and the time from the takeover of the VIP to the moment when
# they noticed the end.
#
# Times count from a mark. The audience is marked before hokm-arpwatch, so that its times come out
# a little too long and never too short.

declare -A AUDIENCE_IN AUDIENCE_OUT AUDIENCE_NODE
# shellcheck disable=SC2034 # read by the tests
KINDS=(sending pinging silent)

# audience NAME NODE OPTION...: starts a group, which connects at once. gathered NAME: all are
# connected.
audience() {
	local name=$1 node=$2 in out
	shift 2
	mkfifo "$LAB_DIR/$name.in" "$LAB_DIR/$name.out" || return 1
	exec {in}<>"$LAB_DIR/$name.in" {out}<>"$LAB_DIR/$name.out"
	AUDIENCE_IN[$name]=$in AUDIENCE_OUT[$name]=$out AUDIENCE_NODE[$name]=$node
	LAB_STDIN=$LAB_DIR/$name.in LAB_STDOUT=$LAB_DIR/$name.out \
		lab_spawn "$node" "$name" "$LAB_BUILD/tests/ws/audience" \
		--url "$LAB_VIP:$LAB_PORT" --log "$LAB_DIR/log/$name.ends" "$@"
}

# ask_audience NAME COMMAND: puts the answer into REPLY_AUDIENCE.
ask_audience() {
	echo "$2" >&"${AUDIENCE_IN[$1]}"
	observe_read "${AUDIENCE_OUT[$1]}" 20 || { echo "audience $1 does not answer" >&2; exit 1; }
	REPLY_AUDIENCE=${REPLY%\}*}\}
}

# All players are connected.
gathered() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_open)" = "$(field "$REPLY_AUDIENCE" players)" ]
}
# No player is connected.
scattered() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_open)" = 0 ]
}

# audience_stop NAME
audience_stop() { lab_stop "${AUDIENCE_NODE[$1]}" "$1"; }

# mark_death NAME...: times and ends count from here.
mark_death() {
	local name
	for name in "$@"; do ask_audience "$name" mark; done
	ask_arp "mark death"
}

# plays_on WORDS NAME: no connection has ended since the mark.
plays_on() {
	ask_audience "$2" status
	if [ "$(field "$REPLY_AUDIENCE" all_ended)" != 0 ]; then
		echo "# $REPLY_AUDIENCE"
		grep -h "^hokm-game: player" "$LAB_DIR"/log/*.game | head -n 5 | sed 's/^/# /'
	fi
	number_is "$1: players whose connection broke" "$(field "$REPLY_AUDIENCE" all_ended)" -eq 0
	number_is "$1: players who are there" "$(field "$REPLY_AUDIENCE" all_open)" -eq \
		"$(field "$REPLY_AUDIENCE" players)"
}

# over_ms OWNED_MS: when the connections of a node that died at the mark are over: at the later of
# the takeover and players_dead_after, in ms after the mark.
over_ms() {
	local dead_after=300
	[ "$PROFILE" = fast ] || dead_after=1000
	echo $(($1 > dead_after ? $1 : dead_after))
}

# notice_ms KIND AFTER_MS: when the last player of this kind noticed the end, counted from
# AFTER_MS after the mark; 0 if it was earlier. The answer of the group is in REPLY_AUDIENCE.
notice_ms() {
	local last
	last=$(whole "$REPLY_AUDIENCE" "$1_last_ms")
	[ -n "$last" ] || return 1
	last=$((last - $2))
	echo $((last > 0 ? last : 0))
}

# noticed NAME: every connection has ended since the mark.
noticed() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_ended)" = "$(field "$REPLY_AUDIENCE" players)" ]
}

# knows_of NODE PEER N: NODE has a replica of at least N connections of PEER.
knows_of() {
	local peer
	peer=".peers[] | select(.name == \"$(lab_name "$2")\")"
	[ "$(status "$1" "$peer | .replica.connections")" -ge "$3" ]
}
