#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The third node is to leave the group, and has players: they came while it was owner. The others
# refuse a file without it, because they steer the packets of its players there, and would reset
# them. When its players have left, they take the file, and nobody notices.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# refused NODE NUMBER: so many lines of its log report it.
refused() {
	[ "$(grep -c 'reload refused.*address of peer third, which has players' \
		"$LAB_DIR/log/$1.daemon")" = "$2" ]
}
reloaded() { event "$1" config "reloaded"; }
sees_all() { status_is "$1" '[.peers[] | .pulsing and .replica.warm] | all' true; }
replicates_none() { status_is "$1" '.peers[] | select(.name == "third") | .replica.connections' 0; }
BEGAN_MS=
probed() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 700 ]; }

test_nodes a b c
must lab_wait 20 owns a
for NODE in a b c; do must lab_wait 20 sees_all $NODE; done
must observe_start
must ctl_ok b maint
must ctl_ok a failover
must lab_wait 10 owns c
echo rejoin >&"$PLAYERS_IN"
must lab_wait 20 players_on c
must ctl_ok b ready
must ctl_ok a ready
must lab_wait 20 owner_is a
must lab_wait 20 calm
observe_mark begin

must lab_conf a b
for NODE in b a; do
	must ctl_refused $NODE reload
	within 10 "$NODE refuses a file without the third node, which has players" refused $NODE 1
done
BEGAN_MS=$(lab_now_ms)
must lab_wait 10 probed
observe_mark refused
unbroken "refused"

echo rejoin >&"$PLAYERS_IN"
must lab_wait 20 players_on a
must lab_wait 20 calm
for NODE in b a; do
	within 20 "the players have left: $NODE knows of none there" replicates_none $NODE
done
observe_mark left
for NODE in b a; do
	must ctl_ok $NODE reload
	within 10 "$NODE takes the file" reloaded $NODE
done
must lab_stop c daemon
BEGAN_MS=$(lab_now_ms)
must lab_wait 10 probed
observe_mark gone
unbroken "the third node leaves"
test_end
