#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The burst of gratuitous ARP packets of a new owner, as the switch sees it: garp_count of them, and
# garp_gap between two. Timers never end early, so the gap has a lower bound on a busy machine too.
# A VIP that a reload adds is announced in the same way. With the first and the last packet of a
# burst the owner asks for its peer in the name of the VIP: some hosts ignore gratuitous ARP.
#
# A client that keeps the MAC address of the other node is served all the same. The owner learns of
# it by pulse, reports it once, and announces the VIP until the client knows better.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

COUNT=4 GAP_MS=300
SECOND=192.168.1.24
SEEN=$LAB_DIR/log/sw.garp ASKED=$LAB_DIR/log/sw.asked

# A gratuitous packet announces the VIP to itself: sender and target address are equal.
watch_garp() {
	lab_spawn sw garp tcpdump -i p-a -n -tt -l \
		"arp and ether src $(lab_mac a) and arp[14:4] = arp[24:4]"
	lab_spawn sw asked tcpdump -i p-a -n -l \
		"arp and ether src $(lab_mac a) and arp[14:4] != arp[24:4] and src host $LAB_VIP"
	must lab_wait 20 grep -q 'listening on' "$SEEN"
	must lab_wait 20 grep -q 'listening on' "$ASKED"
}
asked() { [ "$(grep -c "who-has $(lab_addr b) tell $LAB_VIP" "$ASKED")" -ge "$1" ]; }

seen() { [ "$(grep -c "$LAB_VIP" "$SEEN")" -ge "$1" ]; }
knows_owner() { status_is "$1" '.peers[0].state' master; }
seen_second() { [ "$(grep -c "$SECOND" "$SEEN")" -ge "$1" ]; }
least_gap_ms() {
	awk -v vip="$LAB_VIP" 'index($0, vip) {
		gap = ($1 - before) * 1000
		if (n++ && (n == 2 || gap < least)) least = gap
		before = $1
	} END { printf "%d\n", least }' "$SEEN"
}

export LAB_CONF_EXTRA="$PATIENT vrrp {
	garp_count = $COUNT garp_gap = ${GAP_MS}ms garp_delay = 0s garp_refresh = 0s
}"
must lab_up a b
must lab_conf a b
must lab_game a
watch_garp
must lab_daemon a
must lab_wait 20 owns a
within 10 "the burst is complete" seen $COUNT
number_is "the shortest gap in milliseconds" "$(least_gap_ms)" -ge $((GAP_MS - 1))
number_is "packets in the burst" "$(grep -c "$LAB_VIP" "$SEEN")" -eq $COUNT
within 10 "the peer is asked for in the name of the VIP" asked 2
number_is "questions in the burst" "$(grep -c "tell $LAB_VIP" "$ASKED")" -eq 2
echo "vip = { \"$LAB_VIP\", \"$SECOND\" }" >>"$LAB_DIR/a/hokm-xdp.conf"
must lab_kill a daemon HUP
within 10 "the VIP that a reload adds is announced" seen_second $COUNT
must lab_stop a daemon
number_is "and no more often" "$(grep -c "$SECOND" "$SEEN")" -eq $COUNT
# The router of the clients, where only another table of routes has it.
printf 'arbiter = gateway\ngateway = "%s"\n' "$(lab_addr client)" >>"$LAB_DIR/a/hokm-xdp.conf"
must lab_daemon a
within 20 "a gateway that only the file names is asked in the name of the VIP" \
	grep -q "who-has $(lab_addr client) tell $LAB_VIP" "$ASKED"
must lab_stop a daemon
sed -i '/^arbiter\|^gateway/d' "$LAB_DIR/a/hokm-xdp.conf"

sed -i 's/garp_delay = 0s/garp_delay = 5s/' "$LAB_DIR"/[ab]/hokm-xdp.conf
echo "vip = { \"$LAB_VIP\", \"$SECOND\" }" >>"$LAB_DIR/b/hokm-xdp.conf"
must lab_daemon a
must lab_daemon b
must lab_wait 20 owns a
must lab_wait 20 knows_owner b
must lab_run client ip neigh replace "$LAB_VIP" lladdr "$(lab_mac b)" nud permanent dev eth0
visits() { lab_run client curl -sf -m 5 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
steered_and_known() { visits && known; }
known() { status_is a '.peers[0].misdirected' true; }
known_no_more() { status_is a '.peers[0].misdirected' false; }
within 20 "a client with a wrong MAC address: the owner hears of it" steered_and_known
number_is "bursts because of it" "$(status a .garp_repeated)" -ge 1
within 10 "it reports it" log_says a "reason=stale-arp"
number_is "reports" "$(grep -c 'reason=stale-arp' "$LAB_DIR/log/a.daemon")" -eq 1
must lab_run client ip neigh flush to "$LAB_VIP" nud permanent
within 20 "the client knows better: the owner hears so no more" known_no_more
for ((i = 0; i < 5; i++)); do
	visits || not_ok "the client is served"
done
number_is "still the only report" "$(grep -c 'reason=stale-arp' "$LAB_DIR/log/a.daemon")" -eq 1
test_end
