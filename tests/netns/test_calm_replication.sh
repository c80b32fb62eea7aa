#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Replication messages are lost for a while in a group whose nodes look each 30 ms, because it is
# calm. A connection begins meanwhile, so the owner has to send its list anew when they arrive
# again. Nothing else goes on then, and no connection changes. The owner looks each 10 ms while it
# sends the list, which would take three times as long otherwise.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/pace.sh
. "$TESTS_DIR/pace.sh"
# shellcheck source=tests/netns/replication.sh
. "$TESTS_DIR/replication.sh"

CONNECTIONS=200
resyncs_are() { [ "$(repl "$1" .resyncs)" = "$2" ]; }

must lab_up a b
LAB_CONF_EXTRA=$SERVICE must lab_conf a b
# The primary alone first: it would wait for its preempt delay.
must lab_echo a
must lab_daemon a
within 20 "the primary owns" owns a
must lab_echo b
must lab_daemon b
within 20 "the backup is ready" hokm_ready b
both_warm "start"
must hold on-a $CONNECTIONS
knows_all "start" $CONNECTIONS 0
must lab_wait 60 group_is_calm
must cut 'udp dport 8767 drop;'
must hold on-a-lost 1
for node in a b; do within 20 "messages lost: $node reports it" unconnected $node; done
within 60 "messages lost: the group is calm" group_is_calm
LISTS=$(repl a .resyncs)
must uncut
within 20 "messages arrive: the owner sends its list at the shorter interval" paces a 10
within 20 "messages arrive: once" resyncs_are a $((LISTS + 1))
both_warm "messages arrive"
knows_all "messages arrive" $((CONNECTIONS + 1)) 0
within 60 "the list is sent: the group is calm again" group_is_calm
unbroken_hold "the end" on-a
unbroken_hold "the end" on-a-lost
test_end
