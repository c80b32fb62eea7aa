#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# The game becomes unresponsive under players that only listen. Once the checks report DOWN and a
# peer is up, their connections are terminated; not before, not by a passive signal, not while no
# other node can take them, and not with `on_marked_down = keep`.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_CONF_EXTRA= # the checks are those of the profile
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=50
conns_are() {
	[ "$(lab_ctl "$1" conns --target local --state established --json | jq .total)" -eq "$2" ]
}
none_ended() { ! listeners_said 2; }
swept() { status_test a '.services[0].players' -ge "$COUNT"; }

reloads() { lab_ctl a events --recent 1000 --kind config | grep -c reloaded; }
reloaded_since() { [ "$(reloads)" -gt "$1" ]; }
# reconf WORDS SERVICE: gives node a this section for its service.
reconf() {
	local before
	before=$(reloads)
	sed -i '/^service game/d' "$LAB_DIR/a/hokm-xdp.conf"
	printf 'service game { %s }\n' "$2" >>"$LAB_DIR/a/hokm-xdp.conf"
	holds "$1: reloaded" ctl_ok a reload
	within 10 "$1: with success" reloaded_since "$before"
	within 20 "$1: the service is up" service_is a up
	within 20 "$1: it owns" owns a
}

tripped() { status_test a '.services[0].trips' -gt "$1"; }

# New players whose upgrades get no answer make the service suspect; checks that never report DOWN
# leave it up.
only_passive() {
	local trips
	reconf passive 'check websocket { fall = 100 timeout = "20s" }'
	trips=$(status a '.services[0].trips')
	within 10 "passive: all are there" listeners_start client $COUNT 60
	must lab_kill a game USR1
	LAB_STDOUT=/dev/null lab_spawn client newcomers "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count 20 --seconds 1
	within 10 "passive: the traffic shows it" tripped "$trips"
	holds "passive: the service is up all the same" service_is a up
	holds "passive: nobody was ended" none_ended
	must lab_kill a game USR2
	must lab_stop client listeners
	must lab_stop client newcomers
}

unresponsive() {
	local down_ms
	within 10 "unresponsive: all are there" listeners_start client $COUNT 60
	must lab_kill a game USR1
	within 20 "unresponsive: the service goes down" service_is a down
	within 10 "unresponsive: all of them are terminated" listeners_end 5
	down_ms=$(event_ms a service "-> down")
	number_is "unresponsive: notified" "$(listeners_told .ended)" -eq $COUNT
	number_is "unresponsive: ms from DOWN to the last of them" \
		$(($(listeners_told .last_ms) - down_ms)) -le 100
	number_is "unresponsive: none before" $(($(listeners_told .first_ms) - down_ms)) -ge -2
	within 10 "unresponsive: with its reason" event a service shutdown-sessions
	number_is "unresponsive: counted as our own doing" "$(counter a shut_down)" -ge $COUNT
	number_is "unresponsive: not as the server's" "$(counter a reset_server)" -eq 0
	must lab_kill a game USR2
	within 20 "unresponsive: it goes on" service_is a up
	within 20 "unresponsive: and owns again" owns a
}

nobody_else() {
	must lab_kill b game KILL
	within 10 "nobody else: the peer is down" service_is b down
	within 10 "nobody else: all are there" listeners_start client $COUNT 60
	within 10 "nobody else: they are counted" swept
	must lab_kill a game USR1
	within 20 "nobody else: the service goes down" service_is a down
	within 10 "nobody else: panic hold" event a state panic-hold
	holds "nobody else: nobody is ended" none_ended
	# As soon as a peer is up.
	must lab_game b
	within 20 "nobody else: the peer is up again" service_is b up
	within 10 "nobody else: now they are ended" listeners_end 5
	number_is "nobody else: all of them" "$(listeners_told .ended)" -eq $COUNT
	must lab_kill a game USR2
	within 20 "nobody else: it goes on" service_is a up
	within 20 "nobody else: and owns again" owns a
}

keeps() {
	reconf keep "on_marked_down = keep"
	within 10 "keep: all are there" listeners_start client $COUNT 60
	must lab_kill a game USR1
	within 20 "keep: the service goes down" service_is a down
	within 10 "keep: the peer owns" owns b
	holds "keep: nobody is ended" none_ended
	must lab_kill a game USR2
	within 20 "keep: it goes on" service_is a up
	holds "keep: they are still there" conns_are a $COUNT
	must lab_stop client listeners
}

test_nodes a b
must lab_wait 20 owns a
unresponsive
nobody_else
keeps
must lab_wait 20 owns a
only_passive
test_end
