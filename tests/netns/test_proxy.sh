#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 20 s
#
# A proxy in front of the game on each node: nginx, HAProxy in mode http, and HAProxy in mode tcp,
# each in a lab of its own.
#
#   reload   the owner's proxy is reloaded under twenty players: nobody notices, and nothing is
#            suspect
#   banned   the proxy ends the connections of one client without an answer. Its checks pass, so
#            nothing else happens: who is banned cannot send others away
#   restart  the owner's proxy is stopped and started: its players come back at once, and nobody is
#            refused meanwhile
#   dead     nobody plays, and the game dies. The proxy accepts those who log in, and answers 5xx
#            or ends the connection. A check that this starts fails, and the next ones go to the
#            peer, long before the service is down

PLAYERS=20
PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"
# shellcheck source=tests/netns/proxy.sh
. "$TESTS_DIR/proxy.sh"

side_by_side nginx http tcp
PROXY=$PART
RELOADS=3
# Samples are rare: what happens to players brings the first one of a doubt.
PASSIVE="passive { sample = 1s window = 2s $PATIENT_SIGNALS }"
# Until the game dies the service stays UP, however long a proxy needs to start.
export LAB_CONF_EXTRA="service game { check websocket { fall = 20 } check http { fall = 20 } }
$PASSIVE"

# passive_events REASON: how many there are.
passive_events() { lab_ctl a events --recent 1000 --kind passive | grep -cF "$1"; }
more_events() { [ "$(passive_events "$1")" -gt "$2" ]; }
trips() { status a '.services[0].trips'; }
not_suspect() { status_is a '.services[0].suspect_ms' 0; }
nothing_is_suspect() {
	number_is "$PROXY: $1: trips" "$(trips)" -eq 0
	holds "$PROXY: $1: not suspect" not_suspect
	holds "$PROXY: $1: the service is up" service_is a up
	number_is "$PROXY: $1: SYNs that went to the peer" \
		$(($(counter a steered_syn) + $(counter a replayed))) -eq 0
}
reload() {
	local i
	must lab_wait 20 calm
	observe_mark reload
	for ((i = 0; i < RELOADS; i++)); do
		holds "$PROXY: reload: other processes listen" proxy_reload a
	done
	must lab_wait 20 calm
	holds "$PROXY: reload: the players are where they were" players_on a
	observe_mark end
	unbroken "$PROXY: reload"
	nothing_is_suspect reload
	mended "$PROXY: reload" a
}

banned() {
	must lab_run client ip address add "$BANNED/24" dev eth0
	must lab_wait 20 calm
	observe_mark banned
	holds "$PROXY: banned: all are turned away" proxy_turn_away
	number_is "$PROXY: banned: counted" "$(counter a unserved)" -ge 30
	must lab_wait 20 calm
	observe_mark end
	unbroken "$PROXY: banned"
	nothing_is_suspect banned
}

restart() {
	must lab_wait 20 calm
	observe_mark restart
	must lab_stop a proxy
	within 10 "$PROXY: restart: those who come meanwhile go to the peer" \
		counter_test a replayed -gt 0
	within 10 "$PROXY: restart: the players are well" calm
	must proxy_start a
	within 10 "$PROXY: restart: it listens again" proxy_up a
	within 20 "$PROXY: restart: no more suspect" not_suspect
	within 20 "$PROXY: restart: the players are well again" calm
	holds "$PROXY: restart: the service is up" service_is a up
	holds "$PROXY: restart: a owns" owns a
	observe_mark end
	number_is "$PROXY: restart: attempts refused or timed out" \
		"$(refused "$REPLY_PLAYERS")" -eq 0
	number_is "$PROXY: restart: connections broken" \
		"$(field "$REPLY_PLAYERS" broken)" -eq $PLAYERS
	echo "# $PROXY: $REPLY_PLAYERS"
}

dead() {
	local reason=passive-status events steered
	[ "$PROXY" != tcp ] || reason=passive-unserved
	must observe_stop
	PLAYERS=0
	LAB_CONF_EXTRA=$PASSIVE
	must lab_conf a b
	must ctl_ok a reload
	must ctl_ok b reload
	must observe_start
	must lab_wait 20 calm
	must lab_wait 20 not_suspect
	# The restart of the proxy steered, and tripped, too.
	steered=$(counter a steered_syn)
	events=$(passive_events $reason)
	observe_mark dead
	must lab_kill a game KILL
	within 10 "$PROXY: dead: new players go to the peer" \
		counter_test a steered_syn -gt "$steered"
	within 10 "$PROXY: dead: for its reason" more_events $reason "$events"
	within 20 "$PROXY: dead: the service goes down" service_is a down
	within 20 "$PROXY: dead: the peer owns" owns b
	within 20 "$PROXY: dead: ARP shows the peer" owner_is b
	observe_mark end
	echo "# $PROXY: $REPLY_PLAYERS"
	number_is "$PROXY: dead: logins that failed" \
		"$(field "$REPLY_PLAYERS" failed_attempts)" -le 15
}

must lab_up a b
must lab_conf a b
proxied_pair
must observe_start
reload
banned
restart
dead
test_end
