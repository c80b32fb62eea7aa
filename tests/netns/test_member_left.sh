#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The third node is to leave the group. The others refuse a file without it while it has players,
# because they steer the packets of its players there, and would reset them.
#
#   counted     its players came while it was owner. The file is refused also while no pulse of it
#               arrives and its messages of replication show that it is alive. When its players have
#               left, the others take the file, and nobody notices
#   uncounted   without replication nobody knows its players: the file is refused while it runs

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

side_by_side counted uncounted

# refused NODE NUMBER WHY: so many lines of its log report it.
refused() {
	[ "$(grep -c "reload refused.*address of peer third, which $3" \
		"$LAB_DIR/log/$1.daemon")" = "$2" ]
}
reloaded() { event "$1" config "reloaded"; }
of_third() { status_is "$1" ".peers[] | select(.name == \"third\") | $2" "$3"; }
BEGAN_MS=
probed() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 700 ]; }
probe_on() {
	BEGAN_MS=$(lab_now_ms)
	must lab_wait 10 probed
}
# all_refuse WORDS NUMBER WHY
all_refuse() {
	local node
	for node in b a; do
		must ctl_refused $node reload
		within 10 "$1: $node refuses a file without the third node" refused $node "$2" "$3"
	done
}
all_take() {
	local node
	for node in b a; do
		must ctl_ok $node reload
		within 10 "$1: $node takes the file" reloaded $node
	done
}
pulse_all() { status_is "$1" '[.peers[] | .pulsing] | all' true; }
sees_all() { status_is "$1" '[.peers[] | .pulsing and .replica.warm] | all' true; }

counted() {
	local node
	test_nodes a b c
	must lab_wait 20 owns a
	for node in a b c; do must lab_wait 20 sees_all $node; done
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
	all_refuse "it has players" 1 "has players; drain"
	must cut "iifname p-c udp dport 8766 drop; iifname p-c udp sport 8766 drop;"
	for node in b a; do must lab_wait 10 of_third $node .pulsing false; done
	all_refuse "its pulses are cut" 1 "has players, and shows life without pulses"
	must uncut
	for node in b a; do must lab_wait 10 of_third $node .pulsing true; done
	probe_on
	observe_mark refused
	unbroken "refused"

	echo rejoin >&"$PLAYERS_IN"
	must lab_wait 20 players_on a
	must lab_wait 20 calm
	for node in b a; do
		within 20 "the players have left: $node knows of none there" \
			of_third $node .replica.connections 0
	done
	observe_mark left
	all_take "the players have left"
	must lab_stop c daemon
	probe_on
	observe_mark gone
	unbroken "the third node leaves"
}

uncounted() {
	local node
	export LAB_CONF_EXTRA='replication { enabled = no }'
	test_nodes a b c
	must lab_wait 20 owns a
	for node in a b c; do must lab_wait 20 pulse_all $node; done
	must lab_conf a b
	all_refuse "without replication" 1 "runs, and without replication"
	must lab_stop c daemon
	for node in b a; do must lab_wait 10 of_third $node .pulsing false; done
	all_take "without replication, the third node is stopped"
}

$PART
test_end
