#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The model of a change of the members (members.pml) under spin: every state that there is, with the
# files at the beginning. File 2 is as file 0, with the other witness. Faults on purpose (choices.h)
# must each be found within a few steps.
#
#   tests/model/test_members.sh             in CI: about 7 s of one processor
#   MODEL=deep tests/model/test_members.sh      `make model`: with two claims of each node
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
model=members.pml
store='' MODEL_BITS=22
# shellcheck source=tests/model/search.sh
. "$top/tests/model/search.sh"

if [ "${MODEL:-}" = deep ]; then
	MODEL_BITS=26
	for file in 0 1; do
		whole file-$file 1000000 START=$file EPOCHS=2
		holds live-$file 12 10000 START=$file EPOCHS=1 LIVE
	done
	exit "$failed"
fi
for file in 0 1; do
	whole file-$file 100000 START=$file EPOCHS=1
done
for file in 0 1; do
	holds live-$file 8 4000 START=$file EPOCHS=1 LIVE
done
found new-one-counts 8 FAULT=COUNT START=0 EPOCHS=1
found removed-one-counts 8 FAULT=LEFT START=1 EPOCHS=1
found peer-has-not-read-it 8 FAULT=PEER START=0 EPOCHS=1
found not-in-force-yet 8 FAULT=EARLY START=1 EPOCHS=1
found two-at-once 8 FAULT=AT_ONCE START=0 EPOCHS=1
found never-in-force 7 FAULT=STAYS START=0 EPOCHS=1 LIVE
found old-epoch 7 FAULT=OLD_EPOCH START=0 EPOCHS=1 LIVE
exit "$failed"
