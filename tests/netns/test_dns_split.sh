#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# Two nodes without an arbiter are cut from each other, and both reach the provider: both own the
# VIP. The record flips once, to the node that came last. The other one sees that, reports the
# record as contested, and writes it no more; both go on looking. When they hear each other again
# one owns, the contest ends, and the record names that one.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"

A=203.0.113.26 B=203.0.113.27
LOOKS=6 # of both nodes, after the contest was reported

dns_is() { status_is "$1" '.dns.records[0].state' "$2"; }
asked() { [ "$(stub .requests)" -ge "$1" ]; }
both_own() { owns a && owns b; }
one_owns() { owns a && owns_not b; }
contested() { dns_is a contested || dns_is b contested; }
# The event that channels send as critical.
alarmed() { event a dns "(dns-contested)" || event b dns "(dns-contested)"; }

must lab_up a b
must start_stub
must stub_conf_two_nodes $A $B "propagation = 0s verify = 10s"
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
must lab_wait 20 owns a
must lab_wait 20 hokm_ready a
within 20 "the record names a" record_is $A
within 20 "a reports it" dns_is a right
flips=$(stub .flips)

must cut "$(cut_between a b)"
within 20 "cut from each other: both own" both_own
within 20 "cut: the record names the node that came last" record_is $B
within 30 "cut: the record is contested" contested
within 10 "cut: an event reports it" alarmed
must lab_wait 60 asked $(($(stub .requests) + LOOKS))
holds "cut: both own still" both_own
number_is "cut: flips of the record" $(($(stub .flips) - flips)) -eq 1
holds "cut: the rest of the record is untouched" test "$(stub .untouched)" = true

must uncut
within 20 "they hear each other: one owns" one_owns
within 30 "they hear each other: the record names it" record_is $A
within 20 "they hear each other: it reports that" dns_is a right
number_is "flips of the record in all" $(($(stub .flips) - flips)) -eq 2
test_end
