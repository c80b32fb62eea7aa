#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 45 s
#
# In another network namespace of the same machine 200 pairs of links a second are created and
# deleted (link_churn.py), so that the kernel's lock for network settings (RTNL) is held most of the
# time, while the owner's node dies. Three such takeovers, and between them three without the links:
# the medians are the same, of the time until the peer owns and until the last player noticed, and
# so is the least of the longest turns of the peer's loop. A loop that waits for the lock has turns
# of 50 ms. The margins are for what a busy machine does to a process.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/audience.sh
. "$TESTS_DIR/audience.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

RUNS=${RUNS:-3}
RATE=200
WAITING=20
MARGIN_MS=60
TURN_MARGIN_US=8000
declare -A OWNED NOTICED TURNS
PAIRS=() # of links a second

say() { echo "run $RUN, $KIND: $*"; }
# The prober gives up an attempt after a second: until then the result of the last attempts is
# unknown.
all_judged() {
	ask_arp status
	[ "$(whole "$REPLY_ARP" length_ms)" -gt $(($(whole "$REPLY_ARP" moved_ms) + 1100)) ]
}
booted() { lab_node_alive "$1" && lab_game "$1" && lab_daemon "$1"; }

churn_start() {
	: >"$LAB_DIR/churn.out"
	LAB_STDIN=$LAB_DIR/churn.in LAB_STDOUT=$LAB_DIR/churn.out lab_spawn router churn \
		"$TESTS_DIR/link_churn.py" "/run/netns/$(lab_ns router)" $RATE 120
	lab_wait 20 churns
}
churns() { grep -q churns "$LAB_DIR/churn.out"; }
churn_end() {
	local n words seconds
	echo >&"$CHURN_IN"
	lab_wait 20 lab_gone router churn || return 1
	read -r n words seconds _ < <(tail -n 1 "$LAB_DIR/churn.out" | sed 's/in //') &&
		[ "$words" = pairs ] && PAIRS+=("$((n * 100 / 10#${seconds/./}))")
}

# fresh NODE: its daemon starts again, which moves nothing, and counts from zero.
fresh() {
	lab_stop "$1" daemon && lab_daemon "$1" && lab_wait 20 hokm_ready "$1"
}

power_cut() {
	local owned marked cut_ms
	must fresh b
	must lab_wait 20 calm
	must lab_wait 20 knows_of b a $((PLAYERS + WAITING))
	[ "$KIND" = calm ] || must churn_start
	ask_audience waiting mark
	observe_mark dead
	marked=$EPOCHREALTIME
	must lab_link a down # takes the lock, too
	cut_ms=$(((${EPOCHREALTIME/./} - ${marked/./}) / 1000))
	must lab_node_dead a
	within 10 "$(say "the peer owns")" owns b
	within 10 "$(say "the VIP is its address")" has_vip b
	within 20 "$(say "the players are well")" calm
	within 10 "$(say "all of them on the peer")" players_on b
	within 10 "$(say "everybody who waits has noticed")" noticed waiting
	must lab_wait 20 all_judged
	TURNS[$KIND]+=" $(status b .late.turn.worst_us)"
	observe_mark boot
	owned=$(whole "$REPLY_ARP" moved_ms)
	OWNED[$KIND]+=" $((owned - cut_ms))"
	NOTICED[$KIND]+=" $(notice_ms silent "$(over_ms "$owned")")"
	number_is "$(say "owner changes")" "$(field "$REPLY_ARP" changes)" -eq 1
	number_is "$(say "rounds with two owners")" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	number_is "$(say "players not back")" "$(field "$REPLY_PLAYERS" not_back)" -eq 0
	number_is "$(say "wrong move counters")" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
}

# Under the links, too: the node that comes back adds its addresses and routes, and takes the VIP.
comes_back() {
	must booted a
	within 30 "$(say "booted again: the primary owns")" owns a
	within 10 "$(say "booted again: ARP shows the primary")" owner_is a
	[ "$KIND" = calm ] || must churn_end
	must lab_wait 20 calm
	observe_mark rejoin
	unbroken "$(say "booted again")" 1
	echo rejoin >&"$PLAYERS_IN"
	ask_audience waiting rejoin
	must lab_wait 20 players_on a
	must lab_wait 20 gathered waiting
}

# same WORDS MARGIN CALM CHURN: the median of the last list is not above that of the other one by
# more than half of it, and the margin.
same() {
	local words=$1 margin=$2 calm churn
	read -ra calm <<<"$3"
	read -ra churn <<<"$4"
	number_is "$words: median of (${churn[*]}) with links, of (${calm[*]}) without" \
		"$(median "${churn[@]}")" -le $(($(median "${calm[@]}") * 3 / 2 + margin))
}

least() { tr ' ' '\n' <<<"$1" | sort -n | grep -m 1 .; }

test_pair
must lab_node_up router
mkfifo "$LAB_DIR/churn.in" && exec {CHURN_IN}<>"$LAB_DIR/churn.in"
must audience waiting client --silent "$WAITING"
must lab_wait 20 gathered waiting
for RUN in $(seq "$RUNS"); do
	for KIND in calm churn; do
		power_cut
		comes_back
	done
done
same "ms until the peer owns" $MARGIN_MS "${OWNED[calm]}" "${OWNED[churn]}"
same "ms until the last one noticed" $MARGIN_MS "${NOTICED[calm]}" "${NOTICED[churn]}"
# The least of all runs: a machine that stands still makes one turn long, and the lock each.
number_is "longest turn of the loop in us: least of (${TURNS[churn]# }) with links" \
	"$(least "${TURNS[churn]}")" -le $(($(least "${TURNS[calm]}") + TURN_MARGIN_US))
number_is "median of (${PAIRS[*]}): pairs of links a second" "$(median "${PAIRS[@]}")" \
	-ge $((RATE / 4))
test_end
