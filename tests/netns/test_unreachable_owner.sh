#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The link of the owner is up, its daemon runs and its XDP program answers pulses, but no client
# reaches it: its interface answers no ARP, became the port of a bridge, is below a macvlan that
# gets all of its frames, or a filter before ours drops all that it sends. It does not go on as
# owner: the peer owns and serves. When the trouble is over the node takes part again, and at no
# time do two nodes answer.

PLAYERS=5
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

in_a() { ip -n "$(lab_ns a)" "$@"; }
arp() { in_a link set dev eth0 arp "$1"; }
bridge_in() {
	in_a link add br9 type bridge && in_a link set dev br9 up &&
		in_a link set dev eth0 master br9
}
macvlan_over() { in_a link add link eth0 name mv0 type macvlan mode passthru; }
macvlan_away() { in_a link del dev mv0; }
bridge_out() { in_a link set dev eth0 nomaster && in_a link del dev br9; }
# XDP_PASS is TC_ACT_SHOT to a filter.
drop_all() {
	lab_run a tc filter add dev eth0 egress prio 1 handle 1 bpf da obj "$LAB_PASS" sec xdp
}
drop_none() { lab_run a tc filter del dev eth0 egress prio 1; }
reached() {
	ip -n "$(lab_ns client)" neigh flush dev eth0 &&
		lab_run client curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}

# unreachable WORDS REASON TAKE GIVE LOG
unreachable() {
	must lab_wait 20 owner_is a
	observe_mark begin
	must $3
	within 10 "$1: the peer owns" owns b
	within 10 "$1: and answers" owner_is b
	within 10 "$1: a client reaches it" reached
	holds "$1: the node knows that it does not own" lacks_vip a
	within 10 "$1: with this reason" event a state "$2"
	within 10 "$1: the log says why" log_says a "$5"
	if [ "$2" = link-down ]; then
		within 10 "$1: status says why" status_is a ".obstacle | contains(\"$5\")" true
	fi
	must $4
	within 20 "$1, over: the node owns again" owns a
	within 10 "$1, over: and answers" owner_is a
	within 10 "$1, over: a client reaches it" reached
	observe_mark end
	number_is "$1: rounds of the observer" "$(field "$REPLY_ARP" rounds)" -gt 50
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}
lacks_vip() { ! owns "$1" && has_no_vip "$1"; }

test_pair
unreachable "no ARP" link-down "arp off" "arp on" "eth0 answers no ARP"
unreachable "port of a bridge" link-down bridge_in bridge_out "eth0 is a port of a bridge"
unreachable "macvlan of mode passthru" link-down macvlan_over macvlan_away \
	"eth0 is below a macvlan"
unreachable "egress drops all" send-failed drop_all drop_none "could not send an advert on eth0"
number_is "egress drops all: lines about gratuitous ARP" \
	"$(grep -c 'could not send gratuitous ARP' "$LAB_DIR/log/a.daemon")" -le 3
test_end
