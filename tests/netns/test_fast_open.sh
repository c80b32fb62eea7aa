#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 15 s
#
# Players whose request lies in their SYN, and servers that take it there (TCP Fast Open). The
# SYN-ACK acknowledges the request, too: it is an answer, and the node does not report that it
# answers no SYN. The players are carried by a move, and are notified when their node dies.

PLAYERS=0
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=20
# Bits of net.ipv4.tcp_fastopen: both sides, without cookies, on every listening socket.
FAST_OPEN=0x607

fast_open() { lab_run "$1" sysctl -qw net.ipv4.tcp_fastopen=$FAST_OPEN; }
# How many connections the kernel of the node opened so.
opened_fast() {
	lab_run "$1" nstat -asz TcpExtTCPFastOpenPassive | awk '/FastOpenPassive/ { print $2 }'
}
# The first SYNs came long ago: a node that took them for unanswered would have reported it.
looked_for_long() {
	[ "$(lab_ctl a conns --json --limit 1000 | jq '[.conns[].age_ms] | max')" -gt 6000 ]
}
replicated() { status_test "$1" '.peers[0].replica.connections' -ge "$2"; }

must lab_up a b
for node in a b client; do must fast_open $node; done
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must listeners_start client $COUNT 120 --fast-open
number_is "connections that began with their request" "$(opened_fast a)" -eq $COUNT
number_is "answered SYNs" "$(counter a syn_ack)" -ge $COUNT
within 20 "six seconds later" looked_for_long
number_is "reports of SYNs without an answer" "$(grep -c syns-unanswered "$LAB_DIR/log/a.daemon")" \
	-eq 0
must lab_wait 10 replicated b $COUNT
holds "a move" ctl_ok a failover
within 10 "the peer owns" owns b
within 10 "they are where they were" status_is a '.services[0].players' $COUNT
holds "nobody was notified" [ "$(wc -l <"$LISTENERS_OUT")" -eq 1 ]
must lab_node_dead a
within 10 "their node dead: they are notified" listeners_end 10
number_is "all of them" "$(listeners_told .ended)" -eq $COUNT
test_end
