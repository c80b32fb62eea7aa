#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 15 s
#
# The packet filter of the nodes drops what is for an address that is not of the interface by which
# it came: the example of nft(8) for the expression fib. The owner serves players all the same, and
# so does the node that holds them after a move, which has the VIP no more as an address. The local
# route on the interface, which the filter asks for, comes back when others remove it.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

filter() {
	lab_run "$1" nft -f - <<-END
		table ip strict {
			counter dropped { }
			chain in {
				type filter hook prerouting priority filter; policy accept;
				iif lo accept
				fib daddr . iif type != { local, broadcast, multicast } \
					counter name dropped drop
			}
		}
	END
}
dropped() { lab_run "$1" nft -j list counter ip strict dropped |
	jq '[.nftables[].counter.packets // empty] | add'; }
on_interface() {
	[ -n "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48 dev eth0 "$LAB_VIP")" ]
}

prepare_node() { filter "$1"; }
test_pair
observe_mark filtered
must ctl_ok a failover
within 10 "the peer owns" owner_is b
within 10 "the players are well" calm
holds "their node carries them" players_on a
observe_mark moved
unbroken "a move" 1
number_is "packets that the filter of a dropped" "$(dropped a)" -eq 0
number_is "packets that the filter of b dropped" "$(dropped b)" -eq 0
must ip -n "$(lab_ns a)" route del local "$LAB_VIP" dev eth0 table local
within 5 "the route on the interface is put back" on_interface a
within 10 "the players are well again" calm
observe_mark end
unbroken "without that route for a moment"
test_end
