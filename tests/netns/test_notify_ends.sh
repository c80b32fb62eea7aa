#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# What was reported as broken, and is whole again when the daemon comes back from a stop, is
# reported to be over: the interface had no link, and no node had a game. What is still broken is
# not over.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

LAB_CONF_EXTRA=$(hook_conf "$(lab_addr client)" "group = 0s timeout = 2s")
export LAB_CONF_EXTRA

over() { hook_got a ".kind == \"$1\" and .mark == \"over\""; }
not_over() { ! over "$1"; }
opened() { hook_got a ".reason == \"$1\" and .mark == \"news\""; }

must lab_up a b
must lab_conf a b
must receiver_start client
must lab_game a
must lab_daemon a
must lab_wait 20 owns a
must lab_run a ip link set eth0 down
within 10 "the node has no link" state_is a fault
must lab_stop a daemon
must lab_kill a game KILL
must lab_run a ip link set eth0 up
must lab_daemon a
within 20 "the lost link is reported" opened link-down
within 20 "the link is back: it is over" over link
within 20 "no node has a game: reported" opened panic-hold
holds "that is not over" not_over panic

must lab_stop a daemon
must lab_game a
must lab_daemon a
within 20 "there is a game again: it is over" over panic
within 20 "and for the service" over service
# A message whose answer comes too late is sent again, with the same times.
LINK_OVER='.[].events[] | select(.kind == "link" and .mark == "over") | [.subject, .since, .at]'
number_is "the end of the link was reported once" \
	"$(jq -s "[$LINK_OVER] | unique | length" "$GOT")" -eq 1
test_end
