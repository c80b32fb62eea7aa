#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A machine whose files in /etc/sysctl.d set net.ipv4.conf.all.arp_ignore to 8: as owner it would
# answer no ARP for the VIP. The daemon lowers the value at its start, and restores it at its end.
# Where it cannot, because /proc/sys is read-only for it and the host sets the value later, it hands
# the VIP over.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

ALL=net.ipv4.conf.all.arp_ignore
all_is() { [ "$(lab_run a sysctl -n $ALL)" = "$1" ]; }
host_sets() { lab_run a sysctl -q "$ALL=$1"; }
reached() {
	ip -n "$(lab_ns client)" neigh flush dev eth0 &&
		lab_run client curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
# The daemon of node a in a mount namespace of its own, as in a container.
contained() {
	lab_spawn a daemon unshare --mount --propagation private \
		"$HOKM" run -c "$LAB_DIR/a/hokm-xdp.conf"
}
inside() { lab_alive a daemon && nsenter -t "$LAB_PID" --mount "$@"; }
read_only() {
	inside mount --bind /proc/sys /proc/sys &&
		inside mount -o remount,ro,bind /proc/sys
}
is_there_again() { status_is a '.missing | length' 0; }

must lab_up a b
must lab_conf a b
for node in a b; do must lab_game $node; done
must host_sets 8
must contained
must lab_wait 20 owns a
must lab_daemon b
for node in a b; do must lab_wait 20 hokm_ready $node; done
holds "at the start: the daemon lowers it" all_is 1
within 5 "at the start: the log says it" log_says a "$ALL was 8"
within 10 "at the start: a new client reaches the owner" reached
holds "at the start: the node owns" owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a

must read_only
observe_mark silent
must host_sets 8
within 10 "read-only: the peer owns" owns b
within 5 "read-only: with this reason" event a state path-lost
within 5 "read-only: the log says why" log_says a "/proc/sys is mounted read-only"
within 5 "read-only: status names it" status_is a .obstacle "sysctl is gone"
within 10 "read-only: a new client reaches the peer" reached
within 10 "read-only: the players are well" calm
observe_mark handed
unbroken "read-only" 1

must inside umount /proc/sys
within 10 "writable: it is set again" all_is 1
within 5 "writable: nothing is missing" is_there_again
must lab_stop a daemon
must lab_run a "$HOKM" cleanup -c "$LAB_DIR/a/hokm-xdp.conf" >/dev/null
holds "at the end: it is as it was" all_is 8
test_end
