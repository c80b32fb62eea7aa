#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# Replication over a second path of the pulses, a direct cable between two nodes. The segment is cut
# between them: replication goes over the cable, no list is sent again, and connections that come
# meanwhile are replicated. It comes back to the segment with it. The same where the segment brings
# pulses and no replication, as behind a packet filter, and for a cable that is lost. Replication
# messages on the cable from others than the peer change nothing.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$TESTS_DIR/bad_input.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"
# shellcheck source=tests/netns/replication.sh
. "$TESTS_DIR/replication.sh"

FILE=$LAB_DIR/replication.pcap
export LAB_CONF_EXTRA="$SERVICE"

goes_over() { status_is "$1" .peers[0].replica.path "$2"; }
# both_over WORDS PATH
both_over() {
	for node in a b; do within 20 "$1: $node sends over path $2" goes_over $node "$2"; done
}
stays_warm() {
	for node in a b; do holds "$1: the replica of $node is complete" warm $node; done
}
lists() { echo "$(repl a .resyncs) $(repl b .resyncs)"; }
pulses_over() { path_answers a "$1" "$2" && path_answers b "$1" "$2"; }

segment_cut() {
	local before
	before=$(lists)
	must cut "$(cut_between a b)"
	both_over "segment cut" 1
	must hold during 20
	knows_all "segment cut" 60 0
	stays_warm "segment cut"
	must uncut
	both_over "segment back" 0
	must hold after 20
	knows_all "segment back" 80 0
	stays_warm "segment back"
	holds "segment cut, and back: no list was sent again" test "$(lists)" = "$before"
}

# The pulses go on over the segment.
filtered() {
	must way hokm_lose_all
	both_over "filtered" 1
	both_warm "filtered"
	holds "filtered: the segment brings pulses" pulses_over 0 true
	must hold filtered 20
	knows_all "filtered" 100 0
	# What the segment brings again is not tried while the cable works.
	must way hokm_lab_pass
	must cable_is down
	both_over "filter gone, and cable lost" 0
	both_warm "cable lost"
	must cable_is up
	within 20 "cable back" pulses_over 1 true
	must hold last 20
	knows_all "cable back" 120 0
}

# on_cable WORDS CMD... -- ARG...: on the cable, to node b, from the peer's address if no other.
on_cable() {
	local words=$1 cmd=()
	shift
	while [ "$1" != -- ]; do
		cmd+=("$1")
		shift
	done
	shift
	counted "$words" "${cmd[@]}" -- a -i direct --smac "$(mac_on_cable a)" --dst 10.0.0.27 \
		--dmac "$(mac_on_cable b)" "$@"
}
fault() { repl "$1" ".faults.\"$2\""; }

strangers() {
	must cut "$(cut_between a b)"
	both_over "recorded" 1
	lab_spawn b capture tcpdump -i direct -w "$FILE" -U --immediate-mode udp port 8767
	must lab_wait 20 grep -q 'listening on' "$LAB_DIR/log/b.capture"
	must hold recorded 10
	knows_all "recorded" 130 0
	must lab_stop b capture
	on_cable "from no peer" counter b drop_repl_source -- --src 10.0.0.99 repl "$FILE" data same
	on_cable "from the peer's address on the segment" counter b drop_repl_source -- \
		--src "$(lab_addr a)" repl "$FILE" data same
	on_cable "through a router" counter b drop_repl_ttl -- --ttl 254 --src 10.0.0.26 \
		repl "$FILE" data same
	on_cable "forged" fault b tag -- --src 10.0.0.26 repl "$FILE" data tag
	on_cable "replayed" fault b replay -- --src 10.0.0.26 repl "$FILE" data same
	knows_all "strangers" 130 0
	stays_warm "strangers"
	must uncut
	both_over "strangers" 0
}

must lab_up a b
must cable_up
must lab_conf a b
must cable_conf a b
echo_pair
within 20 "start: both paths answer" pulses_over 1 true
both_over "start" 0
must hold begin 40
knows_all "start" 40 0
segment_cut
filtered
strangers
for name in begin during after filtered last recorded; do unbroken_hold "$name" "$name"; done
test_end
