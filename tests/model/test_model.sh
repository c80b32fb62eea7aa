#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The model of grants (grants.pml) under spin: every state up to a number of steps from the start,
# for two nodes with a witness and for three nodes. Faults on purpose (rules.h, steps.h) must each
# be found within as many steps.
#
#   tests/model/test_model.sh           in CI: about 55 s of one processor
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
	exit "$failed"
fi
holds pair 9 100000 NODES=2 EPOCHS=2 BOOTS=1 REPLAY
holds pair-long 10 1000000 NODES=2 EPOCHS=1 BOOTS=1 LONG
holds pair-raise 10 300000 NODES=2 EPOCHS=2 BOOTS=0
holds three 6 100000 NODES=3 EPOCHS=2 BOOTS=1
holds pair-live 7 50000 NODES=2 EPOCHS=2 BOOTS=1 LIVE
holds three-live 6 20000 NODES=3 EPOCHS=2 BOOTS=1 LIVE
found no-drift 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_DRIFT
found no-silence 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_SILENCE
found no-long-silence 10 NODES=2 EPOCHS=1 BOOTS=1 LONG BREAK_LONGEST
found grant-to-two 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_TWO
found claim-before-expiry 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_EXPIRY
found no-epochs 9 NODES=2 EPOCHS=2 BOOTS=1 BREAK_EPOCH
found raise-after-release 9 NODES=2 EPOCHS=2 BOOTS=0 BREAK_RAISE
found no-patience 7 NODES=2 EPOCHS=2 BOOTS=1 LIVE BREAK_PATIENCE
exit "$failed"
