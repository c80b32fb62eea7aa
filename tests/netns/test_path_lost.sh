#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Another program takes the place of our XDP program on the owner, and stays. Without the program
# the node steers nothing to players who live on its peer, and its kernel would end them. So it
# hands the VIP over, although it sees no pulses of the peer any more, and no player notices. When
# the other program is gone ours is back.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

has_ours() { lab_run a bpftool net show dev eth0 | grep -q "driver id" && pulses a; }
pulses() { status_is "$1" '.peers[0].pulsing' true; }
# The daemon may put its own program back between the two.
replace() {
	lab_run a bpftool link detach pinned "$(lab_pins a)/link_ingress" 2>/dev/null
	ip -n "$(lab_ns a)" link set dev eth0 xdpdrv obj "$LAB_PASS" sec xdp 2>/dev/null
}

test_pair
must lab_wait 20 calm
observe_mark lost
must lab_wait 10 replace
within 10 "the peer owns" owns b
within 10 "and answers" owner_is b
holds "the node does not own" owns_not a
within 10 "with this reason" event a state path-lost
within 10 "the log says what is in the way" log_says a "has an XDP program that is not ours"
within 10 "status names it" status_is a .obstacle "XDP program is gone"
within 10 "the VIP is no address of the node" has_no_vip a
within 10 "the players are well" calm
observe_mark back
number_is "connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
must ip -n "$(lab_ns a)" link set dev eth0 xdp off
within 10 "the other program is gone: ours is back" has_ours
STAYS='^XDP program was gone, and is back: it must stay for [0-9]+ s more$'
within 10 "status says that it must stay" status_is a ".obstacle | test(\"$STAYS\")" true
within 10 "the players are well" calm
observe_mark end
number_is "it is back: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "it is back: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
