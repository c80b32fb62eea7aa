#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The model of two nodes with the gateway as third member (stand_in.pml) under spin: every state up
# to a number of steps from several beginnings. Faults on purpose (choices.h) must each be
# found within as many steps, or one more.
#
#   tests/model/test_stand_in.sh            in CI: about 22 s of one processor
#   MODEL=deep tests/model/test_stand_in.sh     `make model`: more steps, epochs and boots
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
model=stand_in.pml
# shellcheck source=tests/model/search.sh
. "$top/tests/model/search.sh"

# One step of each daemon in a tick, and clocks that agree.
even="EPOCHS=1 BOOTS=0 ONCE=1 DRIFTS=0"
# The clock of the owner may be slow, and that of its peer fast.
drift="EPOCHS=1 BOOTS=0 ONCE=1 DRIFTS=1"
# Nothing of the peer reaches the owner, and the gateway answers late.
cut="EPOCHS=1 BOOTS=0 ONCE=0 DRIFTS=1 CUT=1 RELEASES=0"

# shellcheck disable=SC2086  # lists of definitions
if [ "${MODEL:-}" = deep ]; then
	MODEL_BITS=33
	for start in 0 1 2 3; do
		holds full-$start 6 1000000 START=$start EPOCHS=2 BOOTS=2 SLOW=2
	done
	holds owned-even 12 5000000 START=1 $even
	holds alone-even 11 5000000 START=2 $even
	holds owned-drift 8 2000000 START=1 $drift
	holds alone-drift 8 2000000 START=2 $drift
	holds booted-cut 10 2000000 START=3 $cut
	holds owned-cut 10 5000000 START=1 $cut SLOW=1
	for start in 0 1 2 3 4; do
		holds live-$start 5 5000 START=$start EPOCHS=2 BOOTS=1 ONCE=1 LIVE
	done
	found newest-question 10 FAULT=QUESTION START=1 $cut SLOW=1
	exit "$failed"
fi
# shellcheck disable=SC2086
{
	holds free-even 7 20000 START=0 $even
	holds owned-even 9 500000 START=1 $even
	holds alone-drift 7 500000 START=2 $drift
	holds booted-cut 8 200000 START=3 $cut
	holds owned-cut 8 1000000 START=1 $cut SLOW=1
	for start in 0 1 2 3 4; do
		holds live-$start 3 100 START=$start EPOCHS=2 BOOTS=1 ONCE=1 DRIFTS=0 LIVE
	done
	found sign-of-peer 9 FAULT=SIGN START=1 $even
	found sign-between 9 FAULT=BETWEEN START=1 $even
	found out-of-touch 7 FAULT=TOUCH START=2 $drift
	found alone-for-long 7 FAULT=SOLE START=2 $drift
	found after-its-boot 8 FAULT=BARRED START=3 $cut
	found from-arrival 9 FAULT=ARRIVAL START=1 $cut SLOW=1
	found no-yielding 3 FAULT=YIELD START=4 EPOCHS=2 BOOTS=1 ONCE=1 DRIFTS=0 LIVE
}
exit "$failed"
