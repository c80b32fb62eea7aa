#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 80 s
#
# Faults that others than the nodes make, and what `hokm-xdp doctor` names first: the packet filter
# of the machine, the switch, the DNS provider, another XDP program, a second NIC that answers ARP,
# a node with another VRID, and a host that has the VIP as its address.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"

control() { echo "{\"run\": 0${1:+, $1}}" >"$STUB/new" && mv "$STUB/new" "$STUB/control.json"; }
loose() { lab_run "$1" sysctl -qw net.netfilter.nf_conntrack_tcp_loose="$2"; }
# An XDP program of another origin, as the tool ip attaches it.
foreign_on() {
	unshare --mount --propagation private nsenter --net="/run/netns/$(lab_ns "$1")" -- \
		ip link set dev eth0 xdp object "$LAB_PASS" sec xdp
}
foreign_off() { lab_run "$1" ip link set dev eth0 xdp off; }
# evict NODE: a program takes the place of ours, while the daemon cannot hinder it.
evict() {
	local link
	lab_kill "$1" daemon STOP || return 1
	link=$(bpftool -j link show pinned "$(lab_pins "$1")/link_ingress" | jq .id) &&
		bpftool link detach id "$link" && foreign_on "$1"
	link=$?
	lab_kill "$1" daemon CONT && return $link
}
answers_arp() { # NODE: its second NIC does, for the VIP
	local mac
	mac=$(ip -n "$(lab_ns "$1")" -j link show eth1 | jq -r '.[0].address')
	lab_run client arping -c 3 -w 2 -I eth0 "$LAB_VIP" | grep -qi "$mac"
}
second_nic() {
	ip -n "$(lab_ns sw)" link add "p-$1-2" type veth peer name eth1 netns "$(lab_ns "$1")" &&
		lab_xdp_pass "p-$1-2" &&
		ip -n "$(lab_ns sw)" link set "p-$1-2" master br0 up &&
		ip -n "$(lab_ns "$1")" link set eth1 up
}
# A filter that takes every packet and ends the chain, before the one of the fence.
filter_before() {
	lab_run "$1" tc filter add dev eth1 ingress prio 1 protocol all \
		bpf bytecode '1,6 0 0 4294967295' classid 1:1
}
# A host that is given the VIP announces it, as hosts do.
duplicate() {
	ip -n "$(lab_ns client1)" addr add "$LAB_VIP/24" dev eth0 &&
		lab_run client1 arping -q -U -c 1 -I eth0 "$LAB_VIP"
}

must lab_up a b
must mkdir "$STUB"
must control
must start_stub
must stub_conf_two_nodes 203.0.113.26 203.0.113.27 "ttl = 120s"
for node in a b; do must lab_game $node; done
must lab_daemon a
must lab_wait 20 owns a
must lab_daemon b
within 30 "the owner is well" no_fault a
within 30 "the backup is well" no_fault b

must filter a "ct state invalid drop;"
must loose a 0
fault "packets of moved connections are dropped as invalid" a conntrack-loose
must loose a 1
must filter_gone a
mended "conntrack" a

must antispoof
fault "anti-spoofing in the switch" a not-steerable
fault "anti-spoofing in the switch" b not-steerable
must antispoof_off
mended "anti-spoofing" b
mended "anti-spoofing" a

must control '"fail": "expired"'
must ctl_ok a failover
within 20 "the other node owns" owns b
fault "the token of the DNS provider expired" b dns
evidence "the provider's words are shown" "Unable to authenticate you"
must ctl_ok b failover
within 20 "the first one owns again" owns a
fault "the former owner tells when its attempt failed" b dns
evidence "and that this was as owner" " ago as owner: the record "
must control
must ctl_ok a failover
within 20 "the other node owns once more" owns b
must lab_ctl b dns start
mended "DNS" b
must ctl_ok b failover
within 20 "the first one owns at last" owns a

must second_nic b
within 10 "the second NIC has its fence" status_is b \
	"[.fences[] | select(.interface == \"eth1\").covered][0]" true
must filter_before b
within 10 "the second NIC answers ARP for the VIP" answers_arp b
fault "a second NIC answers ARP" b foreign-filter
evidence "the interface is named" "of eth1"
must ip -n "$(lab_ns b)" link del eth1
mended "second NIC" b

must evict b
fault "another XDP program in the place of ours" b foreign-xdp
evidence "it is named" hokm_lab_pass
must foreign_off b
fault "our program is put back" b path-removed
daemon_stop b
must foreign_on b
must lab_daemon b
must lab_wait 20 lab_gone b daemon
fault "another XDP program before the start" b foreign-xdp
must foreign_off b
must lab_daemon b
within 20 "it starts without the other program" no_fault b

must edit b '$a vrrp { vrid = 77 }'
daemon_again b
fault "another VRID" a adverts-vrid
fault "another VRID" b adverts-vrid
must edit b '$d'
daemon_again b
mended "VRID" b
mended "VRID" a

must lab_node_up client1
must lab_wait 20 lab_carrier client1
must duplicate
fault "a host with the VIP as its address" a vip-claimed
evidence "its MAC address is named" "$(lab_mac client1)"
test_end
