#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A host that is no node claims the VIP by gratuitous ARP: once to everybody, then again and again.
# The owner announces the VIP, so that the clients find it, and not again within ten seconds, so
# that two hosts do not flood the segment. Both nodes report the MAC address; no player is lost.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

EVERYBODY=ff:ff:ff:ff:ff:ff
SEEN=$LAB_DIR/log/sw.garp

# claim MAC N: the host outside sends N packets to this MAC address.
claim() {
	lab_run client1 python3 "$TESTS_DIR/send.py" --src "$LAB_VIP" --dmac "$1" -n "$2" claim
}
watch_garp() {
	lab_spawn sw garp tcpdump -i p-a -n -l \
		"arp and ether src $(lab_mac a) and arp[14:4] = arp[24:4]"
	must lab_wait 20 grep -q 'listening on' "$SEEN"
}
announced() { grep -c "$LAB_VIP" "$SEEN"; }
announced_at_least() { [ "$(announced)" -ge "$1" ]; }
# The client's kernel has the MAC address of the owner.
client_is_right() {
	lab_run client ip neigh show "$LAB_VIP" dev eth0 | grep -q "lladdr $(lab_mac a)"
}
counted() { counter_test a arp_foreign -ge "$1"; }
reported() { log_says "$1" "$(lab_mac client1) claims the VIP $LAB_VIP by ARP"; }

export LAB_CONF_EXTRA="$PATIENT vrrp { garp_count = 1 garp_delay = 0s garp_refresh = 0s }"
test_pair
must lab_node_up client1
must lab_wait 20 lab_carrier client1
watch_garp
number_is "nothing was counted before" "$(counter a arp_foreign)" -eq 0

observe_mark claimed
must claim $EVERYBODY 1
within 10 "the owner announces the VIP" announced_at_least 1
within 10 "the client has its MAC address" client_is_right
must claim "$(lab_mac a)" 200
within 10 "each claim is counted" counted 201
number_is "announcements" "$(announced)" -eq 1
for node in a b; do
	within 10 "$node: the log names the MAC address" reported $node
	within 10 "$node: so does an event" event $node link "$LAB_VIP: $(lab_mac client1)"
done
holds "status warns" \
	grep -q "$(lab_mac client1) claims the VIP by ARP and is no node" <<<"$(lab_ctl a status)"
must lab_wait 20 calm
observe_mark end
# An attempt may begin in the milliseconds before the owner's answer.
number_is "connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -le 5
number_is "owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
