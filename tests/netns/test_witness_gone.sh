#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Two nodes and a witness that comes to grief while both nodes are well. It answers by its process,
# because its kernel would go on (test_witness_xdp.sh). The process stands still for FROZEN_SECONDS,
# its machine dies and another one with its address and without its memory takes its place. Nothing
# moves and nobody notices. Then the witness dies, and the backup too: the owner has no majority and
# owns no more, until one of them is back.
#
# tests/netns/test_quorum.sh has a witness whose process dies and is started again.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

FROZEN_SECONDS=10
PLAYERS=20

hears_no_witness() { in_touch a 2 && in_touch b 2; }
# still WORDS: since the mark.
still() {
	observe_mark moved
	unbroken "$1"
	holds "$1: the owner stays" owns a
	holds "$1: its epoch" status_is a .epoch "$EPOCH"
}

frozen() {
	observe_mark frozen
	must lab_kill w witness STOP
	within 10 "frozen: both nodes know" hears_no_witness
	lab_wait $FROZEN_SECONDS false
	must lab_kill w witness CONT
	within 20 "frozen: it is back" all_in_touch
	within 20 "frozen: it grants" witness_grants a
	still frozen
}

replaced() {
	observe_mark replaced
	must lab_node_dead w
	within 10 "replaced: both nodes know" hears_no_witness
	must lab_node_alive w
	must lab_witness w
	within 20 "replaced: the new one answers" all_in_touch
	within 20 "replaced: it grants" witness_grants a
	still replaced
}

both_dead() {
	must lab_node_dead w
	within 10 "witness dead: the owner goes on with the backup" in_touch a 2
	holds "witness dead: it owns" owns a
	must lab_node_dead b
	within 10 "both dead: the owner owns no more" owns_not a
	within 10 "both dead: the reason is known" event a state no-majority
	must lab_node_alive w
	must lab_witness w
	within 30 "the witness is back: the node that is left owns" owns a
}

lab_witness_conf() {
	printf 'witness %s { address = "%s" mode = user }' "$(lab_name "$1")" "$(lab_addr "$1")"
}
witness_group
must lab_wait 20 calm
must lab_wait 20 owner_is a
EPOCH=$(status a .epoch)
frozen
replaced
both_dead
test_end
