#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Two nodes whose third member is the gateway, and a filter drops the pulses between them. The
# owner shows itself by adverts, once a second, and by ARP. The backup comes back, and has not heard
# it yet: from a dead cable, and from a kill. That it hears the gateway again says nothing of the
# owner: nothing moves, and at no time do two nodes answer.

PLAYERS=0 # hokm-players only probes here
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/stand_in.sh
. "$TESTS_DIR/stand_in.sh"

by_grants() { status_is "$1" '.grants.in_force // false' true; }
silent() { status_is "$1" '.peers[0].pulsing' false; }
adverts_heard() { status_test b '.peers[0].adverts_ms // 99999' -lt 1500; }
in_fault() { state_is b fault; }

# stays WORDS RECEIVED: until it has heard an advert more.
stays() {
	within 20 "$1: the backup hears an advert" status_test b .vrrp.received -gt "$2"
	within 10 "$1: it is backup" state_is b backup
	observe_mark "$1"
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
}

unplugged() {
	local received
	must lab_link b down
	within 10 "unplugged: the backup is in fault" in_fault
	received=$(status b .vrrp.received)
	must lab_link b up
	stays unplugged "$received"
}

# Its kernel keeps what it has promised.
killed() {
	must lab_kill b daemon KILL
	must lab_wait 10 lab_gone b daemon
	must lab_daemon b
	must lab_wait 20 lab_ready b
	stays killed 0
}

stand_in_lab 'vrrp { advert = "1s" }'
must lab_wait 30 owns a
must lab_wait 30 by_grants a
must lab_wait 30 by_grants b
must observe_start
must lab_wait 20 owner_is a
must cut "$PULSES"
within 20 "the owner's peer is silent" silent a
within 20 "the backup hears adverts" adverts_heard
observe_mark filtered
for _ in 1 2 3 4; do unplugged; done
for _ in 1 2 3; do killed; done
test_end
