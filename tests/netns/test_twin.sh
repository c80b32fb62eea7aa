#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A clone of node a is switched on in the segment: the same address and file, another MAC address.
# Its cable comes later: without a link it cannot ask for its address, and starts nothing. Then its
# daemon waits and says why, and neither the nodes nor the players notice it. A cable of node a that
# flaps does not start it. When the machine of node a fails, the clone starts by itself after ten
# seconds and takes its place.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

MESSAGE="waiting: $(lab_mac a) has the address $(lab_addr a) of this node"

# The clone's port of the switch forwards nothing.
port_blocked() {
	lab_run sw nft -f - <<-END
		table bridge port {
			chain forward {
				type filter hook forward priority 0;
				iifname "p-c" drop
			}
		}
	END
}
blocked() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 1500 ]; }
port_forwards_later() {
	BEGAN_MS=$(lab_now_ms)
	lab_wait 10 blocked && lab_run sw nft delete table bridge port
}
clone_addr() { ip -n "$(lab_ns c)" addr "$1" "$(lab_addr a)/24" brd + dev eth0; }

test_pair
must lab_node_up c
must lab_wait 10 lab_carrier c
must ip -n "$(lab_ns c)" addr flush dev eth0
must clone_addr add
must mkdir -p "$LAB_DIR/c"
sed "s|$LAB_DIR/a/|$LAB_DIR/c/|" "$LAB_DIR/a/hokm-xdp.conf" >"$LAB_DIR/c/hokm-xdp.conf"
must chmod 600 "$LAB_DIR/c/hokm-xdp.conf"
must lab_game c
observe_mark cloned
must lab_link c down
must lab_daemon c
within 20 "without a link the clone waits" log_says c "waiting: eth0 has no link"
# The port of the switch forwards a second later.
must port_blocked
must lab_link c up
must port_forwards_later
within 20 "with a link the clone waits, and says why" log_says c "$MESSAGE"
# It looks five times a second.
BEGAN_MS=$(lab_now_ms)
long() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 3000 ]; }
must lab_wait 10 long
holds "it goes on waiting" lab_alive c daemon
holds "it has started nothing" test ! -S "$LAB_DIR/c/hokm.sock"
holds "node a owns" owner_is a
observe_mark waited
unbroken "beside the clone"

# The address of the clone comes with its link, as networkd sets it.
must lab_stop c daemon
must truncate -s 0 "$LAB_DIR/log/c.daemon"
must clone_addr del
must port_blocked
must lab_daemon c
within 20 "without an address the clone waits" log_says c "none of the nodes' addresses"
must clone_addr add
must port_forwards_later
within 20 "with an address the clone waits, and says why" log_says c "$MESSAGE"
holds "with an address it has started nothing" test ! -S "$LAB_DIR/c/hokm.sock"

# The cable of node a flaps: its silence for more than one look starts nothing.
must lab_link a down
must lab_nap 0.7
must lab_link a up
within 20 "after the flap node a owns" owner_is a
holds "the clone goes on waiting after the flap" lab_alive c daemon
holds "after the flap it has started nothing" test ! -S "$LAB_DIR/c/hokm.sock"
within 20 "after the flap the players are well" calm

must lab_node_dead a
DEAD_MS=$(lab_now_ms)
SAID=$(grep -cF "$MESSAGE" "$LAB_DIR/log/c.daemon")
within 20 "node a is dead: node b owns" owner_is b
within 20 "the clone tells of the silence" log_says c "of this node, and is silent now"
within 30 "the clone has started" lab_ready c
number_is "it waited for another answer: ms" $(($(lab_now_ms) - DEAD_MS)) -gt 5000
within 30 "it takes the place of node a" owner_is c
within 20 "the players are well" calm
holds "it says nothing more of the address" \
	test "$(grep -cF "$MESSAGE" "$LAB_DIR/log/c.daemon")" = "$SAID"
test_end
