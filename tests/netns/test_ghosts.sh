#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The port of a node is blocked, and opens again.
#  - The owner takes the node for dead and notifies its players. The node is alive, and must not
#    keep their dead sockets: it is informed, and ends them.
#  - The node starts behind a blocked port, hears nobody and owns the VIP too. The port opens, and
#    pulses come later than adverts: the other one gives way only when its players can be steered to
#    it, and none of them is reset.

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
# Its gratuitous ARP packets are sent, and no later burst follows: none of them may lead the players
# to it.
export LAB_CONF_EXTRA="$PATIENT vrrp { garp_delay = 0s }"
announced() { status_test a .since_ms -gt 700; }
# opens_late SECONDS: the port opens, and pulses pass so much later than all else. Above all other
# processes, so that it takes so long and no longer.
opens_late() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	lab_run sw chrt -f 30 bash -c '
		nft "table bridge late {
			chain forward { type filter hook forward priority filter; $2 }
		}" && nft delete table bridge cut && sleep "$1" && nft delete table bridge late' \
		- "$1" "$PULSES"
}

carried 0 50
number_is "sockets of players on the primary" "$(sockets a)" -ge 50
cut "$(cut_all a)"
within 10 "a blocked holder: everybody is notified" noticed carried
must uncut
within 10 "then: the holder ends the dead sockets" no_sockets a
within 10 "then: its table is empty" no_rows a
within 10 "then: an event reports it" event a peer ended-by-peer

must lab_wait 20 both_see
must lab_node_dead a
must lab_wait 20 owns b
must audience here client --interval 20 --sending 20
must lab_wait 20 gathered here
must boots_behind_a_blocked_port
within 20 "behind a blocked port: the primary owns too" owns a
must lab_wait 20 announced
ask_audience here mark
# The backup hears adverts at once. The primary can steer to it only when pulses pass.
must opens_late 0.5
within 10 "the port opens: one owner" one_owner
within 10 "the port opens: the nodes see each other" both_see
plays_on "the port opens" here
test_end
