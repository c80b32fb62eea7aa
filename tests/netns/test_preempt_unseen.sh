#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The node of higher priority may preempt the VIP, and hears the adverts of the owner, but no pulse
# goes between the two nodes. The owner would not give way, because it takes the adverts of a peer
# that it does not see for forged. So there is no preempting until pulses come: at no time do two
# nodes answer. The same for a node that has started meanwhile and has never seen a pulse of the
# owner: its replication shows that it is no keepalived, and where that is dropped too, its adverts.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

REPLICATION='udp dport 8767 drop; udp sport 8767 drop;'
silent() { status_is "$1" '.peers[0].pulsing' false; }
# Five times as long as preempt_delay of profile fast.
backup_for_long() { [ $(($(lab_now_ms) - READY_MS)) -gt 5000 ] && state_is a backup; }

test_pair
must ctl_ok a failover
must lab_wait 20 owner_is b
must lab_wait 20 calm
observe_mark cut
must cut "$PULSES"
for node in a b; do within 10 "$node sees no pulses" silent $node; done
holds "a may preempt again: the order is taken" ctl_ok a ready
READY_MS=$(lab_now_ms)
within 20 "a is backup for long all the same" backup_for_long
holds "b owns" owns b
within 10 "the players are well" calm
observe_mark uncut
unbroken "no pulses"
number_is "no pulses: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0

must lab_stop a daemon
must lab_run a "$HOKM" cleanup -c "$LAB_DIR/a/hokm-xdp.conf" >/dev/null
must lab_daemon a
within 20 "started without pulses: a is backup" state_is a backup
READY_MS=$(lab_now_ms)
within 20 "started without pulses: it is for long" backup_for_long
holds "started without pulses: b owns" owns b
observe_mark started
number_is "started without pulses: rounds of the observer" "$(field "$REPLY_ARP" rounds)" -gt 500
number_is "started without pulses: rounds with two owners" \
	"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0

must lab_stop a daemon
must lab_run a "$HOKM" cleanup -c "$LAB_DIR/a/hokm-xdp.conf" >/dev/null
must uncut
must cut "$PULSES $REPLICATION"
must lab_daemon a
within 20 "started with adverts alone: a is backup" state_is a backup
READY_MS=$(lab_now_ms)
within 20 "started with adverts alone: it is for long" backup_for_long
holds "started with adverts alone: b owns" owns b
observe_mark alone
number_is "started with adverts alone: rounds of the observer" \
	"$(field "$REPLY_ARP" rounds)" -gt 500
number_is "started with adverts alone: rounds with two owners" \
	"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
must uncut
within 20 "pulses come: a preempts" owns a
within 10 "and answers" owner_is a
within 10 "the players are well" calm
observe_mark preempted
number_is "pulses come: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
number_is "pulses come: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
test_end
