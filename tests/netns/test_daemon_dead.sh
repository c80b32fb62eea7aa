#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# The owner's daemon is killed (-9) or stopped (SIGSTOP) under fifty players. Its lease ends by
# itself, the peer takes over, and at no moment do two nodes answer for the VIP. No player
# notices, and no new connection fails: the node without a daemon steers them to the peer. Then
# the daemon comes back: it owns only what it may own and moves the VIP only by the election. At
# last it is stopped and then killed, and one `hokm-xdp top` follows it through both.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

one_owner() {
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$1: rounds asked" "$(field "$REPLY_ARP" rounds)" -ge 20
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: wrong move counters" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
}

# No second owner may show for a while, although the address of the dead daemon is still
# configured.
watch_rounds() {
	ask_arp status
	[ "$(field "$REPLY_ARP" rounds)" -ge "$1" ]
}

# Nothing but the pinned maps can tell now who is owner.
status_of_dead() {
	lab_run a "$HOKM" ctl -c "$LAB_DIR/a/hokm-xdp.conf" status "$@" 2>/dev/null
}

lease_is_shown() {
	local facts='[.daemon, .why, .owner, .ingress, .egress, .lease_ended_ms > 0]' code=0
	holds "killed: status --json shows that the lease ended" \
		test "$(status_of_dead --json | jq -c "$facts")" = \
		'["gone","refused",false,true,true,true]'
	status_of_dead --owner >/dev/null || code=$?
	number_is "killed: exit code of status --owner" $code -eq 4
}

# The screen, too, within seconds. It has no daemon to ask, and its terminal is a file.
top_shows() {
	lab_run a env TERM=vt100 timeout 5 script -qec \
		"$HOKM top -c $LAB_DIR/a/hokm-xdp.conf" /dev/null </dev/null |
		grep -aF "$1" >/dev/null
}

# One top that stays, with a terminal that takes keys.
CLEAR=$'\e[H\e[2J'
top_begins() {
	: >"$LAB_DIR/top.screen"
	mkfifo "$LAB_DIR/top.keys" && exec {KEYS}<>"$LAB_DIR/top.keys" || return 1
	lab_run a env TERM=xterm timeout 60 script -qfec \
		"$HOKM top -c $LAB_DIR/a/hokm-xdp.conf" /dev/null \
		<"$LAB_DIR/top.keys" >"$LAB_DIR/top.screen" &
	TOP=$!
}
# screen_has TEXT...: ^L makes it draw all of the screen. ncurses sends only what changed, else.
screen_has() {
	local screen text
	printf '\f' >&"$KEYS"
	screen=$(<"$LAB_DIR/top.screen")
	screen=${screen##*"$CLEAR"}
	for text in "$@"; do [[ $screen == *"$text"* ]] || return 1; done
}
# A question waits in the queue of the daemon's socket.
question_waits() {
	[ "$(lab_run a ss -xlHn src "$LAB_DIR/a/hokm.sock" | awk '{ print $3 }')" -ge 1 ]
}

# The connection of the question that waits is closed, and only the next question is refused.
stopped_then_killed() {
	must top_begins
	within 10 "stopped, then killed: top shows the owner" screen_has "is OWNER of $LAB_VIP"
	must lab_kill a daemon STOP
	must lab_wait 10 question_waits
	must lab_kill a daemon KILL
	within 10 "stopped, then killed: the same top shows what the kernel says" screen_has \
		"nobody listens on its socket" "is not owner of $LAB_VIP"
	printf q >&"$KEYS"
	holds "stopped, then killed: top ends by its key" wait "$TOP"
	exec {KEYS}>&-
}

test_pair
for death in KILL STOP; do
	was=killed
	[ $death = KILL ] || was=stopped
	observe_mark "$was"
	must lab_kill a daemon $death
	within 10 "daemon $was: the backup owns" owns b
	within 10 "daemon $was: ARP shows the backup" owner_is b
	within 20 "daemon $was: the players are well" calm
	within 10 "daemon $was: watched for 400 rounds" watch_rounds 400
	holds "daemon $was: its address is still there" \
		grep -q "$LAB_VIP" <(lab_run a ip -o addr show dev eth0)
	[ $death = STOP ] || lease_is_shown
	holds "daemon $was: top shows that it does not answer" top_shows "NO ANSWER OF THE DAEMON"
	holds "daemon $was: top shows what the kernel says" top_shows "is not owner of $LAB_VIP"
	observe_mark "$was-back"
	one_owner "daemon $was"
	number_is "daemon $was: attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 10
	number_is "daemon $was: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	if [ $death = KILL ]; then
		must lab_daemon a
	else
		must lab_kill a daemon CONT
	fi
	within 20 "daemon $was, then back: the primary owns by election" owns a
	within 20 "daemon $was, then back: ARP shows the primary" owner_is a
	within 20 "daemon $was, then back: the players are well" calm
	observe_mark next
	one_owner "daemon $was, then back"
	number_is "daemon $was, then back: attempts failed" \
		"$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
done
stopped_then_killed
test_end
