#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 20 s
#
# Honest slowness is no illness: a server whose logins take 700 ms from the first one on, at both
# profiles. The service is never suspect, everybody is served, and status shows the limit beside the
# median. When the server stops answering, that is seen all the same.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
LAB_CONF_EXTRA= # the checks are those of the profile

AUTH_MS=700
STUB=$TESTS_DIR/../stub

service() { status a ".services[0].$1"; }
mode() { echo "$1" >"$LAB_DIR/a/mode.new" && mv "$LAB_DIR/a/mode.new" "$LAB_DIR/a/mode"; }
crowd() {
	LAB_STDOUT=$LAB_DIR/$1 lab_spawn client "$1" "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" \
		--rate 20 --count "$2" --stay 0.2
}
served() { jq -r .end "$LAB_DIR/$1" | grep -cx ok; }
tripped() { [ "$(service trips)" -ge 1 ]; }
median_known() { status_is a '.services[0].upgrade_median_us != null' true; }

slow() {
	local node
	must lab_up a b
	must lab_conf a b
	for node in a b; do
		echo "auth-$AUTH_MS" >"$LAB_DIR/$node/mode"
		must lab_spawn "$node" game "$STUB/bad_server.py" "$(lab_name "$node")" \
			"$LAB_PORT" "$LAB_DIR/$node/mode"
		must lab_daemon "$node"
	done
	for node in a b; do within 30 "$1: $node is up" service_is "$node" up; done
	within 20 "$1: owner" owns a
	must crowd players 60
	within 30 "$1: the players have been there" lab_gone client players
	number_is "$1: served" "$(served players)" -eq 60
	number_is "$1: trips" "$(service trips)" -eq 0
	within 10 "$1: status shows the median" median_known
	number_is "$1: median, us" "$(service upgrade_median_us)" -ge 500000
	number_is "$1: limit, ms" "$(service upgrade_limit_ms)" -ge $((2 * AUTH_MS))
	must mode silent
	must crowd unserved 60
	within 10 "$1: silence is seen" tripped
	holds "$1: the service stays up" service_is a up
}

export LAB_PROFILE=fast
slow fast
must lab_down
export LAB_PROFILE=standard
slow standard
test_end
