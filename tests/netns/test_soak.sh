#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone, 55 s
#
# No false trip: SOAK_SECONDS of ordinary traffic without a fault of the server, and neither node
# may suspect its service. Both profiles run at once, each in a lab of its own. `make soak` takes
# 600 s.
#
#   client    20 players, 10 idle ones that ping, 5 silent ones, one every 200 ms that connects and
#             leaves, plain HTTP, garbage, heads that never end
#   client1   a player behind a bad link: 5 % loss, reordering, 50 to 150 ms
#   client2   players that vanish: their cable is cut, the server is never notified
#   client3   a port scan every five seconds

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_CONF_EXTRA= # the checks are those of the profile
# shellcheck source=tests/ws/link.sh
. "$TESTS_DIR/../ws/link.sh"

# Players that vanish after a third of it notice within 10 s.
SOAK_SECONDS=${SOAK_SECONDS:-36}
CROWD=$TESTS_DIR/../ws/crowd.py
BAD=drop=5,dup=1,reorder=3,delay=50-150

crowd() {
	local node=$1
	shift
	LAB_STDOUT=$LAB_DIR/crowd.$node lab_spawn "$node" crowd "$CROWD" --addr "$LAB_VIP" \
		--port "$LAB_PORT" "$@"
}
seen() { jq ".$2" "$LAB_DIR/crowd.$1"; }
echoes_of() { [ "$(lab_ctl a counters --all --json | jq .services.game.out_text)" -gt "$1" ]; }

TRIPS='[.services[].trips] | add'
trips() { status "$1" "$TRIPS"; }
# Has a node tripped? It is asked a few times a second only, so that the question is no load.
tripped() {
	lab_nap 0.1
	status_test a "$TRIPS" -gt 0 || status_test b "$TRIPS" -gt 0
}
# soak_for SECONDS: waits until the clients end or a node trips.
soak_for() { ! lab_wait "$1" tripped; }

passive_events() { lab_ctl "$1" events --recent 1000 --kind passive; }

start() {
	local node
	must lab_up a b client1 client2 client3
	must lab_conf a b
	for node in a b; do
		must lab_game "$node" --ping 5000
		must lab_daemon "$node"
	done
	for node in a b; do must lab_wait 30 hokm_ready "$node"; done
	must lab_wait 30 owns a
	EPOCH=$(status a .epoch)
	must link_insert client1
	must link_start client1 --only-tcp --seconds $((SOAK_SECONDS + 120)) --to-right $BAD \
		--to-left $BAD
	crowd client --players 20 --idle 10 --silent 5 --join 200 --http 500 --garbage 2000 --slow 2
	crowd client1 --players 1 --idle 1 --seed 2
	crowd client2 --players 3 --idle 1 --seed 3
	crowd client3 --scan 5 --seed 4
	must lab_wait 20 echoes_of 100
}

# The result of one node.
judge() {
	local events
	events=$(passive_events "$1")
	[ -z "$events" ] || echo "# $1: $events"
	number_is "$PROFILE: trips of $1" "$(trips "$1")" -eq 0
	number_is "$PROFILE: passive events of $1" "$(grep -c . <<<"$events")" -eq 0
	holds "$PROFILE: the service of $1 is up" service_is "$1" up
	number_is "$PROFILE: suspects of $1" "$(counter "$1" suspects)" -eq 0
	number_is "$PROFILE: players steered away by $1" "$(counter "$1" steered_syn)" -eq 0
}

# The traffic was as intended; without it the absence of a trip proves nothing.
judge_crowd() {
	local node
	for node in client client1 client2 client3; do
		must lab_stop "$node" crowd
		echo "# $PROFILE $node: $(cat "$LAB_DIR/crowd.$node")"
	done
	number_is "$PROFILE: echoes" "$(seen client echoes)" -ge $((SOAK_SECONDS * 30))
	number_is "$PROFILE: wrong echoes" "$(seen client wrong)" -eq 0
	number_is "$PROFILE: connections broken" "$(seen client broken)" -eq 0
	number_is "$PROFILE: connections failed" "$(seen client failed)" -eq 0
	number_is "$PROFILE: visitors" "$(seen client joined)" -ge $((SOAK_SECONDS * 2))
	number_is "$PROFILE: plain requests" "$(seen client http)" -ge "$SOAK_SECONDS"
	number_is "$PROFILE: plain requests failed" "$(seen client http_failed)" -eq 0
	number_is "$PROFILE: babblers" "$(seen client garbage)" -ge $((SOAK_SECONDS / 4))
	number_is "$PROFILE: heads that never end" "$(seen client slow)" -ge 2
	number_is "$PROFILE: echoes over the bad link" \
		"$(seen client1 echoes)" -ge $((SOAK_SECONDS / 4))
	number_is "$PROFILE: players that vanished noticed" "$(seen client2 broken)" -ge 1
	number_is "$PROFILE: ports scanned" \
		"$(seen client3 scanned)" -ge $((SOAK_SECONDS * 202 / 10))
}

soak() {
	start
	soak_for $((SOAK_SECONDS / 3))
	must lab_link client2 down
	soak_for $((SOAK_SECONDS * 2 / 3))
	judge a
	judge b
	# A busy machine may keep a daemon waiting longer than the lease of profile fast.
	if [ "$PROFILE" = standard ]; then
		holds "$PROFILE: the owner is the same" owns a
		number_is "$PROFILE: its epoch" "$(status a .epoch)" -eq "$EPOCH"
	fi
	must link_end client1
	echo "# $PROFILE link: $LINK_COUNTS"
	judge_crowd
	test_end
}

side_by_side standard fast
export PROFILE=$PART LAB_PROFILE=$PART
soak
