# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Searches of a model by spin, for tests/model/test_*.sh: every state up to a number of steps from
# the start. The caller has set $top, and $model, the name of the .pml file.
: "${top:?}" "${model:?}"

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
		spin -a "${defines[@]}" "$model" >spin.log 2>&1 &&
			gcc -O2 -w -I"$top/include" -I"$top/user" "${defines[@]}" -DSAFETY -DBFS \
				-DBITSTATE -DNOREDUCE -o pan pan.c &&
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
