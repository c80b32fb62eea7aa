#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Connections on which other requests came before the upgrade: GET, 401, POST with a body, requests
# sent at once, 100-continue, headers of the PROXY protocol. Each is followed as a WebSocket, no
# request is left "asked", and none of them makes the service suspect.
#
# The checks go to 127.0.0.1 and send a header of the PROXY protocol.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

TIMES=4
STORIES=12
ALL=$((TIMES * STORIES))

export LAB_CONF_EXTRA='service game {
	check websocket {
		address = "127.0.0.1" proxy = "v2" origin = "https://h" header = "X-A: b"
		timeout = "5s"
	}
	check tcp { address = "127.0.0.1" timeout = "5s" }
}'

conns() { lab_ctl a conns --json --limit 1000 | jq -r ".conns | $1"; }
all_there() { grep -qx "ready $ALL" "$LAB_DIR/players"; }
phases() { conns '[.[] | .ws] | group_by(.) | map("\(.[0])=\(length)") | join(" ")'; }
all_open() { [ "$(phases)" = "open=$ALL" ]; }

must lab_up a b
must lab_conf a b
for node in a b; do
	must lab_spawn "$node" game "$TESTS_DIR/../stub/reuse.py" serve "$LAB_PORT"
	must lab_daemon "$node"
done
within 30 "owner" owns a
within 30 "the checks pass" service_is a up
LAB_STDOUT=$LAB_DIR/players must lab_spawn client players "$TESTS_DIR/../stub/reuse.py" play \
	"$LAB_VIP" "$LAB_PORT" $TIMES
within 20 "all are there" all_there
holds "all are open ($(phases))" all_open
number_is "connections whose request waits" \
	"$(conns '[.[] | select(.upgrade_wait_ms > 0)] | length')" -eq 0
number_is "upgrades" "$(counter a upgrade)" -ge $ALL
number_is "trips" "$(status a '.services[0].trips')" -eq 0
holds "the service stays up" service_is a up
test_end
