#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 35 s
#
# The owner stands still, and two backups find the VIP free at the same moment: they heard the same
# last advert, and their priorities, 101 and 100, make a difference of 0.4 ms. Their own adverts do
# not arrive at each other. Each announces in its pulses that it becomes owner and asks the other
# one, so one becomes owner, and no two nodes answer ARP.

PLAYERS=4
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

ROUNDS=8

settled() { owns c && state_is a backup && state_is b backup; }
one_took() { owns a || owns b; }
took() { grep -c 'backup -> master' "$LAB_DIR/log/$1.daemon"; }

must lab_up a b c
must lab_conf a b c
for node in a b c; do
	sed -i -e 's/^node primary .*address = "[^"]*"/& priority = 101/' \
		-e 's/^node third .*address = "[^"]*"/& priority = 120/' \
		"$LAB_DIR/$node/hokm-xdp.conf"
	must lab_game $node
	must lab_daemon $node
done
must lab_wait 30 settled
must cut "iifname p-a oifname p-b ip protocol vrrp drop;
	iifname p-b oifname p-a ip protocol vrrp drop;"
must observe_start
must lab_wait 20 calm
observe_mark moments
before=$(($(took a) + $(took b)))
for ((i = 1; i <= ROUNDS; i++)); do
	must lab_wait 30 settled
	must lab_kill c daemon STOP
	must lab_wait 20 one_took
	lab_nap 0.1
	must lab_kill c daemon CONT
done
must lab_wait 30 settled
observe_mark end
number_is "rounds of the observer" "$(field "$REPLY_ARP" rounds)" -ge 500
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
number_is "times that a backup became owner" $(($(took a) + $(took b) - before)) -eq $ROUNDS
test_end
