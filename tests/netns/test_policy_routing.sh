#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# Nodes with two networks: the default route leads into the one for administration, and a rule sends
# what comes from the VIP to the router of the players. Players behind that router are served, are
# carried by a move, and are notified when their node dies: the packets that the daemon sends in the
# name of connections go by the same rule.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=20

# two_networks NODE: nobody is in the second one.
two_networks() {
	ip -n "$(lab_ns "$1")" -batch - <<-END
		link add eth1 type veth peer name other
		link set other up
		link set eth1 up
		addr add 10.66.0.${LAB_HOST[$1]}/24 dev eth1
		neigh add 10.66.0.254 lladdr 02:00:0a:42:00:fe dev eth1 nud permanent
		route add default via 10.66.0.254
		rule add from $LAB_VIP lookup 100
		route add default via $(lab_addr router) dev eth0 table 100
	END
}
replicated() { status_test "$1" '.peers[0].replica.connections' -ge "$2"; }

must lab_up a b
must lab_inside_up
for node in a b; do must two_networks $node; done
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
within 20 "players behind the router are served" listeners_start inside $COUNT 60
within 10 "the peer knows them" replicated b $COUNT
holds "a move" ctl_ok a failover
within 10 "the peer owns" owns b
holds "nobody was notified" [ "$(wc -l <"$LISTENERS_OUT")" -eq 1 ]
within 10 "they are where they were" status_is a '.services[0].players' $COUNT
must lab_node_dead a
within 10 "their node dead: they are notified" listeners_end 10
number_is "all of them" "$(listeners_told .ended)" -eq $COUNT
test_end
