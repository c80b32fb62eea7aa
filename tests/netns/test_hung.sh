#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A game process is stopped (SIGSTOP) under load: its kernel goes on taking connections, and only the
# traffic tells that nobody is there. How long until every new player is served by the peer, in both
# profiles; then the checks take the service down, the VIP moves, and SIGCONT brings it back.
#
# A player comes every 20 ms. What counts is when the last one came that nobody served: 1 s after the
# stop at most with standard, 300 ms with fast (the median of three; a single one, on a machine that is
# shared, may take twice as long).

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

STUB=$TESTS_DIR/../stub
RUNS=3

# One that greets with its name: so each player knows who served it.
game() {
	echo good >"$LAB_DIR/$1/mode"
	lab_spawn "$1" game /usr/bin/python3 "$STUB/bad_server.py" "$(lab_name "$1")" "$LAB_PORT" \
		"$LAB_DIR/$1/mode"
}
monotonic_ms() { python3 -c 'import time; print(int(time.monotonic() * 1000))'; }
checks_say() { [ "$(status a '.services[0].reason')" = "$1" ]; }
trusted() { [ "$(status a '.services[0].suspect_ms')" -eq 0 ]; }
comers() { cat "$LAB_DIR/log/client.comers-$1"; }
# The peer has served the last ten of them.
served_by_peer() { [ "$(comers "$1" | tail -n 10 | jq -r .server | sort -u)" = backup ]; }

# stop_once RUN: prints ms from the stop to the arrival of the last player whom nobody served in time.
# Only those who came before the checks could have had a say are counted.
stop_once() {
	local stopped
	must lab_spawn client "comers-$1" /usr/bin/python3 "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" \
		--rate 50 --seconds 6 --stay 0.05
	must lab_wait 5 players_flow
	stopped=$(monotonic_ms)
	must lab_kill a game STOP
	must lab_wait 30 lab_gone client "comers-$1"
	comers "$1" | jq -s "[.[] | select(.took < 0 and .start > $stopped - 100) | .start - $stopped] | max"
}
flow_before=0
players_flow() { [ "$(counter a switched)" -gt $((flow_before + 50)) ]; }

hung() {
	local limit=$1 run took all=
	for run in $(seq "$RUNS"); do
		must lab_wait 30 owns a
		must lab_wait 30 service_is a up
		must lab_wait 70 trusted
		flow_before=$(counter a switched)
		took=$(stop_once "$PROFILE$run")
		number_is "$PROFILE, stop $run: ms until the last player whom nobody served" "$took" \
			-le $((2 * limit))
		holds "$PROFILE, stop $run: those after it were served by the peer" \
			served_by_peer "$PROFILE$run"
		all="$all $took"
		holds "$PROFILE, stop $run: the reason" event a passive passive-upgrade
		within 20 "$PROFILE, stop $run: the checks take the service down" service_is a down
		holds "$PROFILE, stop $run: they came to no end" checks_say check-timeout
		within 10 "$PROFILE, stop $run: the peer owns" owns b
		must lab_kill a game CONT
		within 20 "$PROFILE, stop $run: it goes on, and is up" service_is a up
	done
	# shellcheck disable=SC2086 # words
	number_is "$PROFILE: ms, the median" "$(printf '%s\n' $all | sort -n | sed -n $(((RUNS + 1) / 2))p)" \
		-le "$limit"
	within 30 "$PROFILE: the primary owns again" owns a
	within 70 "$PROFILE: the suspicion is over" trusted
}

with_profile() {
	PROFILE=$1
	export LAB_PROFILE=$1
	must lab_up a b
	must lab_conf a b
	must game a
	must game b
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_daemon b
	must lab_wait 20 hokm_ready b
	hung "$2"
	must lab_down
}

export LAB_CONF_EXTRA='passive { suspect_max = "3s" }'
with_profile fast 300
with_profile standard 1000
test_end
