#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The model of grants (grants.pml) under spin: every state up to a number of steps from the start,
# for two nodes with a witness and for three nodes. Faults on purpose (rules.h, steps.h) must each
# be found within as many steps.
#
#   tests/model/test_model.sh           in CI: about 45 s of one processor
#   MODEL=deep tests/model/test_model.sh    `make model`: more steps, epochs and boots
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# search NAME DEPTH DEFINE...: leaves pan's output in $work/NAME/out. The bits of the hash table are
# many more than the states, so hardly one of them is left out.
search()
{
	local name=$1 depth=$2 dir=$work/$1 defines
	shift 2
	defines=("${@/#/-D}")
	mkdir "$dir"
	cp "$top"/tests/model/*.{pml,h} "$dir"
	(
		cd "$dir"
		spin -a "${defines[@]}" grants.pml >spin.log 2>&1 &&
			gcc -O2 -w -I"$top/include" "${defines[@]}" -DSAFETY -DBFS -DBITSTATE \
				-DNOREDUCE -o pan pan.c &&
			./pan -w"${MODEL_BITS:-29}" -m"$depth" >out 2>&1
	) || { cat "$dir"/*.log "$dir"/out 2>/dev/null; return 1; }
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/$1/out"; }
errors() { sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$work/$1/out"; }

# holds NAME DEPTH LEAST DEFINE...: nothing is found, in at least LEAST states.
holds()
{
	local name=$1 depth=$2 least=$3
	shift 3
	search "$name" "$depth" "$@"
	if [ "$(errors "$name")" = 0 ] && [ "$(states "$name")" -ge "$least" ]; then
		echo "ok $name: $(states "$name") states up to $depth steps"
	else
		cat "$work/$name/out"
		echo "not ok $name: $(errors "$name") errors in $(states "$name") states"
		failed=1
	fi
}

# found NAME DEPTH DEFINE...: the fault is found.
found()
{
	local name=$1
	search "$@"
	if grep -q "assertion violated" "$work/$name/out"; then
		echo "ok $name is found: $(states "$name") states"
	else
		cat "$work/$name/out"
		echo "not ok $name is not found"
		failed=1
	fi
}

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
holds three 6 100000 NODES=3 EPOCHS=2 BOOTS=1
holds pair-live 7 50000 NODES=2 EPOCHS=2 BOOTS=1 LIVE
holds three-live 6 20000 NODES=3 EPOCHS=2 BOOTS=1 LIVE
found no-drift 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_DRIFT
found no-silence 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_SILENCE
found no-long-silence 10 NODES=2 EPOCHS=1 BOOTS=1 LONG BREAK_LONGEST
found grant-to-two 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_TWO
found claim-before-expiry 8 NODES=2 EPOCHS=2 BOOTS=1 BREAK_EXPIRY
found no-epochs 9 NODES=2 EPOCHS=2 BOOTS=1 BREAK_EPOCH
found no-patience 7 NODES=2 EPOCHS=2 BOOTS=1 LIVE BREAK_PATIENCE
exit "$failed"
