#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# A flood of a million blind ACKs, FINs, RSTs, SYNs and ICMP errors (hokm-flood) at the owner,
# 100,000 a second if the machine can do it: half of it with the addresses and ports of real
# players: half of them play on the owner, half on its peer. No player is broken or miscounted,
# nothing is entered, no state changes, and the peer gets less than 1,000 packets a second of it.
# tests/bpf/test_flood_blind.c shows that no entry changes by a byte.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

COUNT=20
PACKETS=1000000
RATE=100000

# group NAME: players that only listen.
group() {
	LAB_STDOUT=$LAB_DIR/group.$1 lab_spawn client "$1" "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count $COUNT --seconds 400
}
# live_on NODE: its players are there and counted.
live_on() {
	[ "$(lab_ctl "$1" conns --target local --state established --json | jq .total)" = $COUNT ]
}
entries() { lab_ctl "$1" conns --json | jq .total; }
# What the flood could change of the players' entries.
players_on_list() {
	lab_ctl "$1" conns --json --limit 1000 |
		jq -c '[.conns[] | [.client, .state, .target, .ws, .close_side]] | sort'
}
# What it could change of a node: who owns and why, what the checks and signals say.
state_of() {
	lab_ctl "$1" status --json |
		jq -c '[.state, .reason, [.services[] | [.state, .reason, .trips]]]'
}
flood_over() { lab_gone client flood; }
# undisturbed GROUP: nothing after the first line, which says that all are up.
undisturbed() { [ "$(wc -l <"$LAB_DIR/group.$1")" = 1 ]; }
ports_of_players() {
	lab_ctl b conns --json --limit 1000 | jq -r '[.conns[].client | split(":")[1]] | join(",")'
}
replicated() { status_is b '.peers[0].replica.connections' $COUNT; }
# The packet path of the owner guesses no more.
settled() { status_is b '.peers[0].replica.warm' true && [ "$(age_ms b)" -gt 1500 ]; }
age_ms() { echo $(($(lab_now_ms) - MOVED_MS)); }
# sees NODE COUNT: drain counts them, and undrain ends it.
drain_says() {
	LAB_STDOUT=$LAB_DIR/drain.$1 lab_spawn "$1" drain "$LAB_BUILD/hokm-xdp" ctl \
		-s "$LAB_DIR/$1/hokm.sock" drain --wait
	lab_wait 10 grep -q "$2 left" "$LAB_DIR/drain.$1"
}

test_nodes a b
within 20 "the primary owns" owns a
must group carried
within 20 "players come" live_on a
within 10 "they are replicated" replicated
must ctl_ok a failover
within 10 "the backup owns" owns b
MOVED_MS=$(lab_now_ms)
must group here
within 20 "players come to it" live_on b
within 10 "nothing is guessed any more" settled

ports=$(ports_of_players)
before=$(counter a steered_in)
counted=$(entries b)
listed=$(players_on_list b)
states=$(state_of a)$(state_of b)
arrived=$(counter b packets_in)
# It does not wait for the test's own processes, so that a busy machine is flooded too.
LAB_STDOUT=$LAB_DIR/flood lab_spawn client flood "$LAB_BUILD/hokm-flood" --rate $RATE \
	--count $PACKETS --client "$(lab_addr client)" --ports "$ports" eth0 "$(lab_mac b)" \
	"$LAB_VIP:$LAB_PORT"
must lab_wait 240 flood_over
out=$(cat "$LAB_DIR/flood")
echo "# $out"
took=$(jq '.seconds | ceil' <<<"$out")
number_is "packets sent" "$(jq .sent <<<"$out")" -ge $PACKETS
# One in five is an ICMP error.
number_is "TCP segments of it that arrived" $(($(counter b packets_in) - arrived)) -gt \
	$((PACKETS / 2))
number_is "packets of it that reach the peer, a second" \
	$((($(counter a steered_in) - before) / took)) -lt 1000
holds "no entry of a player changed" [ "$(players_on_list b)" = "$listed" ]
holds "no state changed" [ "$(state_of a)$(state_of b)" = "$states" ]
holds "the carried players are not disturbed" undisturbed carried
holds "nor those of the owner" undisturbed here
holds "the peer counts its players" live_on a
holds "the owner counts its own" live_on b
number_is "connections more than before" $(($(entries b) - counted)) -eq 0
holds "drain counts them" drain_says b $COUNT
number_is "packets that changed nothing" "$(counter b out_of_window)" -gt 0
holds "the owner's daemon runs" lab_alive b daemon
test_end
