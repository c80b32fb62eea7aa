#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The model of grants (grants.pml) under spin: every state up to a number of steps from the start,
# for two nodes with a witness and for three nodes. Faults on purpose (choices.h) must each be found
# within as many steps.
#
#   tests/model/test_model.sh           in CI: about 45 s of one processor
#   MODEL=deep tests/model/test_model.sh    `make model`: more steps, epochs and boots
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
model=grants.pml
# shellcheck source=tests/model/search.sh
. "$top/tests/model/search.sh"

if [ "${MODEL:-}" = deep ]; then
	MODEL_BITS=33
	holds pair 13 1000000 NODES=2 EPOCHS=3 BOOTS=2 REPLAY
	holds three 10 1000000 NODES=3 EPOCHS=3 BOOTS=2
	holds pair-fine 12 1000000 NODES=2 EPOCHS=2 BOOTS=1 LENGTH=4
	holds pair-long 12 1000000 NODES=2 EPOCHS=2 BOOTS=2 LONG
	holds pair-live 10 1000000 NODES=2 EPOCHS=3 BOOTS=2 LIVE
	holds pair-pause 15 1000000 NODES=2 EPOCHS=1 BOOTS=0 PAUSES=2 EVEN_CLOCKS
	holds pair-stood 13 1000000 NODES=2 EPOCHS=2 BOOTS=0 PAUSES=1 EVEN_CLOCKS OWNED
	holds pair-pause-drift 13 1000000 NODES=2 EPOCHS=1 BOOTS=1 PAUSES=1 OWNED
	holds pair-late 12 1000000 NODES=2 EPOCHS=2 BOOTS=0 REPLAY LATE EVEN_CLOCKS OWNED
	holds pair-late-drift 10 1000000 NODES=2 EPOCHS=1 BOOTS=0 REPLAY LATE OWNED
	exit "$failed"
fi
# An owner, its peer and a witness; one of them is paused.
paused="NODES=2 EPOCHS=1 BOOTS=0 PAUSES=1 EVEN_CLOCKS OWNED"
# And the next owner has a greater epoch.
stood="NODES=2 EPOCHS=2 BOOTS=0 PAUSES=1 EVEN_CLOCKS OWNED"
# The owner has sent two probes, which may come in either order.
late="NODES=2 EPOCHS=1 BOOTS=0 REPLAY LATE EVEN_CLOCKS OWNED"
# shellcheck disable=SC2086  # lists of definitions
{
	holds pair 9 100000 NODES=2 EPOCHS=2 BOOTS=1 REPLAY
	holds pair-long 10 1000000 NODES=2 EPOCHS=1 BOOTS=1 LONG
	holds pair-raise 10 300000 NODES=2 EPOCHS=2 BOOTS=0
	holds pair-live 7 50000 NODES=2 EPOCHS=2 BOOTS=1 LIVE
	holds three-live 6 100000 NODES=3 EPOCHS=2 BOOTS=1 LIVE
	holds pair-pause 12 100000 $paused
	holds pair-stood 10 500000 $stood
	holds pair-late 11 100000 $late
	found no-drift 8 FAULT=DRIFT NODES=2 EPOCHS=2 BOOTS=1
	found no-silence 8 FAULT=SILENCE NODES=2 EPOCHS=2 BOOTS=1
	found no-long-silence 10 FAULT=LONGEST NODES=2 EPOCHS=1 BOOTS=1 LONG
	found grant-to-two 8 FAULT=TWO NODES=2 EPOCHS=2 BOOTS=1
	found claim-before-expiry 8 FAULT=EXPIRY NODES=2 EPOCHS=2 BOOTS=1
	found no-epochs 9 FAULT=EPOCH NODES=2 EPOCHS=2 BOOTS=1
	found raise-after-release 9 FAULT=RAISE NODES=2 EPOCHS=2 BOOTS=0
	found no-patience 7 FAULT=PATIENCE NODES=2 EPOCHS=2 BOOTS=1 LIVE
	found no-fresh-word 10 FAULT=FRESH $paused
	found_by '!\(wrong\)' promise-ends-at-wake 11 FAULT=WAKE $paused
	found two-after-a-pause 9 FAULT=EXCUSE $paused
	found proof-ends-nothing 10 FAULT=MUTE $stood
	found_by '!\(wrong\)' proof-from-before 8 FAULT=BEFORE $stood
	found late-wish-takes 8 FAULT=LATE $late
}
exit "$failed"
