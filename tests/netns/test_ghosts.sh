#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The port of a node is blocked, and opens again.
#  - The owner takes the node for dead and notifies its players. The node is alive, and must not
#    keep their dead sockets: it is informed, and ends them.
#  - The node starts behind a blocked port, hears nobody and owns the VIP too. When the port opens
#    the other one gives way, and none of its players is reset.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/silence.sh
. "$TESTS_DIR/silence.sh"

sockets() { lab_run "$1" ss -Htn state established "sport = :$LAB_PORT" | wc -l; }
no_sockets() { [ "$(sockets "$1")" -eq 0 ]; }
no_rows() { [ "$(lab_ctl "$1" conns --summary --json | jq '.summary.targets.local // 0')" -eq 0 ]; }
boots_behind_a_blocked_port() {
	lab_node_up a && cut "$(cut_all a)" && lab_game a && lab_daemon a
}
one_owner() { owns a && owns_not b; }

carried 0 50
number_is "sockets of players on the primary" "$(sockets a)" -ge 50
cut "$(cut_all a)"
within 5 "a blocked holder: everybody is notified" noticed carried
must uncut
within 5 "then: the holder ends the dead sockets" no_sockets a
within 5 "then: its table is empty" no_rows a
within 5 "then: an event reports it" event a peer ended-by-peer

must lab_wait 20 both_see
must lab_node_dead a
must lab_wait 10 owns b
must audience here client --interval 20 --sending 20
must lab_wait 10 gathered here
must boots_behind_a_blocked_port
within 20 "behind a blocked port: the primary owns too" owns a
ask_audience here mark
must uncut
within 5 "the port opens: one owner" one_owner
within 10 "the port opens: the nodes see each other" both_see
plays_on "the port opens" here
test_end
