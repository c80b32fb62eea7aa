#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Impossible Ethernet, IP and TCP headers, sent to the port of the VIP at the owner and at the
# backup (send.py lists them). Each is counted by its reason, both nodes survive, and no player is
# disturbed.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$(dirname "$0")/bad_input.sh"

absurd() {
	local node=$1 name counter
	while read -r name counter; do
		# shellcheck disable=SC2046 # words are wanted
		counted "$name" counter "$node" "$counter" -- \
			$(port "$node" client --dst "$LAB_VIP" --ttl 64 tcp "$name")
	done < <("$TESTS_DIR/send.py" list)
}

test_pair
for node in a b; do
	echo "# node $node"
	remember
	absurd $node
	unmoved "node $node"
done
for node in a b; do
	number_is "node $node: the agent was not restarted" "$(status $node .agent.restarts)" -eq 0
	holds "node $node: the daemon runs" lab_alive $node daemon
done
test_end
