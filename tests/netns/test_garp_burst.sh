#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The burst of gratuitous ARP packets of a new owner, as the switch sees it: garp_count of them, and
# garp_gap between two. Timers never end early, so the gap has a lower bound on a busy machine too.
# A VIP that a reload adds is announced in the same way.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

COUNT=4 GAP_MS=300
SECOND=192.168.1.24
SEEN=$LAB_DIR/log/sw.garp

# A gratuitous packet announces the VIP to itself: sender and target address are equal.
watch_garp() {
	lab_spawn sw garp tcpdump -i p-a -n -tt -l \
		"arp and ether src $(lab_mac a) and arp[14:4] = arp[24:4]"
	must lab_wait 5 grep -q 'listening on' "$SEEN"
}

seen() { [ "$(grep -c "$LAB_VIP" "$SEEN")" -ge "$1" ]; }
seen_second() { [ "$(grep -c "$SECOND" "$SEEN")" -ge "$1" ]; }
least_gap_ms() {
	awk -v vip="$LAB_VIP" 'index($0, vip) {
		gap = ($1 - before) * 1000
		if (n++ && (n == 2 || gap < least)) least = gap
		before = $1
	} END { printf "%d\n", least }' "$SEEN"
}

export LAB_CONF_EXTRA="vrrp { garp_count = $COUNT garp_gap = ${GAP_MS}ms garp_refresh = 0s }"
must lab_up a b
must lab_conf a b
must lab_game a
watch_garp
must lab_daemon a
must lab_wait 20 owns a
within 10 "the burst is complete" seen $COUNT
number_is "the shortest gap in milliseconds" "$(least_gap_ms)" -ge $((GAP_MS - 1))
number_is "packets in the burst" "$(grep -c "$LAB_VIP" "$SEEN")" -eq $COUNT
echo "vip = { \"$LAB_VIP\", \"$SECOND\" }" >>"$LAB_DIR/a/hokm-xdp.conf"
must lab_kill a daemon HUP
within 10 "the VIP that a reload adds is announced" seen_second $COUNT
must lab_stop a daemon
number_is "and no more often" "$(grep -c "$SECOND" "$SEEN")" -eq $COUNT
test_end
