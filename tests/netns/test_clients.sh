#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone
#
# The events of the other tests for clients in wide use: Debian's python3-websockets, Node's ws,
# and Chromium. Of each kind some only listen and some send; each connects again 20 ms after its
# connection ended. The events: failover and failback (no client notices), the game killed (no
# attempt is refused), the game unresponsive, and the owner's node dead.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_CONF_EXTRA= # the checks are those of the profile
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=10
# By the clocks of the clients, one of which is a browser: test_shutdown.sh and test_game.sh hold
# the nodes to shorter times, with clients that need no time of their own.
DOWN_MS=250
BACK_MS=3000
KINDS="python node browser"
declare -A PROGRAM=([python]=client_python.py [node]=client_node.js [browser]=client_browser.py)

log_of() { echo "$LAB_DIR/events.$1"; }
clients_start() {
	LAB_STDOUT=$(log_of "$1") lab_spawn client "$1" "$TESTS_DIR/../ws/${PROGRAM[$1]}" \
		"$LAB_VIP" "$LAB_PORT" $COUNT
}
# since KIND MS JQ-FILTER: a value of the events since then.
since() { jq -s --argjson t "$2" "[.[] | select(.t >= \$t)] | $3" "$(log_of "$1")"; }
# Every client is connected, by its newest event.
all_open() {
	[ "$(jq -s '[group_by(.id)[] | last | select(.ev == "open")] | length' "$(log_of "$1")")" \
		= $COUNT ]
}
now_ms() { lab_now_ms; }
count_since() { since "$1" "$2" "[.[] | select(.ev == \"$3\")] | length"; }
closed_all() { [ "$(count_since "$1" "$2" closed)" -ge $COUNT ]; }

for_all() {
	local words=$1 kind
	shift
	for kind in $KINDS; do within 20 "$words: $kind" "${@//KIND/$kind}"; done
}

nothing_happened() {
	local kind
	for kind in $KINDS; do
		number_is "$1: $kind: ended" "$(count_since "$kind" "$2" closed)" -eq 0
		number_is "$1: $kind: failed" "$(count_since "$kind" "$2" failed)" -eq 0
	done
}

# told_in_time WORDS SINCE FROM LIMIT: the last client of each kind was notified within LIMIT ms
# after FROM.
told_in_time() {
	local kind last
	for kind in $KINDS; do
		last=$(since "$kind" "$2" '[.[] | select(.ev == "closed") | .t] | max')
		number_is "$1: $kind: ms until the last one noticed" $((last - $3)) -le "$4"
	done
}

planned() {
	local t
	t=$(now_ms)
	holds "failover" ctl_ok a failover
	within 10 "failover: the peer owns" owns b
	within 5 "failover: ARP shows it" ping_vip
	holds "failback" ctl_ok a ready
	within 20 "failback: the primary owns" owns a
	for_all "failback: all are there" all_open KIND
	nothing_happened "failover and failback" "$t"
}
ping_vip() { lab_run client ping -c 1 -W 1 "$LAB_VIP" >/dev/null; }

killed() {
	local t kind
	t=$(now_ms)
	must lab_kill a game KILL
	for_all "killed: all knew" closed_all KIND "$t"
	for_all "killed: all are back" all_open KIND
	for kind in $KINDS; do
		number_is "killed: $kind: refused or timed out" \
			"$(count_since "$kind" "$t" failed)" -eq 0
		number_is "killed: $kind: ms until the last one was back" \
			$(($(since "$kind" "$t" '[.[] | select(.ev == "open") | .t] | max') - t)) \
			-le $BACK_MS
	done
	must lab_game a
	within 20 "killed: it serves again" service_is a up
	within 20 "killed: and owns" owns a
}

# Clients move to a when they leave b: the operator of b terminates their connections.
all_to_a() {
	local t
	t=$(now_ms)
	holds "$1: the clients of the peer are sent here" ctl_ok b conns kill --target local
	for_all "$1: all have moved" closed_all KIND "$t"
	for_all "$1: all are there" all_open KIND
}

unresponsive() {
	local t
	all_to_a unresponsive
	t=$(now_ms)
	must lab_kill a game USR1
	within 20 "unresponsive: the service goes down" service_is a down
	for_all "unresponsive: all noticed" closed_all KIND "$t"
	told_in_time "unresponsive" "$t" "$(event_ms a service "-> down")" $DOWN_MS
	for_all "unresponsive: all are back" all_open KIND
	must lab_kill a game USR2
	within 20 "unresponsive: it serves again" service_is a up
	within 20 "unresponsive: and owns" owns a
}

dead() {
	local t
	all_to_a dead
	within 10 "dead: the backup knows them" knows_all
	t=$(now_ms)
	must lab_node_dead a
	within 10 "dead: the backup owns" owns b
	for_all "dead: all knew" closed_all KIND "$t"
	told_in_time "dead" "$t" "$(event_ms b state "-> master")" 150
	for_all "dead: all are back" all_open KIND
}
knows_all() { status_test b '.peers[0].replica.connections' -ge $((3 * COUNT)); }

test_nodes a b
must lab_wait 20 owns a
for kind in $KINDS; do must clients_start "$kind"; done
for_all "all are there" all_open KIND
planned
killed
unresponsive
dead
test_end
