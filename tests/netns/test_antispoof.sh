#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 25 s
#
# A switch that lets a node send only frames with its own address as source, as port security and
# clouds do: steered frames, whose source is a client, never arrive. The nodes find it by their
# test before a player is lost: no new player is steered, and after a failover each player learns at
# once that it must connect anew. When the filter is gone, the nodes steer again.
#
# Nor is a peer steered to that has the MAC address of the default gateway: each player of another
# network would look like one that this peer has steered.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"


steerable() { status_is "$1" '.peers[0].steerable' "$2"; }
steered() { echo $(($(counter a second_chance) + $(counter a steered_conn))); }
# says_why NODE WORDS
says_why() { lab_ctl "$1" status | grep "no new player is steered to peer" | grep -qF "$2"; }
GATEWAY=192.168.1.99
# The backup is the router too: its MAC address answers for the gateway.
gateway_is_b() {
	ip -n "$(lab_ns a)" neigh replace $GATEWAY lladdr "$(lab_mac b)" dev eth0 &&
		ip -n "$(lab_ns a)" route add default via $GATEWAY
}
gateway_gone() { ip -n "$(lab_ns a)" route del default via $GATEWAY; }

test_pair
within 20 "the primary steers to its peer" steerable a true
within 20 "the backup too" steerable b true
must antispoof
for node in a b; do
	within 10 "filter: $node knows that it cannot steer" steerable $node false
	within 10 "filter: $node reports it in its log" log_says $node "reason=not-steerable"
	within 10 "filter: $node says why in its status" says_why $node anti-spoofing
done
observe_mark filter
# On a busy machine the service may have been suspect before, and players steered.
syns=$(counter a steered_syn)
must lab_kill a game KILL
must lab_wait 20 service_is a down
must lab_wait 20 owns b
number_is "filter: SYNs steered to the backup" $(($(counter a steered_syn) - syns)) -eq 0
within 10 "filter: the players are well, on the backup" calm
observe_mark end
number_is "filter: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 3000
before=$(steered)
must lab_game a
must lab_wait 20 service_is a up
must lab_wait 20 owns a
within 10 "filter: after the failback the players are well" calm
number_is "filter: packets steered by the primary" $(($(steered) - before)) -eq 0
must antispoof_off
for node in a b; do within 10 "no filter: $node can steer" steerable $node true; done
must ctl_ok a failover
must lab_wait 20 owns b
within 10 "no filter: the players are carried" players_on a

words="it has the MAC address of the default gateway"
must gateway_is_b
within 10 "gateway: the primary refuses to steer to it" steerable a false
within 10 "gateway: it says why in its log" log_says a "$words"
within 10 "gateway: and in its status" says_why a "$words"
holds "gateway: the backup steers" steerable b true
must gateway_gone
within 10 "no gateway: the primary steers again" steerable a true
test_end
