#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A daemon is killed, and the node's address moves to another interface of the machine. The next
# daemon is of that one. It takes the VIP there, and leaves the first interface as it was before:
# program, filters, sysctls. When it ends, the second one is as it was before, too.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# nic NAME: another cable between a and the switch.
nic() {
	ip -n "$(lab_ns sw)" link add "p-a-$1" type veth peer name "$1" netns "$(lab_ns a)" &&
		lab_xdp_pass "p-a-$1" &&
		ip -n "$(lab_ns sw)" link set "p-a-$1" master br0 up &&
		ip -n "$(lab_ns a)" link set "$1" up
}
arp() { lab_run a cat "/proc/sys/net/ipv4/conf/$1"; }
sysctls() {
	local name
	for name in {eth0,eth1}/arp_{ignore,announce} all/arp_announce; do
		echo "$name=$(arp $name)"
	done
}
sysctls_are() { [ "$(sysctls)" = "$1" ]; }
xdp_on() { lab_run a bpftool -j net show dev "$1" | jq -e '.[0].xdp | length > 0' >/dev/null; }
no_xdp_on() { ! xdp_on "$1"; }
vip_on() { [ -n "$(lab_run a ip -o addr show dev "$1" to "$LAB_VIP")" ]; }
vip_not_on() { ! vip_on "$1"; }

must lab_up a
must lab_conf a b
must lab_game a
must nic eth1
must lab_run a sysctl -q net.ipv4.conf.eth1.arp_ignore=0 net.ipv4.conf.eth1.arp_announce=1 \
	net.ipv4.conf.eth0.arp_ignore=2
BEFORE=$(sysctls)
must lab_daemon a
must lab_wait 20 owns a
must lab_wait 20 vip_on eth0
must lab_kill a daemon KILL
must lab_wait 20 lab_gone a daemon
must ip -n "$(lab_ns a)" addr del "$(lab_addr a)/24" dev eth0
must ip -n "$(lab_ns a)" addr add "$(lab_addr a)/24" dev eth1
must lab_daemon a
within 30 "moved: the node owns" owns a
within 20 "moved: the VIP is on the second interface" vip_on eth1
holds "moved: and not on the first one" vip_not_on eth0
holds "moved: the program is on the second interface" xdp_on eth1
within 10 "moved: none is on the first one" no_xdp_on eth0
for name in arp_ignore arp_announce; do
	holds "moved: $name of the first one is as before" \
		grep -qx "eth0/$name=$(arp eth0/$name)" <<<"$BEFORE"
done
holds "moved: the second one is set up" test "$(arp eth1/arp_announce)" = 2
must lab_stop a daemon
within 10 "the end: all sysctls are as before" sysctls_are "$BEFORE"
[ "$(sysctls)" = "$BEFORE" ] || diff <(echo "$BEFORE") <(sysctls)
within 10 "the end: no program is left" no_xdp_on eth1
test_end
