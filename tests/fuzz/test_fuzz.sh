#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A short run of every fuzzer over the committed corpus, with a fixed number of inputs and a fixed
# seed. A crash, a time-out or a leak fails; its input stays in build/fuzz. `make fuzz` runs for
# longer. fuzz_bpf loads the programs, so it needs root.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fuzz NAME RUNS FRAMES: FRAMES is the least number of frames it must report; 0: it reports none.
fuzz()
{
	local name=fuzz_$1 runs=$2 frames=$3 log=$work/$1.log said=0

	mkdir -p "$work/$1"
	if ! "$top/build/fuzz/$name" -runs="$runs" -seed=1 -timeout=20 -rss_limit_mb=4096 \
		-artifact_prefix="$top/build/fuzz/$name." -print_final_stats=1 \
		"$work/$1" "$top/tests/fuzz/corpus/$1" >"$log" 2>&1; then
		tail -n 40 "$log"
		echo "not ok $name: see the input in build/fuzz"
		failed=1
		return
	fi
	said=$(sed -n 's/^fuzz_bpf: \([0-9]*\) frames.*/\1/p' "$log")
	if ! grep -q '^Done [0-9]* runs' "$log" || ((${said:-0} < frames)); then
		tail -n 10 "$log"
		echo "not ok $name: ran too little"
		failed=1
		return
	fi
	echo "ok $name: $runs inputs${said:+, $said frames}"
}

# The committed seeds are exactly the output of make_corpus, except the older ones of fuzz_vrrp.
seeds()
{
	"$top/tests/fuzz/make_corpus" "$work/made"
	for name in ws bpf; do
		if diff -r "$work/made/$name" "$top/tests/fuzz/corpus/$name"; then
			echo "ok corpus $name"
		else
			echo "not ok corpus $name: run tests/fuzz/make_corpus tests/fuzz/corpus"
			failed=1
		fi
	done
}

seeds
fuzz vrrp 300000 0
fuzz repl 30000 0
fuzz ws 40000 0
fuzz bpf 50000 200000
exit "$failed"
