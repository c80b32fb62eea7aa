#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The program is removed from a node whose game server runs on, under players that only listen. The
# stop ends none of them. `cleanup --terminate`, as the package and setup --remove call it, does,
# and each of them is notified at once.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=300 # more than one batch
none_ended() { ! listeners_said 2; }
counted() { status_test a '.services[0].players' -ge "$COUNT"; }
cleans() { lab_run a "$HOKM" cleanup --terminate -c "$LAB_DIR/a/hokm-xdp.conf" >"$LAB_DIR/said"; }

test_nodes a b
must lab_wait 20 owns a
within 10 "the players are there" listeners_start client $COUNT 60
within 10 "they are counted" counted
must lab_stop a daemon
within 10 "stop: the peer owns" owns b
holds "stop: nobody is ended" none_ended
holds "cleanup --terminate: it is done" cleans
within 10 "cleanup --terminate: all are terminated" listeners_end 5
number_is "cleanup --terminate: notified" "$(listeners_told .ended)" -eq $COUNT
holds "cleanup --terminate: it says how many" \
	grep -q "terminated $COUNT connections" "$LAB_DIR/said"
holds "cleanup --terminate: nothing is left" test ! -e "$LAB_DIR/a/bpf/hokm-xdp"
test_end
