#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 50 s
#
# The game of the owner may open no more files, as one that has reached `ulimit -n`: who plays goes
# on to play, and for new players the kernel accepts connections that the game never does. So their
# upgrades have no answer. The checks say DOWN, the VIP moves, and those who wait are terminated, so
# that they are served by the peer. Those who play stay.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/full.sh
. "$TESTS_DIR/full.sh"
# No check begins after the first one, until a reload gives it the interval of the profile.
LAB_CONF_EXTRA=$(with 'interval = "10m"')

players_are() { status_is a '.services[0].players' "$1"; }
terminated() {
	lab_ctl a events --recent 1000 --kind service --json |
		jq -s 'map(.text | capture("^game: (?<n>[0-9]+) connections terminated").n |
			tonumber) | add // 0'
}

must lab_up a b
must lab_conf a b
for node in a b; do
	echo good >"$LAB_DIR/$node/mode"
	must lab_spawn "$node" game "$STUB/bad_server.py" "$(lab_name "$node")" "$LAB_PORT" \
		"$LAB_DIR/$node/mode"
	must lab_daemon "$node"
done
for node in a b; do must lab_wait 30 hokm_ready "$node"; done
must lab_wait 20 owns a

must crowd play --rate 50 --count $PLAY --stay 40
within 10 "players play on the owner" players_are $PLAY
must files 3
must crowd wait --rate 100 --count $WAIT --patience 60
within 20 "new ones wait for the answer to their upgrade" \
	counter_test a upgrade -eq $((PLAY + WAIT))
LAB_CONF_EXTRA=$(with '') must lab_conf a b
must ctl_ok a reload
within 20 "the service goes down" service_is a down
holds "its checks have timed out" status_is a '.services[0].reason' check-timeout
within 10 "the peer owns" owns b
within 20 "those who waited are gone" lab_gone client wait
number_is "all of them were terminated" "$(ended wait reset)" -eq $WAIT
number_is "and they alone" "$(terminated)" -eq $WAIT
within 10 "those who play are there" players_are $PLAY
must files 1024
within 20 "the game accepts again: the service is up" service_is a up
within 30 "the node owns again" owns a
within 40 "who played has played to the end" lab_gone client play
number_is "all of them" "$(ended play ok)" -eq $PLAY
test_end
