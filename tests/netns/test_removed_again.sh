#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 75 s
#
# Another program removes the VIP of the owner again and again. It is put back each time, and most
# of the time it is away: no client without an ARP entry reaches the node. So the node hands the VIP
# over, a new client reaches the peer, and no player notices. The same with the egress filter.
# Without a peer the owner keeps the VIP, puts it back at a bounded rate, and status warns.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

del_vip() { ip -n "$(lab_ns a)" addr del "$LAB_VIP/32" dev eth0 2>/dev/null; }
del_filter() { lab_run a tc filter del dev eth0 egress 2>/dev/null; }
has_egress() { lab_run a bpftool net show dev eth0 | grep -q hokm_egress; }
# A client that has no ARP entry.
reached() {
	ip -n "$(lab_ns client)" neigh flush dev eth0 &&
		lab_run client curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
# removing CMD CONDITION...: whenever the condition is asked for, CMD removes something before.
removing() {
	local cmd=$1
	shift
	$cmd
	"$@"
}
put_back() { status a ".put_back.$1"; }

# hands_over WORDS PART TEXT CMD: CMD removes a part of the owner a until b owns.
hands_over() {
	local words=$1 part=$2 text=$3 cmd=$4 began before stays
	before=$(put_back "$part")
	observe_mark removed
	began=$(lab_now_ms)
	within 10 "$words: the peer owns" removing "$cmd" owns b
	number_is "$words: ms until then" $(($(lab_now_ms) - began)) -le 6000
	number_is "$words: it was put back" $(($(put_back "$part") - before)) -ge 5
	within 5 "$words: with this reason" event a state path-lost
	within 5 "$words: the log says why" \
		log_says a "$text of eth0 was removed by another program 5 times"
	stays="^$text was gone, and is back: it must stay for [0-9]+ s more\$"
	within 5 "$words: status says how long it must stay" \
		status_is a ".obstacle | test(\"$stays\")" true
	within 5 "$words: a new client reaches the peer" reached
	within 10 "$words: the players are well" calm
	observe_mark back
	unbroken "$words" 1
}

test_pair
hands_over "VIP" addrs "VIP address" del_vip
within 5 "the new owner sees its peer in FAULT" status_is b '.peers[0].state' fault
said=$(lab_ctl b failover 2>&1)
number_is "failover to a peer in FAULT: refused" $? -ne 0
holds "failover to a peer in FAULT: the answer says why" grep -qF 'primary is in fault' <<<"$said"
holds "failover to a peer in FAULT: the owner goes on" owns b
said=$(lab_ctl b drain 2>&1)
number_is "drain with a peer in FAULT: refused" $? -ne 0
holds "drain with a peer in FAULT: the answer says why" grep -qF 'primary is in fault' <<<"$said"
said=$(lab_ctl b maint 2>&1)
number_is "maint with a peer in FAULT: done" $? -eq 0
holds "maint with a peer in FAULT: the answer says what it does" \
	grep -qF 'no peer would take the VIP, so this node keeps it' <<<"$said"
within 5 "maint with a peer in FAULT: its services show it" service_is b maint
holds "maint with a peer in FAULT: the owner goes on" owns b
holds "maint with a peer in FAULT: a new client reaches it" reached
holds "maint is over" ctl_ok b ready
within 60 "when it has stayed, the node owns again" owns a
within 10 "the players are well" calm
within 10 "the egress filter is there" has_egress
hands_over "egress filter" egress "egress filter" del_filter
must lab_stop b daemon
within 20 "without a peer the node owns" owns a
before=$(put_back addrs)
for i in {1..30}; do
	del_vip
	lab_nap 0.1
done
number_is "VIP without a peer: times put back" $(($(put_back addrs) - before)) -le 15
holds "VIP without a peer: the node owns" owns a
within 10 "VIP without a peer: it is back in the end" has_vip a
within 5 "VIP without a peer: a new client reaches the node" reached
holds "VIP without a peer: status warns" \
	grep -q 'another program removes what the daemon set' <<<"$(lab_ctl a status)"
test_end
