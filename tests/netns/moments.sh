# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Cuts (masks.sh) that come in the middle of something. A test may set MOMENTS before it sources
# this file, and defines heal: all hear each other, and one of them owns. Its file has a preempt
# delay of PREEMPT_MS.
#
#   failover  a planned one of the owner
#   preempt   the preferred node is ready again, and waits for its preempt delay
#   failback  this delay is over just now
#   upgrade   of the owner's daemon. The long grant that it asks for makes the owner stay for longer
#   crash     the owner's daemon is killed, and started at once: before or after its grants end
#
# On a busy machine a cut may come when its moment is over: it does not count.
#
#   BUSY=N    so many of three cuts come in the middle of something, by default one

BUSY=${BUSY:-1}
declare -p MOMENTS >/dev/null 2>&1 || MOMENTS=(failover failback preempt upgrade crash)
PREEMPT_MS=500
ACTION=           # the moment of the present cut, or nothing
UNTIL_US=         # the end of this moment, if it has one
QUEUE=()          # "CUT MOMENT" of those that are to be made
declare -A MET=() # of those that were made; without a moment, too
BACKGROUND=       # the order of a failover or an upgrade
ORDERS=0 ON_THE_WAY=0 LATE=0

in_background() {
	"$@" >/dev/null 2>&1 &
	BACKGROUND=$!
}
failover() { in_background lab_ctl "$1" failover; }
upgrade() { in_background lab_ctl "$1" upgrade; }
crash() {
	must lab_kill "$1" daemon KILL
	must lab_daemon "$1"
}
preempt() {
	must lab_wait 20 only_owner a
	must lab_wait 20 ctl_ok a failover
	must lab_wait 10 only_owner b
	UNTIL_US=$((${EPOCHREALTIME/[.,]/} + PREEMPT_MS * 1000))
	must ctl_ok a ready
	NAP_MS=$((RANDOM % (PREEMPT_MS - 100)))
}
failback() {
	preempt
	NAP_MS=$((PREEMPT_MS - 50 + RANDOM % 200))
	UNTIL_US=$((UNTIL_US + 300000))
}

# act MOMENT: before a cut.
act() {
	ACTION=$1 NAP_MS=$((RANDOM % 100)) UNTIL_US=
	[ -n "$ACTION" ] || return 0
	ask_kernels
	[[ $ACTION != preempt && $ACTION != failback && $OWNER = [ab] ]] || heal
	ask_kernels
	"$ACTION" "$OWNER"
	lab_nap "$(printf '0.%03d' "$NAP_MS")"
}
# met CUT: when it was made.
met() {
	if [ -n "$UNTIL_US" ] && [ "${EPOCHREALTIME/[.,]/}" -gt "$UNTIL_US" ]; then
		LATE=$((LATE + 1))
	else
		MET["$1 $ACTION"]=1
	fi
	[ -n "$BACKGROUND" ] || return 0
	ORDERS=$((ORDERS + 1))
	! kill -0 "$BACKGROUND" 2>/dev/null || ON_THE_WAY=$((ON_THE_WAY + 1))
}
# At its end. The cut may have come before the order was carried out: then it is refused, or nobody
# answers. Whether a node owns afterwards is judged, not the result of the order.
act_ends() {
	[ -z "$BACKGROUND" ] || wait "$BACKGROUND"
	BACKGROUND=
	case $ACTION in
	failover) lab_wait 10 ctl_ok "$OWNER" ready || not_ok "$OWNER is not ready again" ;;
	crash) within 10 "the daemon of $OWNER is there again" lab_ready "$OWNER" ;;
	esac
}

# queue: every cut of MASKS in each of MOMENTS, one moment after the other, each with its cuts in
# random order. After shuffle.
queue() {
	local m k j list n=${#MOMENTS[@]} all=${#MASKS[@]}
	for ((m = 0; m < n; m++)); do
		list=()
		for ((k = 0; k < all; k++)); do
			j=$((RANDOM % (k + 1)))
			list[k]=${list[j]-}
			list[j]=${MASKS[k]}
		done
		for ((k = 0; k < all; k++)); do QUEUE[k * n + m]="${list[k]} ${MOMENTS[m]}"; done
	done
}

# all_cuts CMD: those that came late are made again, and none is missing then.
all_cuts() {
	local again mask moment
	for again in 1 2 3; do
		for mask in "${MASKS[@]}"; do
			for moment in "${MOMENTS[@]}"; do
				[ -n "${MET["$mask $moment"]-}" ] || "$1" "$mask" "$again" "$moment"
			done
		done
	done
	number_is "different cuts, of all that there are" ${#MET[@]} -eq \
		$((${#MASKS[@]} * (1 + ${#MOMENTS[@]})))
}

# each_cut FIRST CMD: CMD CUT NUMBER [MOMENT] for as many cuts as ORDER has, of which FIRST were
# named. Where there are enough of them, each cut comes in each moment.
each_cut() {
	local i calm=0 busy=0 mask moment
	for i in "${!ORDER[@]}"; do
		if [ $((i % 3)) -lt $((3 - BUSY)) ]; then
			mask=${ORDER[calm++]} moment=
		else
			read -r mask moment <<<"${QUEUE[busy++ % ${#QUEUE[@]}]}"
		fi
		"$2" "$mask" "$i" "$moment"
	done
	[ $((calm - $1)) -lt ${#MASKS[@]} ] || [ $busy -lt ${#QUEUE[@]} ] || all_cuts "$2"
	echo "# ${#MET[@]} different cuts, calm or in one of ${MOMENTS[*]}; of $ORDERS orders" \
		"$ON_THE_WAY were not yet answered when the cut came; $LATE cuts came late"
}
