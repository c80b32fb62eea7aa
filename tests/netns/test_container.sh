#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The games run in containers: network namespaces of their own behind the nodes, to which the nodes
# translate the VIP, as container engines do. No socket of a game is on its node. The service
# desk has its sockets there, as a server without a container.
#
#   moves    failover and failback: nobody notices
#   drain    the time of a drain is over: the players are notified, the sockets in the container are
#            ended too, and the drain has an end
#   unresponsive
#            the game answers nothing: the same, when its service goes DOWN
#   refuses  a listening socket on the node, as that of docker-proxy, and no game in the container,
#            whose kernel refuses players: nobody notices, whatever listens on the node, and the
#            checks alone take the service down

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"
# shellcheck source=tests/netns/container.sh
. "$TESTS_DIR/container.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

COUNT=30
DESK=8766
LAB_CONF_EXTRA='service game { check websocket { timeout = "2s" } check http { timeout = "2s" } }
service desk { port = 8766 check tcp { } }'

boxed_game() {
	in_box "$1" game "$LAB_BUILD/hokm-game" --node "$(lab_name "$1")" --port "$LAB_PORT"
}
desk() {
	lab_spawn "$1" desk "$LAB_BUILD/hokm-game" --node "$(lab_name "$1")" --port $DESK
}
# A player of it, who listens as those of the game do.
desk_player() {
	LAB_STDOUT=$LAB_DIR/desk lab_spawn client desk "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port $DESK --count 1 --seconds 60
	lab_wait 20 test -s "$LAB_DIR/desk"
}
# Of players: the checks have some too.
player_sockets() {
	lab_run "in-$1" ss -Htn state established sport "$LAB_PORT" dst "$(lab_addr client)"
}
sockets() { player_sockets "$1" | wc -l; }
no_sockets() {
	local shown
	shown=$(player_sockets "$1") && [ -z "$shown" ]
}
drain_says() { grep -qF -- "$1" "$LAB_DIR/drain"; }

moves() {
	must observe_start
	must lab_wait 20 calm
	observe_mark moves
	holds "moves: the owner takes the order" ctl_ok a failover
	within 10 "moves: the peer owns" owner_is b
	within 10 "moves: the players are well" calm
	holds "moves: they are where they were" players_on a
	holds "moves: the owner takes it back" ctl_ok a ready
	within 20 "moves: it owns again" owner_is a
	within 10 "moves: the players are well again" calm
	observe_mark end
	unbroken "moves" 2
	must observe_stop
}

# ended WORDS: all that listened were notified, and nothing of them is left in the container, on the
# node, and at the peer.
ended() {
	within 20 "$1: they are notified" listeners_end 20
	number_is "$1: all of them" "$(listeners_told .ended)" -eq $COUNT
	within 10 "$1: the container has no socket of theirs" no_sockets a
	within 10 "$1: the node has no player" status_is a '.services[0].players' 0
	within 10 "$1: their end is replicated" \
		status_is b '.peers[0].replica.connections' 0
}

# How often connections of the game were terminated.
terminated() {
	lab_ctl a events --recent 1000 --kind service --json |
		jq -s 'map(select(.text | test("^game: [0-9]+ connections terminated"))) | length'
}

drained() {
	within 20 "drain: all are there" listeners_start client $COUNT 60
	number_is "drain: their sockets are in the container" "$(sockets a)" -ge $COUNT
	holds "drain: the desk has a player too" desk_player
	LAB_STDOUT=$LAB_DIR/drain lab_spawn a drain "$HOKM" ctl -s "$LAB_DIR/a/hokm.sock" \
		drain --timeout 1s
	ended drain
	number_is "drain: terminated once, whatever sockets the desk has" "$(terminated)" -eq 1
	within 10 "drain: it has an end" drain_says "empty: no player is left"
	holds "drain: undrained" ctl_ok a undrain
	within 20 "drain: the node owns again" owns a
	must lab_stop client listeners
	must lab_stop client desk
}

unresponsive() {
	within 20 "unresponsive: all are there" listeners_start client $COUNT 60
	must lab_kill a game STOP
	within 30 "unresponsive: the service goes down" service_is a down
	ended unresponsive
	must lab_kill a game CONT
}

# Docker's proxy: connections from the node itself would reach the container by it.
proxy() {
	lab_spawn "$1" proxy socat "TCP-LISTEN:$LAB_PORT,fork,reuseaddr" "TCP:$INSIDE:$LAB_PORT"
}
listens() { [ -n "$(lab_run "$1" ss -Hltn sport "$LAB_PORT")" ]; }

refuses() {
	must observe_start
	must lab_wait 20 players_on a
	must proxy a
	within 10 "refuses: a socket listens on the node" listens a
	must lab_wait 10 calm
	observe_mark refuses
	must lab_kill a game KILL
	within 10 "refuses: the players are well" calm
	within 10 "refuses: all of them on the peer" players_on b
	within 10 "refuses: the service goes down" service_is a down
	observe_mark end
	number_is "refuses: players whose connection broke" \
		"$(field "$REPLY_PLAYERS" broken)" -eq "$PLAYERS"
	number_is "refuses: attempts refused or timed out" "$(refused "$REPLY_PLAYERS")" -eq 0
	number_is "refuses: SYNs that went to the peer" "$(counter a replayed)" -gt 0
	number_is "refuses: no RST made the service suspect" "$(counter a suspects)" -eq 0
	number_is "refuses: RSTs that count as refusals of the server" "$(counter a refused)" -eq 0
}

must lab_up a b
must lab_conf a b
for node in a b; do
	must box $node
	must boxed_game $node
	must desk $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
moves
drained
unresponsive
within 20 "unresponsive: the node owns again" owns a
refuses
test_end
