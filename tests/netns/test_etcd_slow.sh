#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 60 s
#
# Two nodes with a real etcd as arbiter, whose answers take two seconds: longer than a node waits
# for one. What a node asks arrives and is done all the same.
#
#   together  the nodes hear each other: nothing moves, status and log say that etcd does not
#             answer, and a planned failover and the way back work as ever
#   cut       the nodes are cut from each other: no node has a word of the record, though it may be
#             the holder. Nobody owns when the last leases have ended, and never two
#   soon      the answers come in time again, still cut: one of them owns
#   healed    the nodes hear each other again: one owner

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

SLOW_MS=2100 # just more than the two seconds of a node that hears its peer
URL=http://$(lab_addr w):2479
LATER=$LAB_DIR/later_ms

later() { echo "$1" >"$LATER"; }
serves() {
	lab_run w curl -sf -m 2 -X POST -d '{}' "$URL/v3/maintenance/status" |
		grep -q '"leader":"[1-9]'
}
carries() { grep -q carrying "$LAB_DIR/log/w.slow"; }
phase_is() { status_is "$1" .arbiter.phase "$2"; }
answered() { status_is "$1" '.arbiter.problem == null and .arbiter.answered_ms != null' true; }
# It has asked more than once since the answers are late, and has none.
unanswered() { status_is "$1" '.arbiter.problem != null and .arbiter.answered_ms > 6000' true; }
both_hear() { hokm_ready a && hokm_ready b; }
faults() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> fault"; }
revision() { jq -r .header.revision < <(lab_run w curl -sf -m 5 -X POST \
	-d '{"key":"AA==","range_end":"AA=="}' http://127.0.0.1:2379/v3/kv/range); }
moved_on() { [ "$(revision)" -gt "$1" ]; }

together() {
	local before
	before="$(faults a) $(faults b)"
	later $SLOW_MS
	observe_mark together
	window together
	for node in a b; do
		within 30 "together: etcd does not answer $node in time" unanswered $node
		holds "together: $node does not need it" phase_is $node not-needed
		holds "together: the log of $node says that nothing moves" \
			log_says $node "nothing moves while the peer is heard"
	done
	holds "together: the owner stays" only_owner a
	observe_mark moved
	window moved
	unbroken "together"
	number_is "together: changes of the owner, by the kernels" \
		"$(field "$REPLY_OWNERS" changes)" -eq 0
	planned a b
	planned b a
	holds "together: nobody was in FAULT" test "$(faults a) $(faults b)" = "$before"
}

apart() {
	local before
	before=$(revision)
	must cut "$(cut_between a b)"
	within 20 "cut: nobody owns" nobody_owns
	# Its claim is done, and its sender does not know.
	within 20 "cut: the record changes" moved_on "$before"
	holds "cut: still nobody owns" nobody_owns
	for node in a b; do
		within 20 "cut: $node is in FAULT" state_is $node fault
		holds "cut: it says why" event $node state etcd-silent
	done
	window cut
	later 0
	within 40 "soon: one of them owns" one_owner
	within 20 "soon: by the record" owner_holds
	window soon
}
owner_holds() { ask_kernels && [ -n "$OWNER" ] && phase_is "$OWNER" holds; }

healed() {
	must uncut
	within 30 "healed: both hear each other" both_hear
	within 30 "healed: the preferred node owns" only_owner a
	for node in a b; do
		within 20 "healed: $node does not need etcd" phase_is $node not-needed
	done
	window healed
}

export LAB_CONF_EXTRA="$PATIENT
arbiter = etcd
etcd { endpoints = \"$URL\" timeout = \"100ms\" }"
must lab_up a b w
later 0
must lab_spawn w etcd etcd --name m --data-dir "$LAB_DIR/etcd" \
	--listen-client-urls http://127.0.0.1:2379 --advertise-client-urls "$URL" \
	--logger zap --log-level warn
must lab_spawn w slow "$TESTS_DIR/slow_answers.py" 2479 2379 "$LATER"
must lab_wait 10 carries
within 20 "start: etcd serves" serves
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
within 30 "start: the primary owns" owns a
within 20 "start: both hear each other" both_hear
for node in a b; do
	within 20 "start: $node has read the record" answered $node
	within 20 "start: $node does not need it" phase_is $node not-needed
done
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a
together
apart
healed
never_two
test_end
