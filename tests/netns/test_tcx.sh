#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# A program of others at the tcx hook (Linux 6.6) sees packets before every filter of clsact, ours
# too, and may end the chain. It is named in log, status and doctor: one that is there before the
# daemon, one that comes later, and one before a fence. When it goes it is named no more. Behind one
# that ends the chain clients are served, and the node hands the VIP over as soon as a peer can take
# it: its filter sees nothing. One that goes on takes nothing from our filter.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

# tcx NODE INTERFACE HOOK VERDICT: until tcx_off.
tcx() {
	must lab_spawn "$1" tcx /usr/bin/python3 -I "$TESTS_DIR/tcx.py" "${@:2}"
	must lab_wait 20 tcx_says "$1" "attached|no tcx"
	tcx_says "$1" attached && return
	echo "this kernel has no tcx (Linux 6.6)"
	exit 77
}
tcx_says() { grep -qxE "$2" "$LAB_DIR/log/$1.tcx"; }
tcx_off() { must lab_stop "$1" tcx && must rm "$LAB_DIR/log/$1.tcx"; }
# named NODE WORDS: what status lists; it has the name only of what was there at the start.
named() { status_is "$1" '[.foreign[] | .interface, .kind, .name] | join(" ")' "$2"; }
warns() { lab_ctl "$1" status | grep -q "WARNING  $2 runs before ours"; }
doctor_names() {
	names_first "$1" foreign-filter &&
		grep -qF -- "$2" <<<"$(jq -r '.findings[0].evidence' <<<"$ANSWER")"
}
doctor_has() {
	examine "$1" && grep -qF -- "$2" <<<"$(jq -r '.findings[].evidence' <<<"$ANSWER")"
}
log_counts() { grep -cF -- "$2" "$LAB_DIR/log/$1.daemon"; }
BEFORE="a program at the tcx hook that is not ours runs before ours"
visits() { lab_run client curl -s -m 2 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
# Checks of the daemon itself do not pass the interface.
seen_leaving() { visits && lab_ctl a counters | grep -q "^ *packets_out "; }
leaving() { lab_ctl a counters --json | jq "[.. | .packets_out? // empty] | add"; }
more_leaving() { visits && [ "$(leaving)" -gt "$before" ]; }
second_nic() {
	ip -n "$(lab_ns sw)" link add "p-$1-2" type veth peer name eth1 netns "$(lab_ns "$1")" &&
		lab_xdp_pass "p-$1-2" &&
		ip -n "$(lab_ns sw)" link set "p-$1-2" master br0 up &&
		ip -n "$(lab_ns "$1")" link set eth1 up
}

must lab_up a b
must lab_conf a b
for node in a b; do must lab_game $node; done
tcx a eth0 egress pass
must lab_daemon a
must lab_wait 20 owns a
must lab_daemon b
must lab_wait 20 hokm_ready b
within 20 "before the start: status names it" named a "eth0 tcx a_policer"
within 10 "before the start: ctl warns" warns a "eth0: filter tcx, priority 0, .*(a_policer)"
within 20 "before the start: doctor names it" doctor_has a "filter tcx of eth0"
within 20 "it ends the chain: the peer owns" owns b
within 5 "it ends the chain: with this reason" event a state path-lost
within 5 "it ends the chain: status says what is gone" status_is a \
	.obstacle "sight of the egress filter is gone"
within 5 "it ends the chain: the log says why" \
	log_says a "the egress filter of eth0 does not see what leaves"
within 10 "it ends the chain: a client is served" visits
number_is "it ends the chain: leaving packets that our filter saw" \
	"$(lab_ctl a counters | grep -c "packets_out")" -eq 0
tcx_off a
within 10 "it is gone: status does not name it any more" named a ""
within 10 "it is gone: our filter sees" log_says a "the egress filter of eth0 sees again"
within 60 "it is gone: the node owns again" owns a
within 10 "it is gone: our filter sees what leaves" seen_leaving
number_is "before the start: lines in the log" "$(log_counts a "$BEFORE")" -eq 1

tcx b eth0 egress next
within 10 "later: status names it" named b "eth0 tcx "
within 10 "later: the log names it" log_says b "eth0: $BEFORE: program"
within 20 "later: doctor names it" doctor_names b "filter tcx of eth0"
tcx_off b
within 10 "later, gone: status does not name it any more" named b ""
number_is "later: lines in the log" "$(log_counts b "$BEFORE")" -eq 1

must second_nic b
within 10 "the second NIC has its fence" status_is b \
	'[.fences[] | select(.interface == "eth1").covered][0]' true
tcx b eth1 ingress pass
within 10 "before a fence: status names it" named b "eth1 tcx "
within 10 "before a fence: the log names it" log_says b "eth1: $BEFORE: program"
tcx_off b
within 10 "before a fence, gone: status does not name it any more" named b ""

tcx a eth0 egress next
before=$(leaving)
within 10 "it goes on: our filter sees what leaves" more_leaving
test_end
