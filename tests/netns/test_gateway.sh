#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 35 s
#
# Two nodes with the gateway as arbiter; the client's machine is the gateway. The gateway dead alone
# moves nothing. A backup that is cut off from all does not become owner. An owner that is cut off
# from all ends, and the other one owns; with on_isolation = keep it stays. A gateway that is
# replaced by another machine is known before the peer of the owner fails.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"


phase_is() { status_is "$1" .arbiter.phase "$2"; }
mac_is() { status_is "$1" .arbiter.mac "$2"; }
known() { status_is "$1" '.arbiter.mac != null' true; }
# Longer than the 10 s between two questions of a node that hears a peer: one had no answer.
unanswered() { status_is "$1" '.arbiter.answered_ms > 11000' true; }
times_owner() {
	lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"
}
# sent MARK REASON: node b has sent such a message. It goes to b's own machine, which is cut off.
sent() {
	[ -e "$GOT" ] && jq -e -n "any(inputs | .events[]; .mark == \"$1\" and .reason == \"$2\" and
		.kind == \"peer\" and .severity == \"critical\" and
		(.advice != \"\") == (\"$1\" == \"news\"))" "$GOT" >/dev/null
}
one_owner() { { owns a && owns_not b; } || { owns b && owns_not a; }; }
both_hear() { hokm_ready a && hokm_ready b; }

gateway_dead() {
	local before
	before=$(times_owner a)
	must cut "$(cut_all client)"
	within 40 "gateway dead: its silence is seen" unanswered b
	holds "gateway dead: the owner stays" owns a
	holds "gateway dead: the backup stays" state_is b backup
	must uncut
	number_is "gateway dead: times that it became owner" "$(times_owner a)" -eq "$before"
}

backup_cut() {
	local before
	before=$(times_owner b)
	must cut "$(cut_all b)"
	within 20 "backup cut off: the reason is an event" event b state gateway-silent
	within 20 "backup cut off: it is notified" sent news gateway-silent
	within 20 "backup cut off: it is in FAULT" state_is b fault
	within 20 "backup cut off: the owner goes by the gateway" phase_is a answers
	holds "backup cut off: the owner stays" owns a
	number_is "backup cut off: times that it became owner" "$(times_owner b)" -eq "$before"
	must uncut
	within 20 "backup back: it is backup" state_is b backup
	within 20 "backup back: its end is an event" event b state gateway-answers
	within 20 "backup back: its end is notified" sent over gateway-answers
	within 20 "backup back: both hear each other" both_hear
}

owner_cut() {
	must cut "$(cut_all a)"
	within 20 "owner cut off: the other one owns" owns b
	within 20 "owner cut off: it ends" owns_not a
	within 20 "owner cut off: it says why" event a state gateway-silent
	must uncut
	within 30 "owner back: one owns" one_owner
	within 30 "owner back: it owns again" owns a
	within 20 "owner back: both hear each other" both_hear
}

keep() {
	local node
	for node in a b; do
		sed -i '$a on_isolation = keep' "$LAB_DIR/$node/hokm-xdp.conf"
		must ctl_ok "$node" reload
		within 20 "keep: $node has read it" status_is "$node" .arbiter.keeps true
	done
	must cut "$(cut_all a)"
	within 20 "keep: the owner hears nobody" phase_is a silent
	within 20 "keep: the other one owns too" owns b
	holds "keep: the owner stays" owns a
	must uncut
	within 30 "keep, back: one owns" one_owner
}

replaced() {
	local mac=02:00:c0:a8:01:aa before
	before=$(times_owner a)
	must ip -n "$(lab_ns client)" link set eth0 address $mac
	within 18 "gateway replaced: the owner knows the new one" mac_is a $mac
	must cut "$(cut_all b)"
	within 20 "gateway replaced: the owner goes by the new one" phase_is a answers
	holds "gateway replaced: the owner stays" owns a
	number_is "gateway replaced: times that it became owner" "$(times_owner a)" -eq "$before"
	must uncut
}

# An owner that gets no processor for an interval of the adverts would take the gateway for silent.
LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		vrrp { advert = "300ms" }
		arbiter = gateway
		$(hook_conf 127.0.0.1)
	END
)
export LAB_CONF_EXTRA
must lab_up a b
must receiver_start b
must lab_conf a b
for node in a b; do
	must ip -n "$(lab_ns "$node")" route add default via "$(lab_addr client)"
	must lab_game "$node"
	must lab_daemon "$node"
done
within 30 "start: the primary owns" owns a
within 20 "start: both hear each other" both_hear
for node in a b; do
	within 20 "start: $node knows the gateway" known "$node"
	within 20 "start: $node need not ask it" phase_is "$node" not-needed
done
backup_cut
replaced
within 30 "gateway replaced, back: both hear each other" both_hear
owner_cut
keep
gateway_dead
test_end
