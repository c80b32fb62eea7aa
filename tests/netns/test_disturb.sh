#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 95 s
#
# Others disturb both nodes at random: addresses, routes, also those to the clients, queueing
# disciplines, filters, also one that drops all, the XDP link, pins, the link, the interface, its
# MAC address and MTU, its ARP, a bridge that takes it as a port, sysctls, the socket, reloads,
# pauses and kills of the daemon, kills of its agent and of the game, orders, upgrades. A few at a
# time; then everybody is quiet. Each time one node owns soon, and only one, a client without an ARP
# entry reaches the game, and the other node is ready to take over. At no time do two nodes answer.
# Bursts that only disturb the nodes' programs break no connection. When the daemons end, nothing of
# theirs is left.
#
# disturb.sh has the variables. `make soak` takes 600 s, 1000 disturbances, up to 15 at a time,
# another seed each time, and judges how soon calm comes. PROFILE=standard is another profile.

PLAYERS=10
# As by default: when its cable is back the switch may forward nothing for a second.
export LAB_START_DELAY=40s
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/disturb.sh
. "$TESTS_DIR/disturb.sh"

KINDS=(del_vip del_route del_both flush_routes foreign_vip flush_addrs other_mask no_routes
	del_clsact del_filter other_root drop_all detach_xdp del_pins link_down_up cable_out_in
	no_arp bridge_port new_mac new_mtu new_interface write_sysctl del_socket agent_killed reload
	pause killed restart game_killed failover drain maint upgrade)

test_pair
disturb_all
all_leave
test_end
