#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 10 s
#
# The bits of packet marks on a node belong to others: kube-proxy translates what has one of them,
# and rules of container networks, VPNs and routers with several uplinks send what has another
# elsewhere. The owner's node dies, and its silent players are notified by a node with such rules,
# because no packet of hokm-xdp has a mark.

PLAYERS=0
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=20

# The rule of Cilium for packets that IPsec decrypts, and those of kube-proxy and of the packet
# filter of a cluster.
others() {
	ip -n "$(lab_ns "$1")" -batch - <<-END &&
		route add blackhole default table 200
		rule add fwmark 0xd00/0xf00 lookup 200
	END
		lab_run "$1" nft -f - <<-END
			table ip cluster {
				counter marked { }
				chain output {
					type filter hook output priority filter; policy accept;
					meta mark != 0 counter name marked
					meta mark & 0x8000 == 0x8000 drop
				}
				chain postrouting {
					type nat hook postrouting priority srcnat;
					meta mark & 0x4000 == 0x4000 masquerade
				}
			}
		END
}
marked() { lab_run "$1" nft -j list counter ip cluster marked |
	jq '[.nftables[].counter.packets // empty] | add'; }
replicated() { status_test "$1" '.peers[0].replica.connections' -ge "$2"; }

test_nodes a b
must lab_wait 20 owns a
must others b
must listeners_start client $COUNT 60
must lab_wait 10 replicated b $COUNT
must lab_node_dead a
within 10 "the peer owns" owns b
within 10 "all players are notified" listeners_end 10
number_is "of them" "$(listeners_told .ended)" -eq $COUNT
number_is "packets in their name" "$(counter b told_dead)" -ge $COUNT
number_is "packets of the node with a mark" "$(marked b)" -eq 0
test_end
