#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A host that is no node claims the VIP by gratuitous ARP: once to everybody, then again and again.
# The owner announces the VIP, so that the clients find it, and not again within ten seconds, so
# that two hosts do not flood the segment. Both nodes report the MAC address; no player is lost. The
# host claims the second VIP, too, as a forgotten keepalived does: that one is announced as well.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

EVERYBODY=ff:ff:ff:ff:ff:ff
SEEN=$LAB_DIR/log/sw.garp
SECOND=192.168.1.24

# claim MAC N [VIP]: the host outside sends N packets to this MAC address.
claim() {
	lab_run client1 python3 "$TESTS_DIR/send.py" --src "${3:-$LAB_VIP}" --dmac "$1" -n "$2" \
		claim
}
watch_garp() {
	lab_spawn sw garp tcpdump -i p-a -n -l \
		"arp and ether src $(lab_mac a) and arp[14:4] = arp[24:4]"
	must lab_wait 20 grep -q 'listening on' "$SEEN"
}
# announced [VIP]: how often.
announced() { grep -c "tell ${1:-$LAB_VIP}" "$SEEN"; }
announced_at_least() { [ "$(announced "${2:-}")" -ge "$1" ]; }
# The client's kernel has the MAC address of the owner.
client_is_right() {
	lab_run client ip neigh show "$LAB_VIP" dev eth0 | grep -q "lladdr $(lab_mac a)"
}
counted() { counter_test a arp_foreign -ge "$1"; }
reported() { log_says "$1" "$(lab_mac client1) claims the VIP $2 by ARP"; }

export LAB_CONF_EXTRA="$PATIENT
vip = { \"$LAB_VIP\", \"$SECOND\" }
vrrp { garp_count = 1 garp_delay = 0s garp_refresh = 0s }"
test_pair
must lab_node_up client1
must lab_wait 20 lab_carrier client1
watch_garp
number_is "nothing was counted before" "$(counter a arp_foreign)" -eq 0

observe_mark claimed
must claim $EVERYBODY 1 $SECOND
must claim $EVERYBODY 1
within 10 "the owner announces the VIP" announced_at_least 1
within 10 "and the second one" announced_at_least 1 $SECOND
within 10 "the client has its MAC address" client_is_right
must claim "$(lab_mac a)" 200
within 10 "each claim is counted" counted 202
number_is "announcements" "$(announced)" -eq 1
number_is "announcements of the second VIP" "$(announced $SECOND)" -eq 1
for node in a b; do
	for vip in "$LAB_VIP" $SECOND; do
		within 10 "$node, $vip: the log names the MAC address" reported $node "$vip"
		within 10 "$node, $vip: so does an event" \
			event $node link "$vip: $(lab_mac client1)"
	done
done
STATUS=$(lab_ctl a status)
for vip in "$LAB_VIP" $SECOND; do
	holds "status warns of $vip" \
		grep -q "$(lab_mac client1) claims the VIP $vip by ARP and is no node" <<<"$STATUS"
done
must lab_wait 20 calm
observe_mark end
# An attempt may begin in the milliseconds before the owner's answer.
number_is "connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -le 5
number_is "owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
