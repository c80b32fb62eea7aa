#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 50 s
#
# As test_full_server.sh, with the games in containers: no socket of a player is on the node. Those
# who wait for the answer to their upgrade are terminated and forgotten, and they alone: the players
# are tracked as before, so that the next move carries them.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/container.sh
. "$TESTS_DIR/container.sh"
# shellcheck source=tests/netns/full.sh
. "$TESTS_DIR/full.sh"
# No check begins after the first one, until a reload gives it the interval of the profile.
LAB_CONF_EXTRA=$(with 'interval = "10m"')

rows_are() {
	[ "$(lab_ctl a conns --target local --state established --json | jq .total)" = "$1" ]
}

must lab_up a b
must lab_conf a b
for node in a b; do
	must box $node
	echo good >"$LAB_DIR/$node/mode"
	must in_box $node game "$STUB/bad_server.py" "$(lab_name $node)" "$LAB_PORT" \
		"$LAB_DIR/$node/mode"
	must lab_daemon $node
done
for node in a b; do must lab_wait 30 hokm_ready $node; done
must lab_wait 20 owns a

must crowd play --rate 50 --count $PLAY --stay 40
within 10 "players play on the owner" rows_are $PLAY
must files 3
must crowd wait --rate 100 --count $WAIT --patience 60
within 20 "new ones wait for the answer to their upgrade" \
	counter_test a upgrade -eq $((PLAY + WAIT))
LAB_CONF_EXTRA=$(with '') must lab_conf a b
must ctl_ok a reload
within 20 "the service goes down" service_is a down
within 20 "those who waited are gone" lab_gone client wait
number_is "all of them were terminated" "$(ended wait reset)" -eq $WAIT
within 10 "those who play are tracked, and they alone" rows_are $PLAY
must files 1024
within 40 "who played has played to the end" lab_gone client play
number_is "all of them" "$(ended play ok)" -eq $PLAY
test_end
