#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The backup is alive and replicates, and a packet filter drops the pulses alone. Another host
# sends adverts in its name that would win the election. The owner discards them, because they do
# not come from the MAC address of the backup's pulses. Where a witness grants, no two nodes own, so
# the owner discards them also when they come from that MAC address.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
side_by_side none witness
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$TESTS_DIR/bad_input.sh"

# An owner gives way a second after the first advert: these take four.
FORGED=14
GAP=0.3
ADVERT=(--src "$(lab_addr b)" advert version=3 priority=254)

silent() { status_is "$1" '.peers[0].pulsing' false; }
replicates() { status_is "$1" '.peers[0].replica.connected' true; }

all_discarded() { [ $(($(discards a unproven) - $1)) -eq $FORGED ]; }

# forge WORDS NODE ARG...
forge() {
	local words=$1 before i
	shift
	before=$(discards a unproven)
	remember
	for ((i = 0; i < FORGED; i++)); do
		must send_once "$@" >/dev/null
		lab_nap $GAP
	done
	within 10 "$words: all are discarded" all_discarded "$before"
	holds "$words: the backup replicates all the time" replicates a
	holds "$words: the owner owns" owns a
	unmoved "$words"
}

if [ "$PART" = witness ]; then
	witness_group "$PATIENT"
else
	LAB_CONF_EXTRA=$PATIENT
	export LAB_CONF_EXTRA
	test_nodes a b
	must lab_wait 20 owns a
	must observe_start
fi
must lab_wait 20 calm
must lab_wait 20 owner_is a
must lab_wait 20 replicates a
must cut "$(cut_way a b) $(cut_way b a)"
must lab_wait 20 silent a
must lab_wait 20 silent b
forge "other MAC" client "${ADVERT[@]}"
if [ "$PART" = witness ]; then
	# shellcheck disable=SC2046 # words
	forge "its MAC" $(port a b) "${ADVERT[@]:2}"
fi
must uncut
test_end
