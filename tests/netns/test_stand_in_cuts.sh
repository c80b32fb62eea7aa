#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 40 s
#
# Partitions of two nodes whose third member is the gateway, at profile fast; the client's machine
# is the gateway. One node hears the other one, the gateway, both, or nobody. The one cut that this
# arrangement does not survive comes last: both hear the gateway, and not each other.
#
#   safety     never two owners: by the kernels' own words, lease and grants
#   liveness   a node that hears the other one or the gateway owns; one that hears nobody does not
#   healing    of two owners that hear each other again the lesser one yields at once

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"
# shellcheck source=tests/netns/stand_in.sh
. "$TESTS_DIR/stand_in.sh"

PLAYERS=0 # hokm-players only probes here

by_grants() { status_is "$1" '.grants.in_force // false' true; }
together() { hokm_ready a && hokm_ready b && by_grants a && by_grants b; }

# Looks for two owners at once again and again, for longer than a claim takes.
look() {
	local end=$(($(lab_now_ms) + 600))
	while [ "$(lab_now_ms)" -lt $end ]; do
		both_own a b && TWO=$((TWO + 1))
		both_own b a && TWO=$((TWO + 1))
		lab_nap 0.02
	done
}

# partition WORDS RULES CMD...: the cut, directly after the one before it.
partition() {
	local words=$1 rules=$2
	shift 2
	lab_run sw nft "add table bridge cut; delete table bridge cut; table bridge cut {
		chain forward { type filter hook forward priority filter; $rules }
	}" || not_ok "$words: could not cut"
	look
	within 20 "$words: $*" "$@"
	look
}

stand_in_lab ''
must lab_wait 30 owns a
must lab_wait 30 together
TWO=0
# The gateway hears one of them only, and they hear each other: a node alone moves nothing.
partition "a and the gateway" "$(cut_between a client)" one_owner
partition "a from all" "$(cut_all a)" only_owner b a
partition "b from all" "$(cut_all b)" only_owner a b
partition "both from all" "$(cut_all a) $(cut_all b)" nobody_owns
partition "a from all again" "$(cut_all a)" only_owner b a
partition "healed" "" together
partition "b and the gateway" "$(cut_between b client)" one_owner
partition "b from all again" "$(cut_all b)" only_owner a b
partition "healed once more" "" together
partition "pulses" "$PULSES" one_owner
partition "healed again" "" one_owner
number_is "moments with two owners, by the kernels" "$TWO" -eq 0

# That one cut: both own. A pulse ends it when they hear each other, not the next advert.
must uncut
LAB_CONF_EXTRA="$LAB_CONF_EXTRA
vrrp { advert = 10s }"
must lab_conf a b
must ctl_ok a reload
must ctl_ok b reload
for round in first second; do
	within 20 "before the $round cut between them" only_owner a b
	must lab_wait 20 together
	must cut "$(cut_between a b)"
	within 10 "the $round cut between them: both own" both_own a b
	must uncut
	within 2 "the $round cut ends: one owner" only_owner a b
done
test_end
