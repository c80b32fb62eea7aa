# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Searches of a model by spin, for tests/model/test_*.sh: every state up to a number of steps from
# the start. The caller has set $top, and $model, the name of the .pml file. It may set $store to
# nothing, and MODEL_BITS to those of an ordinary hash table: then no state is ever left out.
: "${top:?}" "${model:?}" "${store=-DBITSTATE}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# built DEFINE...: puts the folder of the search program into PROGRAM. Each set of definitions is
# built once.
built()
{
	local defines=("${@/#/-D}") name="$*"
	PROGRAM=$work/${name//[ =]/-}
	[ ! -x "$PROGRAM/pan" ] || return 0
	mkdir "$PROGRAM"
	cp "$top"/tests/model/*.{pml,h} "$PROGRAM"
	(
		cd "$PROGRAM"
		spin -a "${defines[@]}" "$model" >spin.log 2>&1 &&
			gcc -O3 -march=native -w -I"$top/include" -I"$top/user" \
				"${defines[@]}" ${store:+"$store"} -DSAFETY -DBFS -DNOREDUCE \
				-o pan pan.c >>spin.log 2>&1
	) || { cat "$PROGRAM/spin.log"; return 1; }
}

# search NAME DEPTH [FAULT=F] [START=N] DEFINE...: leaves pan's output in $work/out. FAULT and START
# are chosen when the search begins (choices.h). The bits of a table of BITSTATE are many more than
# the states, so hardly one of them is left out.
search()
{
	local depth=$2 fault='' start=0
	shift 2
	while [[ ${1:-} == FAULT=* || ${1:-} == START=* ]]; do
		case $1 in
		FAULT=*) fault=${1#*=} ;;
		START=*) start=${1#*=} ;;
		esac
		shift
	done
	built "$@"
	(
		cd "$PROGRAM"
		MODEL_FAULT=$fault MODEL_START=$start \
			./pan -w"${MODEL_BITS:-27}" -m"$depth" >"$work/out" 2>&1
	) || { cat "$work/out"; return 1; }
}

states() { sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/out"; }
errors() { sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$work/out"; }

# holds NAME DEPTH LEAST ...: nothing is found, in at least LEAST states.
holds()
{
	local name=$1 depth=$2 least=$3
	shift 3
	search "$name" "$depth" "$@"
	if [ "$(errors)" = 0 ] && [ "$(states)" -ge "$least" ]; then
		echo "ok $name: $(states) states up to $depth steps"
	else
		cat "$work/out"
		echo "not ok $name: $(errors) errors in $(states) states"
		failed=1
	fi
}

# whole NAME LEAST ...: the same in all states that there are, however many steps they take.
whole()
{
	local name=$1 least=$2 depth
	shift 2
	holds "$name" 10000 "$least" "$@"
	depth=$(sed -n 's/.*depth reached \([0-9]*\),.*/\1/p' "$work/out")
	if [ "${depth:-10000}" -lt 10000 ]; then
		echo "ok $name: these are all, after $depth steps"
	else
		echo "not ok $name: there are more states"
		failed=1
	fi
}

# found NAME DEPTH FAULT=F ...: the fault is found, by the assertion that it is about: with LIVE
# that a node owns soon, else that no two do.
found()
{
	local broken='n_owners<=1|safe'
	[[ " $* " != *" LIVE "* ]] || broken=live
	found_by "$broken" "$@"
}

# found_by ASSERTION NAME DEPTH FAULT=F ...: the same, by this one.
found_by()
{
	local broken=$1 name=$2
	shift
	search "$@"
	if grep -Eq "assertion violated +\(?($broken)\)? " "$work/out"; then
		echo "ok $name is found: $(states) states"
	else
		cat "$work/out"
		echo "not ok $name is not found"
		failed=1
	fi
}
