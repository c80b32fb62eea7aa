#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two processes of the game listen on its port (SO_REUSEPORT), and one of them is stopped. The
# kernel gives it its share of the connections all the same, so checks and logins fail by chance.
# The doctor names the process that is stuck, and nothing when it goes on. Who plays at the other
# one stays.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

STUB=$TESTS_DIR/../stub

# process NODE NAME: one process of the game.
process() {
	lab_spawn "$1" "$2" "$STUB/bad_server.py" "$(lab_name "$1")" "$LAB_PORT" \
		"$LAB_DIR/$1/mode"
}
both_listen() { [ "$(lab_run a ss -Hltn sport "$LAB_PORT" | wc -l)" = 2 ]; }
named() { examine a && jq -e 'any(.findings[]; .id == "listener-stuck")' <<<"$ANSWER" >/dev/null; }
not_named() { examine a && ! jq -e 'any(.findings[]; .id == "listener-stuck")' <<<"$ANSWER" \
	>/dev/null; }
# crowd NAME OPTION...: players in the background; their results are in NAME.
crowd() {
	local name=$1
	shift
	LAB_STDOUT=$LAB_DIR/$name lab_spawn client "$name" "$STUB/players.py" "$LAB_VIP" \
		"$LAB_PORT" "$@"
}
ended() { jq -r .end "$LAB_DIR/$1" | grep -cx "$2"; }

must lab_up a b
must lab_conf a b
for node in a b; do
	echo good >"$LAB_DIR/$node/mode"
	must process $node game
	must lab_daemon $node
done
for node in a b; do must lab_wait 30 hokm_ready $node; done
must lab_wait 20 owns a
must crowd play --rate 50 --count 10 --stay 20
within 10 "players play" status_is a '.services[0].players' 10
must process a second
within 10 "two processes listen" both_listen
holds "both accept: the doctor names none" not_named
must lab_kill a second STOP
# Those who wait make the service suspect, and the next ones go to the peer: so one at a time.
must crowd new --rate 5 --seconds 10 --stay 0.1
within 30 "one is stopped: the doctor names it" named
holds "its evidence" grep -qF "1 of 2 sockets that listen for service game" <<<"$ANSWER"
must lab_kill a second CONT
within 30 "it goes on: the doctor names none" not_named
within 40 "who played has played to the end" lab_gone client play
number_is "all of them" "$(ended play ok)" -eq 10
test_end
