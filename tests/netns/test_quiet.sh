#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# A tick of the pulse without news settles nothing: most ticks of two healthy nodes are quiet. While
# a service is down, or a peer is silent, no tick is quiet, so that nothing that follows from it
# waits for the slower clock. A quiet tick waits and sends, and makes no other system call. Profile
# fast has most that could disturb: an advert each 100 ms, and a sample of the passive checks each
# 20 ms, which quiet ticks take.

PROFILE=fast
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

TICK_US=10000 # pulse.interval of profile fast

# A question to the daemon is no tick: the frames that left tell without one how many passed.
frames() { lab_run "$1" awk '$1 == "eth0:" { print $11 }' /proc/net/dev; }
sent() { [ $(($(frames "$1") - FRAMES)) -ge "$2" ]; }

# The system calls of a node's loop that read, so far.
reads() {
	local pid
	pid=$(lab_pid "$1" daemon) && awk '$1 == "syscr:" { print $2 }' "/proc/$pid/task/$pid/io"
}

# ticks NODE FRAMES: TICKS while so many frames left, how many of them were QUIET, how many there
# were of each 100 that a machine which is never late has (TIMELY), and the READS meanwhile.
ticks() {
	local before after began_us=${EPOCHREALTIME/./} reads
	reads=$(reads "$1") || return 1
	before=$(status "$1" '"\(.turns.pulse) \(.quiet_ticks)"') || return 1
	FRAMES=$(frames "$1")
	lab_wait 30 sent "$1" "$2" || return 1
	after=$(status "$1" '"\(.turns.pulse) \(.quiet_ticks)"') || return 1
	TICKS=$((${after% *} - ${before% *})) QUIET=$((${after#* } - ${before#* }))
	TIMELY=$((TICKS * 100 * TICK_US / (${EPOCHREALTIME/./} - began_us)))
	READS=$(($(reads "$1") - reads))
}
# A busy machine makes ticks late and few, and one settles all every 250 ms, so that fewer of
# them are quiet. What is judged is a window in which most came.
mostly_quiet() { # NODE WORDS
	local window
	for window in {1..10}; do
		must ticks "$1" 300
		echo "# $2: $1: window $window: $TICKS ticks, $QUIET quiet, $TIMELY of 100 came"
		[ "$TIMELY" -lt 70 ] || break
	done
	number_is "$2: ticks of 100 that came at $1" "$TIMELY" -ge 70
	number_is "$2: quiet ticks of 100 at $1" $((QUIET * 100 / TICKS)) -ge 60
	number_is "$2: system calls that read in 100 ticks of $1" $((READS * 100 / TICKS)) -lt 50
}
never_quiet() { # NODE WORDS
	must ticks "$1" 100
	number_is "$2: quiet ticks at $1" "$QUIET" -eq 0
}

test_nodes a b
within 20 "the primary owns" owns a
for node in a b; do mostly_quiet $node "two healthy nodes"; done

must lab_kill b game KILL
within 60 "a game that is down: b reports it" service_is b down
never_quiet b "a game that is down"
must lab_game b
within 30 "the game is back" service_is b up
mostly_quiet b "the game is back"

# An owner in a panic hold is in no state but that of an owner: only its service tells.
must lab_kill b game KILL
within 60 "no game is left at b" service_is b down
must lab_kill a game KILL
within 60 "no game is left: the owner reports it" service_is a down
within 20 "no game is left: it keeps the VIP" owns a
never_quiet a "no game is left"
for node in a b; do must lab_game $node; done
for node in a b; do within 30 "the games are back: $node" service_is $node up; done

b_is_silent() { status_is a '.peers[0].pulsing' false; }
must ip -n "$(lab_ns sw)" link set p-b down
within 10 "a silent peer: a hears no pulse" b_is_silent
never_quiet a "a silent peer"
test_end
