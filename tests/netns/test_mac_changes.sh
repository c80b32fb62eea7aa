#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The MAC address of the primary's interface changes, as in a bond that changes its port: while the
# primary owns, while it only serves players whose packets the backup steers to it, and with the
# link down in between. The players live on, and the peer knows the new address at once.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

set_mac() { ip -n "$(lab_ns a)" link set eth0 address "${LAB_MAC[a]}"; }
set_mac_down_up() {
	ip -n "$(lab_ns a)" -batch - <<-END
		link set eth0 down
		link set eth0 address ${LAB_MAC[a]}
		link set eth0 up
	END
}

peer_knows() { status_is b '"\(.peers[0].pulsing) \(.peers[0].mac)"' "true ${LAB_MAC[a]}"; }

# followed WORDS MAC CMD: CMD gives the primary another address.
followed() {
	LAB_MAC["a"]=$2 # so the observers know it too
	observe_mark "${1// /-}"
	must "$3"
	within 10 "$1: the peer knows the new MAC address" peer_knows
	within 10 "$1: the players are well" calm
	within 10 "$1: the log says it" log_says a "has the MAC address ${LAB_MAC[a]} now"
	within 10 "$1: an event too" event a link "another MAC address"
	observe_mark end
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}

test_pair
followed "owner" 02:00:00:00:0a:01 set_mac
number_is "owner: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
within 10 "owner: it still owns" owner_is a
must ctl_ok a failover
must lab_wait 20 owns b
must lab_wait 20 calm
within 10 "the players are carried" players_on a
followed "target" 02:00:00:00:0a:02 set_mac
number_is "target: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
holds "target: the players are where they were" players_on a
followed "link down and up" 02:00:00:00:0a:03 set_mac_down_up
holds "link down and up: the players are where they were" players_on a
test_end
