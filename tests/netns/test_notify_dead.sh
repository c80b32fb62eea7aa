#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A node dies with a message that it has not sent: its game has ended, and the message waits for its
# group. Nobody ever gets it. The peer's message about the death has the fact all the same: which
# service was down there.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		$(hook_conf "$(lab_addr client)")
	END
)
export LAB_CONF_EXTRA

waits() {
	lab_run a "$HOKM" notify status --json -c "$LAB_DIR/a/hokm-xdp.conf" |
		jq -e '.channels[0] | .waiting >= 1 and .open_problems >= 1' >/dev/null
}
DOWN='.kind == "service" and .to == "down"'

must lab_up a b
must receiver_start client
must lab_conf a b
must sed -i 's/group = 0s/group = 10m/' "$LAB_DIR/a/hokm-xdp.conf"
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a

must lab_kill a game KILL
within 10 "the service of a is down: b owns" owns b
within 10 "a has a message that waits" waits
must lab_node_dead a
within 20 "b reports the death, and what was down on a" hook_got b \
	'.reason == "peer-silent" and (.text | contains("0 of 1 services up (game down)"))'
holds "a has sent nothing" eval '! hook_got a true'
holds "b had no such fault itself" eval "! hook_got b '$DOWN'"
test_end
