#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone
#
# A daemon that gets no CPU for longer than its peers may be silent, again and again, while
# clients of the peer come through its node. During the pause the daemon sends no probe, so the
# silence of the peer proves nothing and no connection may be terminated: not in the pause, and
# not at its end, when the daemon runs before the first answer of the peer can arrive.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

PAUSES=10
PAUSE_S=1 # a peer may be silent for 0.1 s; the lease of profile standard is longer than this
PROFILE=standard
export LAB_PROFILE=$PROFILE
PLAYERS=500

stops() { [ "$(ps -o state= -p "$(lab_pid "$1" daemon)")" = T ]; }
# It has received an answer of the peer again since.
asks() { owns b && status_is b '.peers[0].pulsing' true; }

pause() {
	must lab_kill b daemon STOP
	must lab_wait 20 stops b
	lab_wait "$PAUSE_S" false
	must lab_kill b daemon CONT
	must lab_wait 20 asks
}

test_pair
must ctl_ok a failover
within 10 "the backup owns" owns b
within 10 "ARP shows it" owner_is b
observe_mark paused
STEERED=$(counter b steered_conn)
for ((i = 0; i < PAUSES; i++)); do pause; done
observe_mark end
number_is "packets that went on to the primary's players" \
	$(($(counter b steered_conn) - STEERED)) -ge 10000
number_is "packets answered as if their holder were dead" "$(counter b answered_dead)" -eq 0
number_is "connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
within 10 "the log says that it was late" log_says b "got the CPU"
test_end
