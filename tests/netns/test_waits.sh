#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A daemon that starts before its address or its interface is there does not end. It waits, reports
# that in the log and to systemd, and serves as soon as they are there. A wait that is ended leaves
# nothing behind.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

NOTES=$LAB_DIR/notes
export NOTIFY_SOCKET=$LAB_DIR/notify.sock
sent() { grep -qF -- "$1" "$NOTES"; }
reads() { [ -S "$NOTIFY_SOCKET" ]; }
waits_are() { [ "$(grep -c 'waiting: ' "$LAB_DIR/log/a.daemon")" = "$1" ]; }
# The cable of node a and everything on it, as lab_node_make lays it.
cable() {
	ip -n "$(lab_ns sw)" link add p-a type veth peer name eth0 netns "$(lab_ns a)" &&
		ip -n "$(lab_ns a)" link set eth0 address "$(lab_mac a)" &&
		lab_run a ethtool -K eth0 tx off >/dev/null && lab_xdp_pass p-a &&
		ip -n "$(lab_ns sw)" link set p-a master br0 up &&
		ip -n "$(lab_ns a)" link set eth0 up
}
OTHER=198.51.100.9
address() { ip -n "$(lab_ns a)" addr "$1" "$(lab_addr a)/24" brd + dev eth0; }
NONE="waiting: $LAB_DIR/a/hokm-xdp.conf: node: none of the nodes' addresses is on this machine"

# The kernel of node b answers ARP. It has no daemon.
must lab_up a b
must lab_conf a b
must lab_game a
LAB_STDOUT=$NOTES lab_spawn a systemd socat -u "UNIX-RECV:$NOTIFY_SOCKET,mode=666" -
must lab_wait 20 reads
must address del
footprint_take a

must lab_daemon a
within 10 "no address: the log says that it waits" log_says a "$NONE"
within 10 "no address: so does the line for systemd" sent "STATUS=$NONE"
must lab_kill a daemon HUP
must lab_stop a daemon
within 10 "no address: it waited until it was stopped" log_says a "was not there yet"
as_before "a wait that was ended" a

must lab_daemon a
within 10 "no address: it waits again" waits_are 2
must address add
within 4 "the address is there, and node b answers: the node starts at once" lab_ready a
within 10 "the address is there: the node owns" owns a
within 10 "the address is there: the VIP is its address" has_vip a
must lab_stop a daemon

echo 'interface = eth0' >>"$LAB_DIR/a/hokm-xdp.conf"
must ip -n "$(lab_ns sw)" link del p-a
must lab_daemon a
within 10 "no interface: the log says that it waits" log_says a "no address at all"
must cable
must lab_wait 20 lab_carrier a
holds "no interface: it is alive" lab_alive a daemon
must ip -n "$(lab_ns a)" addr add "$OTHER/32" dev eth0
within 10 "another address: the log names it" log_says a "which has $OTHER (eth0)"
within 10 "another address: so does the line for systemd" sent "which has $OTHER (eth0)"
must address add
within 10 "the interface is there: the node owns" owns a
within 10 "the interface is there: the VIP is its address" has_vip a
holds "it reported each reason of a wait once" waits_are 4
test_end
