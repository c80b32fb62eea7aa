#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# At the start of a node its peer answers pulses at once, but does not know its MAC address yet: the
# first question of the peer waits for an answer by ARP, and is repeated after a second or two. The
# node does not take the peer for one that steered frames do not reach, and steers to it when they
# do.

# shellcheck disable=SC2034 # used by common.sh
PLAYERS=0
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

mac_of() { lab_run "$1" cat /sys/class/net/eth0/address; }
hears() { status_is "$1" '.peers[0].pulsing' true; }
steers() { status_is "$1" '.peers[0].steerable' true; }
times_bad() { lab_ctl "$1" events --recent 1000 --kind peer | grep -c "(not-steerable)"; }
is_tested() { [ $(($(lab_now_ms) - HEARD_MS)) -gt 2000 ]; }

must lab_up a b
must lab_conf a b
must ip -n "$(lab_ns a)" neigh replace "$(lab_addr b)" lladdr "$(mac_of b)" dev eth0 nud permanent
must cut "iifname p-a oifname p-b ether type arp drop
	iifname p-b oifname p-a ether type arp drop;"
for node in b a; do
	must lab_game $node
	must lab_daemon $node
done
within 20 "a hears b" hears a
HEARD_MS=$(lab_now_ms)
must lab_wait 20 is_tested
holds "it does not steer to it yet" status_is a '.peers[0].steerable' false
holds "b does not hear it" status_is b '.peers[0].pulsing' false
must uncut
for node in a b; do within 20 "ARP: $node steers to the other one" steers $node; done
for node in a b; do
	number_is "$node: times that the other one was not steerable" "$(times_bad $node)" -eq 0
done
test_end
