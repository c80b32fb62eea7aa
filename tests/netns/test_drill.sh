#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# `hokm-xdp test failover` on the owner moves the VIP to the peer and back, while the same command
# on the machine of the clients watches with players of its own: none breaks. The drill is refused
# on a backup, and a node is no player of its own.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

export LAB_CONF_EXTRA="$PATIENT vrrp { preempt_delay = 500ms }"
URL=ws://$LAB_VIP:$LAB_PORT/
# A node that gets no processor for a second or two is no fault of the drill.
LIMIT=10s

drill() { lab_run "$1" "$HOKM" test failover -c "$LAB_DIR/$1/hokm-xdp.conf" --json "${@:2}"; }
players() { lab_run "$1" "$HOKM" test failover --connect "$URL" --json "${@:2}"; }
# row NAME FIELD: of the last report.
row() { jq -r ".tests[] | select(.name == \"$1\").$2" <<<"$ANSWER"; }
unanswered() { drill a >/dev/null 2>&1 </dev/null; }
refused() { ! ANSWER=$("$@"); }

test_nodes a b
must lab_wait 20 owns a

holds "on a backup: refused" refused drill b --yes
holds "on a backup: the owner is named" test "$(row failover seen)" = \
	"this node is not the owner: run it on node $(lab_name a)"
holds "without an answer: the drill fails nothing" unanswered
holds "without an answer: the VIP stays" owns a
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
holds "the history has each drill" test \
	"$(jq -r '.rows[0].result' "$LAB_DIR/a/drills.jsonl" | tr '\n' ' ')" = "PASS "
test_end
