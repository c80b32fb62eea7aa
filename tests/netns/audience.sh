# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Players who wait for the end (tests/ws/audience.c), as many groups of them as a test wants, each in a node
# of its own choice; and how long after the new owner had the VIP they noticed it.
#
# Times are from a mark. An audience is marked before hokm-arpwatch, so that what it says is a little too
# long, never too short.

declare -A AUDIENCE_IN AUDIENCE_OUT AUDIENCE_NODE
# shellcheck disable=SC2034 # read by the tests
KINDS=(sending pinging silent)

# audience NAME NODE OPTION...: they come at once; gathered NAME tells when all are there.
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

# ask_audience NAME COMMAND: the answer is in REPLY_AUDIENCE.
ask_audience() {
	echo "$2" >&"${AUDIENCE_IN[$1]}"
	read -r -t 20 -u "${AUDIENCE_OUT[$1]}" REPLY_AUDIENCE ||
		{ echo "audience $1 does not answer" >&2; exit 1; }
}

# Everybody has a connection.
gathered() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_open)" = "$(field "$REPLY_AUDIENCE" players)" ]
}
# Nobody has.
scattered() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_open)" = 0 ]
}

# audience_stop NAME
audience_stop() { lab_stop "${AUDIENCE_NODE[$1]}" "$1"; }

# mark_death NAME...: what happens from here counts.
mark_death() {
	local name
	for name in "$@"; do ask_audience "$name" mark; done
	ask_arp "mark death"
}

# plays_on WORDS NAME: since the mark nobody's connection broke.
plays_on() {
	ask_audience "$2" status
	number_is "$1: players whose connection broke" "$(field "$REPLY_AUDIENCE" all_ended)" -eq 0
	number_is "$1: players who are there" "$(field "$REPLY_AUDIENCE" all_open)" -eq \
		"$(field "$REPLY_AUDIENCE" players)"
}

# notice_ms KIND AFTER_MS: when the last of them noticed it, from AFTER_MS after the mark; what noticed is in
# REPLY_AUDIENCE. Before counts as at once.
notice_ms() {
	local last
	last=$(whole "$REPLY_AUDIENCE" "$1_last_ms")
	[ -n "$last" ] || return 1
	last=$((last - $2))
	echo $((last > 0 ? last : 0))
}

# median NUMBER...
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

# noticed NAME: everybody's connection has ended since the mark.
noticed() {
	ask_audience "$1" status
	[ "$(field "$REPLY_AUDIENCE" all_ended)" = "$(field "$REPLY_AUDIENCE" players)" ]
}

# knows_of NODE PEER N: NODE knows of at least N connections of PEER.
knows_of() {
	[ "$(status "$1" ".peers[] | select(.name == \"$(lab_name "$2")\") | .replica.connections")" -ge "$3" ]
}
