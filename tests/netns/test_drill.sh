#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# `hokm-xdp test failover` on the owner moves the VIP to the peer and back, while the same command
# on the machine of the clients watches with players of its own: none breaks. The drill is refused
# on a backup, and a node is no player of its own. One by a timer moves nothing unless it is safe.
# The history has each drill; one that failed is an event and a finding of the doctor. A signal
# makes the VIP come back.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

export LAB_CONF_EXTRA="$PATIENT vrrp { preempt_delay = 1s }"
URL=ws://$LAB_VIP:$LAB_PORT/
# A node that gets no processor for a second or two is no fault of the drill.
LIMIT=10s

drill() { lab_run "$1" "$HOKM" test failover -c "$LAB_DIR/$1/hokm-xdp.conf" --json "${@:2}"; }
players() { lab_run "$1" "$HOKM" test failover --connect "$URL" --json "${@:2}"; }
# row NAME FIELD: of the last report.
row() { jq -r ".tests[] | select(.name == \"$1\").$2" <<<"$ANSWER"; }
unanswered() { drill a >/dev/null 2>&1 </dev/null; }
refused() { ! ANSWER=$("$@"); }
# By the same daemon, with a file that has keepalived as the peer.
drill_beside_keepalived() {
	local conf=$LAB_DIR/a/hokm-xdp.conf other=$LAB_DIR/a/keepalived-peer.conf
	sed "s/^\(node $(lab_name b) {\)/\1 peer = vrrp/" "$conf" >"$other" && chmod 600 "$other" &&
		! cmp -s "$conf" "$other" &&
		ANSWER=$(lab_run a "$HOKM" test failover -c "$other" --json --yes)
}
# As the timer does it. The lab's pair is owner for some seconds only.
scheduled() { drill a --scheduled --settled 1ms --within "$LIMIT" "$@"; }
drill_without_conf() {
	lab_run a "$HOKM" test failover --scheduled -c /nowhere -s "$LAB_DIR/a/hokm.sock" --json
}
drill_b_scheduled() { ANSWER=$(drill b --scheduled); }
seen_scheduled() {
	[[ "$(row "scheduled drill" result) $(row "scheduled drill" seen)" == "SKIP $1"* ]]
}
history_is() { [ "$(jq -r .result "$LAB_DIR/$1/drills.jsonl" | tr '\n' ' ')" = "$2" ]; }
history_shows() {
	lab_run "$1" "$HOKM" test --history -c "$LAB_DIR/$1/hokm-xdp.conf" | grep -q " hand .*$2"
}
doctor_names() {
	lab_run "$1" "$HOKM" doctor -c "$LAB_DIR/$1/hokm-xdp.conf" --json |
		jq -e --arg id "$2" 'any(.findings[]; .id == $id)' >/dev/null
}
peer_down() { status_is a .successor null; }
peer_up() { status_is a .successor "$(lab_name b)" && hokm_ready a && hokm_ready b; }

test_nodes a b
must lab_wait 20 owns a

holds "on a backup: refused" refused drill b --yes
holds "on a backup: the owner is named" test "$(row failover seen)" = \
	"this node is not the owner: run it on node $(lab_name a)"
holds "without an answer: the drill fails nothing" unanswered
holds "without an answer: the VIP stays" owns a
holds "keepalived as the peer: nothing is drilled" drill_beside_keepalived
holds "keepalived as the peer: the cause is named" test "$(row failover seen)" = \
	"no peer sends pulses: that it owns cannot be seen from here"
holds "keepalived as the peer: the VIP stays" owns a
holds "a node is no player of its own" refused players a --watch 1s
holds "a node is no player of its own: the cause is named" grep -q "an address of this machine" \
	<<<"$ANSWER"

players client --watch 6s --within "$LIMIT" >"$LAB_DIR/players.json" &
watcher=$!
ANSWER=$(drill a --yes --within "$LIMIT") || not_ok "the drill failed: $ANSWER"
holds "drill: the peer owned" test "$(row failover result)" = PASS
holds "drill: the node owns again" test "$(row failback result)" = PASS
holds "drill: the VIP is back" owns a
holds "drill: the standby is over" test "$(status a '.orders | keys | length')" = 0
wait "$watcher" || not_ok "a player noticed: $(cat "$LAB_DIR/players.json")"
ANSWER=$(cat "$LAB_DIR/players.json")
holds "players: none broke" test "$(row players seen)" = "0 of 20 broken"
holds "players: new connections were made" test "$(row "new connections" result)" = PASS
holds "the history has each drill" history_is a "passed "
holds "drill: the daemon reports it" event a drill "the peer owned after"

holds "scheduled, on a backup: no failure" drill_b_scheduled
holds "scheduled, on a backup: why" seen_scheduled "this node is not the owner"
holds "scheduled, on a backup: it is not noted" test ! -e "$LAB_DIR/b/drills.jsonl"
holds "scheduled, without its configuration: it fails" refused drill_without_conf
holds "scheduled, without its configuration: why" grep -q "cannot be read: " \
	<<<"$(row "scheduled drill" seen)"
ANSWER=$(scheduled --settled 60m) || not_ok "a short owner fails"
holds "scheduled: a node that has just become owner does not drill" \
	seen_scheduled "this node has been the owner for"
ANSWER=$(scheduled) || not_ok "a second drill fails"
holds "scheduled: a drill was made just now" seen_scheduled "the last drill was 0.0 h ago"
ANSWER=$(scheduled --rest 0s) || not_ok "the scheduled drill failed: $ANSWER"
holds "scheduled: the peer owned" test "$(row failover result)" = PASS
holds "scheduled: the node owns again" test "$(row failback result)" = PASS
holds "scheduled: it is noted" history_is a "passed passed "
must mv "$LAB_DIR/a/drills.jsonl" "$LAB_DIR/a/kept.jsonl"
must mkdir "$LAB_DIR/a/drills.jsonl"
holds "scheduled, without its history: it fails" refused scheduled
holds "scheduled, without its history: nothing moves" seen_scheduled "when the last drill was"
holds "scheduled, without its history: it is not noted" test "$(row history result)" = FAIL
must rmdir "$LAB_DIR/a/drills.jsonl"
must mv "$LAB_DIR/a/kept.jsonl" "$LAB_DIR/a/drills.jsonl"
must ctl_ok b maint
must lab_wait 20 peer_down
ANSWER=$(scheduled --rest 0s) || not_ok "a pair that is not well fails"
holds "scheduled, no healthy peer: nothing moves" seen_scheduled "no peer is healthy enough"
holds "scheduled, no healthy peer: that is noted" history_is a "passed passed skipped "
must ctl_ok b ready
must lab_wait 20 peer_up

holds "a drill that takes too long fails" refused drill a --yes --within 1ns
holds "failed: the VIP is back all the same" owns a
holds "failed: it is noted" history_is a "passed passed skipped failed "
holds "failed: it is an event" event a drill "failover: node $(lab_name b) owned after"
holds "failed: the doctor tells of it" doctor_names a drill-failed
holds "failed: the history shows it" history_shows a failed

LAB_STDOUT=$LAB_DIR/ended.json must lab_spawn a drill "$HOKM" test failover \
	-c "$LAB_DIR/a/hokm-xdp.conf" --json --yes --within "$LIMIT"
within 20 "a signal: it comes when the VIP has moved" owns_not a
must lab_kill a drill TERM
within 20 "a signal: the program ends" lab_gone a drill
ANSWER=$(cat "$LAB_DIR/ended.json")
holds "a signal: the row names it" grep -q "a signal ended the drill" <<<"$ANSWER"
holds "a signal: the standby is over" test "$(status a '.orders | keys | length')" = 0
within 20 "a signal: the VIP comes back" owns a

# The answers to the order and to its end are lost; the daemon carries both out.
unknown() {
	local other=$LAB_DIR/a/relay.conf
	sed 's/hokm\.sock/relay.sock/' "$LAB_DIR/a/hokm-xdp.conf" >"$other" && chmod 600 "$other" &&
		refused lab_run a "$HOKM" test failover -c "$other" --json --yes || return 1
	[[ $(row failover seen) == "the daemon did not answer the order ("* ]]
}
must lab_wait 20 owns a
must lab_wait 20 peer_up
lab_spawn a relay "$TESTS_DIR/ctl_relay.py" "$LAB_DIR/a/relay.sock" "$LAB_DIR/a/hokm.sock" \
	failover ready ready
must lab_wait 20 test -S "$LAB_DIR/a/relay.sock"
holds "no answer to the order: the drill fails, and says what is not known" unknown
holds "no answer to the order: \`ready\` is ordered until it is answered" \
	test "$(row failback result)" = PASS
within 20 "no answer to the order: this node owns" owns a
holds "no answer to the order: no standby is left" test "$(status a '.orders | length')" = 0

# A daemon that is stopped finds the order of a client that gave up.
must lab_kill a daemon STOP
gives_up_waiting() {
	timeout 1 "$HOKM" ctl -s "$LAB_DIR/a/hokm.sock" failover >/dev/null 2>&1
	[ $? = 124 ]
}
holds "a daemon that is stopped answers no order" gives_up_waiting
must lab_kill a daemon CONT
within 20 "later it tells that it does not carry it out" log_says a \
	"the order failover is not carried out: its client gave up"
within 30 "it owns again" owns a
holds "and is in no standby" test "$(status a '.orders | length')" = 0
test_end
