#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Node a and a clone of it are switched on at the same moment: the same address and file, another
# MAC address. Each finds the other. The one with the smaller MAC address, node a, starts all the
# same, and the clone goes on waiting. There is one owner, whichever daemon began first.

PLAYERS=5
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

MESSAGE="$(lab_mac c) has the address $(lab_addr a) of this node, and waits too"

# clone_of_a: node c with the address and the file of node a.
clone_of_a() {
	ip -n "$(lab_ns c)" addr flush dev eth0 &&
		ip -n "$(lab_ns c)" addr add "$(lab_addr a)/24" brd + dev eth0 &&
		mkdir -p "$LAB_DIR/c" &&
		sed "s|$LAB_DIR/a/|$LAB_DIR/c/|" "$LAB_DIR/a/hokm-xdp.conf" \
			>"$LAB_DIR/c/hokm-xdp.conf" &&
		chmod 600 "$LAB_DIR/c/hokm-xdp.conf"
}

must lab_up a b c
must lab_conf a b
must clone_of_a
for NODE in a c; do must lab_game $NODE; done

for ORDER in "a c" "c a"; do
	for NODE in $ORDER; do must lab_daemon "$NODE"; done
	within 20 "$ORDER: node a starts, and says why" log_says a "$MESSAGE"
	within 20 "$ORDER: node a owns" owns a
	holds "$ORDER: the clone waits" lab_alive c daemon
	holds "$ORDER: the clone has started nothing" test ! -S "$LAB_DIR/c/hokm.sock"
	must lab_stop a daemon
	must lab_stop c daemon
	must truncate -s 0 "$LAB_DIR/log/a.daemon"
done

# With the other node and players.
must lab_game b
for NODE in b c a; do must lab_daemon $NODE; done
within 20 "node a owns" owns a
must lab_wait 20 hokm_ready b
must observe_start
within 20 "the players are well" calm
within 20 "node a is the only owner" sole_owner a
observe_mark begin
BEGAN_MS=$(lab_now_ms)
long() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 3000 ]; }
must lab_wait 10 long
holds "the clone goes on waiting" lab_alive c daemon
holds "the clone has started nothing" test ! -S "$LAB_DIR/c/hokm.sock"
observe_mark waited
unbroken "beside the clone"
test_end
