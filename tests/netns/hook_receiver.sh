# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A receiver of notifications by webhook (tests/stub/notify_stub.py), for tests that source this
# file behind common.sh. What it got stands in $GOT, a JSON object a message.

HOOK_PORT=9080
GOT=$LAB_DIR/notified

# hook_conf ADDRESS [KEYS]: the section of a channel to the receiver there.
hook_conf() {
	echo "notify hook {"
	echo "	type = webhook endpoint = \"http://$1:$HOOK_PORT/hook\" ${2:-group = 0s}"
	echo "}"
}
receiver_listens() { [ -n "$(lab_run "$1" ss -Hltn "sport = :$HOOK_PORT")" ]; }
# receiver_start NODE: it can be stopped by `lab_stop NODE receiver`.
receiver_start() {
	lab_spawn "$1" receiver /usr/bin/python3 -I "$LAB_ROOT/tests/stub/notify_stub.py" \
		0.0.0.0 $HOOK_PORT "$GOT" && lab_wait 20 receiver_listens "$1"
}
# hook_got NODE FILTER: this node has sent an event for which the filter of jq is true.
hook_got() {
	[ -e "$GOT" ] && jq -e -n --arg node "$(lab_name "$1")" \
		"any(inputs; .node == \$node and any(.events[]; $2))" "$GOT" >/dev/null
}
