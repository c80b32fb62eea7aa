#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Another program takes the place of our XDP program on both nodes, one after the other, as an agent
# that is rolled out to all machines. Neither is a good owner then, and one of them owns all the
# same: new clients are served. When the other program is gone, all is as usual.

PLAYERS=5
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

replace() {
	lab_run "$1" bpftool link detach pinned "$(lab_pins "$1")/link_ingress" 2>/dev/null
	ip -n "$(lab_ns "$1")" link set dev eth0 xdpdrv obj "$LAB_PASS" sec xdp 2>/dev/null
}
take_away() { ip -n "$(lab_ns "$1")" link set dev eth0 xdp off; }
one_owns() { { owns a && owns_not b; } || { owns b && owns_not a; }; }
reached() {
	ip -n "$(lab_ns client)" neigh flush dev eth0 &&
		lab_run client curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
pulses() { status_is "$1" '.peers[0].pulsing' true; }

test_pair
must lab_wait 20 calm
must lab_wait 10 replace a
within 10 "a has lost its program: b owns" owns b
within 10 "a says why" event a state path-lost
must lab_wait 10 replace b
within 10 "b has lost its program: it gives the VIP up" event b state path-lost
within 30 "one of them owns all the same" one_owns
within 10 "a new client reaches it" reached
observe_mark one
LONG_MS=$(($(lab_now_ms) + 3000))
for_long() { [ "$(lab_now_ms)" -gt "$LONG_MS" ] && one_owns && reached; }
within 20 "and still after three seconds" for_long
observe_mark long
number_is "rounds of the observer" "$(field "$REPLY_ARP" rounds)" -gt 100
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
must take_away a
must take_away b
within 20 "a sees pulses again" pulses a
within 20 "b sees pulses again" pulses b
within 60 "one owns" one_owns
within 30 "the players are well" calm
test_end
