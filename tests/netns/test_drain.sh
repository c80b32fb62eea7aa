#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 35 s
#
# Drain: new players go to the peer, present players stay until they leave or the time is over,
# and `ctl drain` shows them leaving. With drain both game servers are upgraded one after the
# other, and no player notices. `ctl conns kill` terminates the connections that its filter names
# and no others.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=20
live_on() {
	[ "$(lab_ctl "$1" conns --target local --state established --json | jq .total)" = "$2" ]
}
silent() { ! listeners_said 2; }
said_drain() { grep -q "$1" "$LAB_DIR/drain.$2"; }
drain_over() { lab_gone "$1" drain; }
# drain NODE OPTION...: runs in the background; its output is in drain.NODE.
drain() {
	local node=$1
	shift
	LAB_STDOUT=$LAB_DIR/drain.$node lab_spawn "$node" drain bash -c \
		'"$@"; echo "exit code $?"' - "$LAB_BUILD/hokm-xdp" ctl -s \
		"$LAB_DIR/$node/hokm.sock" drain "$@"
}

with_a_time() {
	local begun_ms
	within 20 "time: players come" listeners_start client $COUNT 60
	within 10 "time: all of them on a" live_on a $COUNT
	: >"$LAB_DIR/drain.a"
	drain a --timeout 4s
	within 10 "time: it shows how many are left" said_drain "$COUNT left, to be terminated in" a
	within 10 "time: the peer owns" owns b
	# First what holds only until the time is over.
	holds "time: nobody has been ended" silent
	holds "time: status shows them" \
		grep -q "$COUNT players left, to be terminated in" <(lab_ctl a status)
	holds "time: who comes now goes to the peer" newcomer_goes_to_b
	within 10 "time: then they are" listeners_end 10
	begun_ms=$(event_ms a service "-> drain")
	number_is "time: all of them" "$(listeners_told .ended)" -eq $COUNT
	number_is "time: not before it was over, in ms" \
		$(($(listeners_told .first_ms) - begun_ms)) -ge 3900
	number_is "time: and soon after" $(($(listeners_told .last_ms) - begun_ms)) -le 6000
	within 10 "time: the command has ended" drain_over a
	within 10 "time: it said that the node is empty" said_drain "empty: no player is left" a
	within 10 "time: with exit code 0" said_drain "exit code 0" a
	within 10 "time: an event with its reason" event a service drain-timeout
	within 10 "time: an event when it was empty" event a operator drained
	number_is "time: counted as our own doing" "$(counter a shut_down)" -ge $COUNT
	holds "time: undrained" ctl_ok a undrain
	within 20 "time: a owns again" owns a
}
# The time is over, and the peer's game has died meanwhile: a terminated player would connect to
# this node again.
nobody_to_go_to() {
	within 20 "no peer: players come" listeners_start client $COUNT 60
	within 10 "no peer: all of them on a" live_on a $COUNT
	: >"$LAB_DIR/drain.a"
	# The peer must be DOWN before this is over, on a busy machine too.
	drain a --timeout 8s
	within 10 "no peer: the peer owns" owns b
	must lab_kill b game KILL
	within 10 "no peer: the peer's service is down" service_is b down
	within 20 "no peer: it says that they stay" event a service "its players stay"
	if lab_wait 2 listeners_said 2; then
		not_ok "no peer: a player was terminated"
	else
		ok "no peer: two seconds later all players are there"
	fi
	must lab_game b
	within 20 "no peer: the peer is up again" service_is b up
	within 10 "no peer: now they are ended" listeners_end 5
	number_is "no peer: all of them" "$(listeners_told .ended)" -eq $COUNT
	within 10 "no peer: the command has ended" drain_over a
	holds "no peer: undrained" ctl_ok a undrain
	within 20 "no peer: a owns again" owns a
}
newcomer_goes_to_b() {
	LAB_STDOUT=/dev/null lab_spawn client newcomer "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count 1 --seconds 60
	lab_wait 10 live_on b 1 && lab_stop client newcomer
}

# Without a time no player is terminated: they leave by themselves.
until_they_leave() {
	within 20 "leave: players come" listeners_start client $COUNT 60
	: >"$LAB_DIR/drain.a"
	drain a --wait
	within 10 "leave: it shows how many are left" said_drain "$COUNT left" a
	holds "leave: it waits" lab_alive a drain
	must lab_stop client listeners
	within 10 "leave: the command has ended" drain_over a
	within 10 "leave: it said that the node is empty" said_drain "empty: no player is left" a
	holds "leave: undrained" ctl_ok a undrain
	within 20 "leave: a owns again" owns a
	holds "leave: plain drain returns at once" ctl_ok a drain
	holds "leave: and undrain" ctl_ok a undrain
	within 20 "leave: a owns once more" owns a
}

kill_some() {
	local port refused
	within 20 "kill: players come" listeners_start client $COUNT 60
	within 10 "kill: all of them on a" live_on a $COUNT
	refused=$(lab_ctl a conns kill 2>&1)
	holds "kill: not without a filter" grep -q "needs a filter" <(echo "$refused")
	port=$(lab_ctl a conns --target local --state established --json | jq -r '.conns[3].client')
	holds "kill: a dry run" grep -q "^1 connections match, none terminated" \
		<(lab_ctl a conns kill --dry-run --client "$port")
	holds "kill: nobody was ended" live_on a $COUNT
	holds "kill: one" grep -q "^1 connections match, 1 terminated" \
		<(lab_ctl a conns kill --client "$port")
	within 10 "kill: the others are there" live_on a $((COUNT - 1))
	holds "kill: it made nothing suspect" [ "$(status a '.services[0].trips')" = "$trips" ]
	holds "kill: all of this client" ctl_ok a conns kill --client "$(lab_addr client)"
	within 10 "kill: they are gone" listeners_end 5
	number_is "kill: all of them" "$(listeners_told .ended)" -eq $COUNT
}
# restart_game NODE: starts a new game process in place of the old one.
restart_game() { lab_stop "$1" game && lab_game "$1"; }
# checked NODE MS: each check has passed since this moment. A result from before says nothing of the
# new game, and one that met neither game may follow it.
checked() {
	local ago=$(($(lab_now_ms) - $2))
	status_is "$1" "all(.services[0].checks[];
		.reason == \"check-ok\" and .last_ms < $ago)" true
}
players_left() { echo rejoin >&"$PLAYERS_IN"; }

rolling_upgrade() {
	local since
	must observe_start
	must lab_wait 20 calm
	must lab_wait 20 owner_is a
	observe_mark upgrade
	for node in b a; do
		: >"$LAB_DIR/drain.$node"
		drain $node --wait
		if [ $node = a ]; then
			within 10 "upgrade: the peer owns" owns b
			holds "upgrade: players leave, and come to the peer" players_left
		fi
		within 20 "upgrade: $node is empty" drain_over $node
		within 10 "upgrade: its exit code" said_drain "exit code 0" $node
		must restart_game $node
		since=$(lab_now_ms)
		within 20 "upgrade: the checks of $node pass" checked $node "$since"
		holds "upgrade: $node is back" ctl_ok $node undrain
		within 20 "upgrade: it serves again" service_is $node up
	done
	within 20 "upgrade: a owns" owns a
	within 20 "upgrade: the players are well" calm
	observe_mark over
	unbroken "upgrade of both servers" 2
}

test_nodes a b
must lab_wait 20 owns a
with_a_time
nobody_to_go_to
until_they_leave
trips=$(status a '.services[0].trips')
kill_some
rolling_upgrade
test_end
