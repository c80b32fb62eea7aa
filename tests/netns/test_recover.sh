#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The game of the owner is killed: the VIP goes to the peer, the command of section recover starts
# the game again, and the node takes the VIP back. While the operator has a node in maintenance
# its game is not started.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

WORK=$LAB_DIR/recover
export LAB_CONF_EXTRA="service game {
	check websocket { timeout = 5s }
	check http { timeout = 5s }
	recover { command = \"$WORK/start --port $LAB_PORT\" backoff = 60s }
}
passive { timeout = 5s }"

write_command() {
	mkdir "$WORK" && chmod 777 "$WORK" && cp "$LAB_BUILD/hokm-game" "$WORK/" &&
		cat >"$WORK/start" <<-END && chmod 755 "$WORK/start"
			#!/bin/sh
			cd "$WORK"
			echo "\$HOKM_NODE \$HOKM_SERVICE \$HOKM_ATTEMPT \$(id -un)" >>runs
			./hokm-game --node "\$HOKM_NODE" "\$@" >/dev/null 2>&1 &
		END
}
runs_are() { [ "$(cat "$WORK/runs" 2>/dev/null)" = "$1" ]; }
status_says() { lab_ctl "$1" status | grep -F -- "$2" >/dev/null; }
recover_is() { status_is "$1" '.services[0].recover.state' "$2"; }

must lab_up a b
must lab_conf a b
must write_command
for node in a b; do
	must lab_game "$node"
	must lab_daemon "$node"
done
for node in a b; do must lab_wait 20 hokm_ready "$node"; done
must lab_wait 20 owns a
holds "a service that is up has no attempt" recover_is a idle

must lab_kill a game KILL
within 20 "killed: the peer was owner meanwhile" event b state "backup -> master"
within 20 "killed: the service is up again" event a service "is up again after recover"
holds "killed: one attempt, as the user nobody" runs_are "$(lab_name a) game 1 nobody"
holds "killed: the attempt is an event" event a service "recovery attempt 1 of 3 begins"
within 20 "killed: the node takes the VIP back" owns a

must ctl_ok b maint
must lab_kill b game KILL
within 20 "maintenance: the attempt waits for the operator" recover_is b held
holds "maintenance: no command ran" runs_are "$(lab_name a) game 1 nobody"
must ctl_ok b ready
within 20 "ready: the service is up again" event b service "is up again after recover"
within 10 "ready: status tells the attempts of the hour" \
	status_says b "recover    game idle; attempts 0 of 3; in an hour 1 of 6"
test_end
