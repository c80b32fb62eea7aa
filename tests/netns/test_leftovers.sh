#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A daemon is killed, and then the file gets another VIP and another name of the node. What the
# killed daemon left is in nobody's file any more: the next start removes it, and so does `cleanup`.
# What belongs to others stays, and so does all that a running daemon has.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

CONF=$LAB_DIR/a/hokm-xdp.conf
NEW_VIP=192.168.1.24
routed() { lab_run a ip -o route show table local proto 0x48 | grep -q "local $1 "; }
has_address() { [ -n "$(lab_run a ip -o addr show dev eth0 to "$1")" ]; }
lacks() { ! "$@"; }
has_pins() { [ -e "$LAB_DIR/a/bpf/hokm-xdp/$1/cfg" ]; }

# killed VIP: a daemon that owns this VIP is killed.
killed() {
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_wait 20 has_address "$1"
	must lab_kill a daemon KILL
	must lab_wait 20 lab_gone a daemon
	holds "the killed daemon left the address $1" has_address "$1"
	holds "and its route" routed "$1"
}

must lab_up a
must lab_conf a b
must lab_game a
must ip -n "$(lab_ns a)" addr add 192.168.1.99/32 dev eth0
footprint_take a
killed "$LAB_VIP"
holds "and its pins" has_pins primary

sed -i "s/^node primary/node renamed/" "$CONF"
echo "vip = $NEW_VIP" >>"$CONF"
killed "$NEW_VIP"
holds "the former address is gone" lacks has_address "$LAB_VIP"
holds "the former route is gone" lacks routed "$LAB_VIP"
holds "the former pins are gone" lacks has_pins primary
holds "the pins have the new name" has_pins renamed
within 10 "the log says it" log_says a "removing what a daemon of another name left behind"
within 10 "the log says it of addresses and routes" log_says a "removed 2 addresses and routes"

# Once more, for cleanup. With another socket, too: the sysctls are found all the same.
sed -i "s/^node renamed/node primary/; s/^vip = .*/vip = 192.168.1.23/
	s|^socket = .*|socket = \"$LAB_DIR/a/other.sock\"|" "$CONF"
holds "cleanup is done" lab_run a "$HOKM" cleanup -c "$CONF"
must rm -f "$LAB_DIR/a/hokm.sock"
sed -i "s|^socket = .*|socket = \"$LAB_DIR/a/hokm.sock\"|" "$CONF"
as_before "cleanup after the file was changed" a

# A daemon that is alive keeps what it has, whatever another file says.
must lab_daemon a
must lab_wait 20 owns a
sed "s/^node primary/node renamed/; s|^socket.*|socket = \"$LAB_DIR/other.sock\"|" "$CONF" \
	>"$LAB_DIR/other.conf"
chmod 600 "$LAB_DIR/other.conf"
# On another interface, too: there can be one daemon in a network namespace.
must ip -n "$(lab_ns a)" link add eth1 type veth peer name eth1p
must ip -n "$(lab_ns a)" addr add 192.168.77.1/24 dev eth1
must ip -n "$(lab_ns a)" link set eth1 up
must ip -n "$(lab_ns a)" link set eth1p up
sed "s/$(lab_addr a)/192.168.77.1/; s/$(lab_addr b)/192.168.77.2/" "$LAB_DIR/other.conf" \
	>"$LAB_DIR/eth1.conf"
chmod 600 "$LAB_DIR/eth1.conf"
undisturbed() {
	holds "$1: the first one owns" owns a
	holds "$1: and has its address" has_address 192.168.1.23
	holds "$1: and its route" routed 192.168.1.23
	holds "$1: what its sysctls were is saved" test -e "$LAB_DIR/a/sysctls"
	holds "$1: it had nothing to put back" status_is a .put_back "$PUT_BACK"
}
# refused WHAT COMMAND FILE: it ends with an error that says why, and changes nothing.
refused() {
	PUT_BACK=$(status a .put_back)
	if lab_run a "$HOKM" "$2" -c "$LAB_DIR/$3.conf" 2>"$LAB_DIR/refused"; then
		not_ok "$1 is done"
	else
		ok "$1 ends"
	fi
	holds "$1: it says why" \
		grep -q "hokm-xdp runs in this network namespace already" "$LAB_DIR/refused"
	undisturbed "$1"
}
must lab_wait 20 has_address 192.168.1.23
refused "a second daemon under another name" run other
refused "a second daemon on another interface" run eth1
refused "cleanup under another name" cleanup other
refused "cleanup of another interface" cleanup eth1
test_end
