#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two nodes without an arbiter do not hear each other, and both own. When they meet again one gives
# way within a pulse. It reports that there were two owners, for how long at most, and that it is
# over: in the log, as events, in status, and to those who are notified. So does the other one, as
# a rule: its daemon looks at each tick, and the answer that shows the lease is replaced by one
# without it a pulse later. A tick that is late by two pulses finds nothing to report.

PLAYERS=0 # hokm-players only probes here
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

peer_name() { if [ "$1" = a ]; then lab_name b; else lab_name a; fi; }
# got NODE REASON: a message about its peer.
got() {
	[ -e "$GOT" ] && [ -n "$(jq -c "select(.node == \"$(lab_name "$1")\"
		and any(.events[]; .kind == \"conflict\" and .reason == \"$2\"
			and .subject == \"$(peer_name "$1")\"))" "$GOT")" ]
}
reports() { [ "$(lab_ctl "$1" events --recent 1000 --kind peer | grep -c "($2)")" = "$3" ]; }
# The seconds of "for N s at most", as whole ones.
said() {
	lab_ctl "$1" events --recent 1000 --kind peer |
		sed -n "s/.* for \([0-9]*\)\.[0-9]* s at most ($2)\$/\1/p" | tail -n 1
}
cut_for_long() { [ "$(lab_now_ms)" -ge $((CUT_MS + 3000)) ]; }

LAB_CONF_EXTRA="$PATIENT
$(hook_conf "$(lab_addr client)" "group = 1s timeout = 2s")"
export LAB_CONF_EXTRA
test_nodes a b
must receiver_start client
must lab_wait 20 owns a
must ctl_ok a failover
must lab_wait 20 owns b
must ctl_ok a ready
within 30 "the VIP moved there and back" owns a
for node in a b; do
	holds "$node: that is no time of two owners" reports $node two-owners 0
done

must cut "$(cut_between a b)"
within 20 "cut: both own" owns b
CUT_MS=$(lab_now_ms)
must lab_wait 20 cut_for_long
holds "cut: both own still" owns a
must uncut
MET_MS=$(lab_now_ms)
within 20 "they meet: one gives way" owns_not b
has_reported() {
	local node=$1

	within 10 "$node: it is an event" reports "$node" two-owners 1
	within 10 "$node: its end, too" reports "$node" one-owner 1
	number_is "$node: the seconds it says" "$(said "$node" one-owner)" -ge 3
	number_is "$node: they are not more than it was cut" "$(said "$node" one-owner)" -le \
		$(((MET_MS - CUT_MS) / 1000 + 10))
	holds "$node: the log says it" log_says "$node" \
		"peer $(peer_name "$node") reason=two-owners"
	holds "$node: status warns" grep -q \
		"this node and peer $(peer_name "$node") owned the VIP at once" \
		<<<"$(lab_ctl "$node" status)"
	within 20 "$node: it is notified" got "$node" two-owners
	within 20 "$node: its end, too" got "$node" one-owner
}
has_reported b
# Its loop had ten seconds and more, as b's end is notified.
if reports a two-owners 0; then
	holds "a: what it did not see has no end" reports a one-owner 0
else
	has_reported a
fi
holds "the other one stays" owns a
test_end
