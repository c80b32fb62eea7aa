#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Players behind a router with address translation and a stateful filter (tools/lab/lab.sh,
# lab_nat_up), and the owner's node dies. The router passes packets of connections that it knows:
# an RST with exact numbers passes and ends the connection in the router, too. A planned failover
# before shows that a move breaks no connection behind NAT.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/audience.sh
. "$TESTS_DIR/audience.sh"

RUNS=${RUNS:-3}
WAITING=40 # of each kind
NOTICE_MS=150
PLAYERS=0 # hokm-players only probes here
LAST=()

say() { echo "run $RUN, $*"; }
boots_again() { lab_node_alive "$1" && lab_game "$1" && lab_daemon "$1"; }
# Every client that a node knows has the address of the router.
all_translated() {
	local clients
	clients=$(lab_ctl "$1" conns --json --limit 10000 --state established |
		jq -r '[.conns[].client | split(":")[0]] | unique | join(" ")')
	[ "$clients" = "$(lab_addr client) $(lab_addr router)" ] ||
		[ "$clients" = "$(lab_addr router)" ]
}

moves() {
	ask_audience inside mark
	must ctl_ok a failover
	within 10 "planned: the peer owns" owns b
	within 10 "planned: ARP shows the peer" owner_is b
	must ctl_ok b failover
	within 10 "planned: the primary owns again" owns a
	within 10 "planned: ARP shows the primary" owner_is a
	plays_on planned inside
}

dies() {
	local over kind last
	must lab_wait 20 knows_of b a $((3 * WAITING))
	mark_death inside
	must lab_node_dead a
	within 10 "$(say "ARP shows the peer")" owner_is b
	within 10 "$(say "everybody inside has noticed")" noticed inside
	ask_arp status
	over=$(over_ms "$(whole "$REPLY_ARP" moved_ms)")
	for kind in "${KINDS[@]}"; do
		number_is "$(say "$kind players noticed, ms after the connections were over")" \
			"$(notice_ms "$kind" "$over")" -le 1000
	done
	number_is "$(say "of them by a RST")" \
		"$(field "$REPLY_AUDIENCE" reset)" -eq $((3 * WAITING))
	last=$(notice_ms all "$over") && LAST+=("$last")
	ask_audience inside join
	within 10 "$(say "they come in again, to the peer")" gathered inside
}

comes_back() {
	ask_audience inside mark
	must boots_again a
	must lab_wait 20 hokm_ready a
	must lab_wait 20 owns a
	must lab_wait 20 owner_is a
	plays_on "$(say "booted again")" inside
	ask_audience inside rejoin
	must lab_wait 20 gathered inside
}

test_nodes a b
must lab_nat_up
must lab_wait 20 owns a
must observe_start
must lab_wait 20 owner_is a
must audience inside inside --sending "$WAITING" --pinging "$WAITING" --silent "$WAITING"
within 10 "players come in through the router" gathered inside
within 10 "the nodes see nobody but the router" all_translated a
moves
for RUN in $(seq "$RUNS"); do
	dies
	[ "$RUN" = "$RUNS" ] || comes_back
done
number_is "median of (${LAST[*]}): the last player noticed, ms after the connections were over" \
	"$(median "${LAST[@]}")" -le "$NOTICE_MS"
test_end
