#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone, 45 s
#
# Each node has a replica of the connections of the other, entry by entry, whatever happened
# before. The connections are cheap (replication.sh): some stay, and some hundreds are opened and
# closed each second. When they have stopped, the replica of a node is compared with the map conns
# of the other.
#
#   churn        from new ports, and from twenty ports that are used again at once after an RST
#   talk         data and acknowledgements change the sequence numbers
#   both ways    after a failover both nodes have connections and changes of them
#   crash        a daemon is killed while connections begin and end; the next one goes on
#   new game     the server process dies with all its connections, and a new one starts
#   loss         one message in five is lost, both ways
#   small MTU    a cable that carries at most 1280 bytes
#   preempting   a returning primary waits for the list of the backup, but not without limit
#   ended there  the node that steered a connection forgets it when the server ends it, although it
#                never saw the end

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/replication.sh
. "$TESTS_DIR/replication.sh"

LAG_MS=100 # the machine may be busy; tools/bench/churn measures

conf() {
	LAB_CONF_EXTRA="$SERVICE vrrp { preempt_delay = \"300ms\" } replication { wait = \"$1\" }" \
		lab_conf a b
}

owner_becomes() {
	owns "$1" || lab_wait 10 lab_ctl "$2" failover >/dev/null 2>&1
	within 10 "$3: $(lab_name "$1") owns" owns "$1"
}

coming_and_going() {
	churn "fresh ports" 800 4
	knows_all "fresh ports" 200 0
	number_is "fresh ports: greatest lag in ms" "$(repl a '.lag_max_ms | floor')" -lt $LAG_MS
	# Ten times each. Fewer ports would all be in use at once when a busy machine is slow.
	churn "ports used again" 500 2 --ports 100 --reset --from "$(lab_addr client)"
	knows_all "ports used again" 200 0
	number_is "lists sent without need" "$(repl a '.resyncs - 1')" -eq 0
}

# Walks begin a second apart; changes between the bytes of a client and their acknowledgement are
# missed by them.
talking() {
	must hold talkers 400 2
	within 10 "talk: all have spoken" grep -qs opened "$LAB_DIR/log/client.talkers"
	knows_all "talk" 600 0
	unbroken_hold "talk" talkers
}

both_ways() {
	owner_becomes b a "both ways"
	must hold on-b 100
	churn "both ways" 500 3
	knows_all "both ways" 200 100
	must let_go on-a-later
	knows_all "both ways, some of the former owner ended" 150 100
}

# crash NODE NAME N_A N_B: connections NAME end and others begin while the daemon of NODE is dead.
crash() {
	local words
	words="crash of $(lab_name "$1")'s daemon"
	must lab_kill "$1" daemon KILL
	must lab_wait 20 lab_gone "$1" daemon
	must let_go "$2"
	lab_run client "$LAB_BUILD/hokm-churn" --rate 300 --seconds 1 \
		"$LAB_VIP:$LAB_PORT" >/dev/null
	must lab_daemon "$1"
	within 10 "$words: it is back" hokm_ready "$1"
	both_warm "$words"
	knows_all "$words" "$3" "$4"
	churn "$words, afterwards" 500 1
	knows_all "$words, afterwards" "$3" "$4"
}

new_game() {
	owner_becomes a b "new game"
	must lab_kill a game KILL
	within 10 "new game: the backup knows of no connections any more" knows_nothing b
	# A refused check that was on its way would move the VIP after the next game has started.
	within 10 "new game: the check notices it" service_is a down
	must lab_echo a
	within 10 "new game: the service is up again" service_is a up
	owner_becomes a b "new game, afterwards"
	must let_go on-a
	must hold on-a-new 80
	churn "new game" 500 1
	knows_all "new game" 80 0
}
knows_nothing() { knows "$1" "${2:-a}" && entries_are "$1" 0; }

loss() {
	local before
	before=$(repl a .repeated)
	must way hokm_lose_some
	must hold on-a-lossy 50
	churn "one message in five lost" 500 3
	knows_all "one message in five lost" 130 0
	number_is "one message in five lost: messages repeated" \
		"$(($(repl a .repeated) - before))" -gt 10
	must way hokm_lab_pass
	number_is "one message in five lost: lists sent" "$(repl a '.resyncs')" -le 3
}

set_mtu() {
	local node
	for node in a b; do lab_run $node ip link set eth0 mtu "$1" || return 1; done
}

small_mtu() {
	must set_mtu 1280
	must hold on-a-small 100
	churn "MTU of 1280" 500 2
	knows_all "MTU of 1280" 200 0
	must let_go on-a-small
	must set_mtu 1500
}

# In ANSWER: for how long.
waits() { ask "$1" status .waits_for_replica_ms && [ -n "$ANSWER" ] && [ "$ANSWER" != null ]; }
says_it_waits() { lab_ctl "$1" status | grep -q 'does not preempt yet: it waits until a peer'; }
owned_since() { status "$1" .since_ms; }

# returns WAIT: the primary was away and comes back with this wait in its configuration; its
# messages are lost.
returns() {
	must lab_stop a daemon
	within 10 "preempting: the backup owns" owns b
	must conf "$1"
	must hold "on-b-$1" 40
	must way hokm_lose_all
	must lab_daemon a
	within 10 "preempting: the primary is back" hokm_ready a
	within 10 "preempting: it waits" waits a
	BEGAN_MS=$(($(lab_now_ms) - ANSWER))
	holds "preempting: it logs the wait" says_it_waits a
	holds "preempting: it knows nothing of the backup's connections" entries_are a 0
	holds "preempting: and knows that" cold a
}

preempting() {
	must let_go on-a-lossy
	must let_go on-a-new
	returns 120s
	# Adverts every 0.1 s, and a wait of 0.3 s before it preempts.
	if lab_wait 2 owns a; then
		not_ok "preempting: it did not wait"
	else
		ok "preempting: two seconds later it is still backup"
	fi
	holds "preempting: it waits still" waits a
	must way hokm_lab_pass
	within 10 "preempting: the way is free: it owns" owns a
	within 10 "preempting: with the backup's list" warm a
	knows_soon "preempting" a b 40
	holds "preempting: because it is better" reason_is a preempt

	must let_go on-b-120s
	returns 3s
	within 20 "preempting: the way stays blocked: it owns after all" owns a
	number_is "preempting: ms it waited" $(($(lab_now_ms) - BEGAN_MS)) -ge 2500
	holds "preempting: without the backup's list" cold a
	must way hokm_lab_pass
	both_warm "preempting, afterwards"
	knows_all "preempting, afterwards" 0 40
	unbroken_hold "preempting, afterwards" on-b-3s
}

steered() {
	lab_ctl a conns --json --limit 1000 --state established |
		jq '[.conns[] | select(.target == "backup")] | length'
}
steers_some() { test "$(steered)" -ge 40; }
steers_none() { test "$(steered)" = 0; }

ended_there() {
	owner_becomes b a "ended there"
	must hold on-b-talking 40 30
	owner_becomes a b "ended there"
	within 10 "ended there: the primary steers connections of the backup" steers_some
	must lab_kill b game KILL
	within 20 "ended there: it forgets what the backup's server ended" steers_none
}

must lab_up a b
must conf 30s
echo_pair
must hold on-a 150
must hold on-a-later 50
coming_and_going
talking
both_ways
must hold on-b-later 30
crash a on-b-later 150 100
crash b on-b 150 0
new_game
loss
small_mtu
preempting
ended_there
test_end
