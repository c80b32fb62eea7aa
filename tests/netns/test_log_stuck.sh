#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Nobody reads the log of the backup: its stderr is a pipe that is full. It starts, and when the
# owner's node dies it takes over as fast as ever. When a reader comes, no line is missing.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

LATE_MS=500 # a machine that runs other tests too
PIPE_BYTES=65536
READ=$LAB_DIR/log/b.read

log_says_read() { grep -qF -- "$1" "$READ"; }

must lab_up a b
must lab_conf a b
mkfifo "$LAB_DIR/log/b.daemon"
exec {stuck}<>"$LAB_DIR/log/b.daemon"
head -c $PIPE_BYTES /dev/zero | tr '\0' '\n' >&$stuck
for node in a b; do
	must lab_game "$node"
	must lab_daemon "$node"
done
for node in a b; do within 20 "$node is ready" hokm_ready "$node"; done
must lab_wait 20 owns a

must ctl_ok b log-level debug
must lab_link a down
cut_ms=$(lab_now_ms)
must lab_node_dead a
within 10 "the backup owns" owns b
# By the daemon's own clock: what this script has done meanwhile takes its time on a busy machine.
number_is "ms until the backup owns" $(($(event_ms b state "-> master") - cut_ms)) \
	-le $(($(master_down_ms) + 50 + LATE_MS))
within 10 "the VIP is its address" has_vip b

LAB_STDOUT=$READ lab_spawn sw read cat "$LAB_DIR/log/b.daemon"
within 10 "the log tells of its start" log_says_read "started on eth0"
within 10 "the log tells of the takeover" log_says_read "-> master"
holds "no line is missing" test "$(status b .log_lost)" = 0
exec {stuck}>&-
test_end
