#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three nodes, priorities 110, 100 and 90. Ownership goes through all of them while players are on each: a packet
# that the owner does not know goes to the node that told of its connection, not to a guess. Then two nodes die,
# and each time only the players of the dead one are told.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=30
declare -A OUT MOVES
peer() { status "$1" ".peers[] | select(.name == \"$(lab_name "$2")\") | $3"; }
knows() {
	[ "$(peer "$1" "$2" .replica.warm)" = true ] &&
		[ "$(peer "$1" "$2" .replica.connections)" = "$3" ]
}
players_here() {
	[ "$(lab_ctl "$1" conns --target local --state established --json | jq .total)" = "$2" ]
}
more_holders() { [ "$(counter "$1" steered_holder)" -ge "$2" ]; }
said() { [ "$(wc -l <"${OUT[$1]}")" -ge 2 ]; }
silent() { ! said "$1"; }
ended() { jq -sr '.[1].ended' "${OUT[$1]}"; }
last_ms() { jq -sr '.[1].last_ms' "${OUT[$1]}"; }

# A player that talks, by its standard input.
mover_start() {
	mkfifo "$LAB_DIR/mover.$1"
	MOVES[$1]=$LAB_DIR/moved.$1
	: >"${MOVES[$1]}"
	exec {fd}<>"$LAB_DIR/mover.$1"
	LAB_STDIN=$LAB_DIR/mover.$1 LAB_STDOUT=${MOVES[$1]} lab_spawn client "mover.$1" \
		"$TESTS_DIR/../stub/mover.py" "$LAB_VIP" "$LAB_PORT"
	eval "MOVER_$1=$fd"
	lab_wait 10 moved "$1" 1
}
moved() { [ "$(wc -l <"${MOVES[$1]}")" -ge "$2" ]; }
# moves NODE N: its N-th line comes after three moves.
moves() {
	local fd="MOVER_$1"
	echo 3 >&"${!fd}"
	lab_wait 10 moved "$1" "$2"
}

# join NODE: players come while NODE owns.
join() {
	within 20 "join: $1 owns" owns "$1"
	within 20 "join: players come to $1" listeners_start client $COUNT 120
	mv "$LISTENERS_OUT" "$LISTENERS_OUT.$1"
	OUT[$1]=$LISTENERS_OUT.$1
	mv "$LAB_DIR/pid/client.listeners" "$LAB_DIR/pid/client.listeners.$1"
	holds "join: and one that talks" mover_start "$1"
	within 10 "join: they live on $1" players_here "$1" $((COUNT + 1))
}

test_nodes a b c
join a
for other in b c; do within 10 "$other knows the players of a" knows $other a $((COUNT + 1)); done
holds "failover to b" told a failover
join b
for other in a c; do within 10 "$other knows the players of b" knows $other b $((COUNT + 1)); done
must told a maint
holds "failover to c" told b failover
join c
for other in a b; do within 10 "$other knows the players of c" knows $other c $((COUNT + 1)); done
holds "the player of a talks through c" moves a 2
holds "the player of b talks through c" moves b 2
holds "the player of c talks" moves c 2
holds "c sent both to their holders" more_holders c 2
must told a ready
within 20 "a owns again" owns a
holds "the player of c talks through a" moves c 3
holds "the player of b talks through a" moves b 3
holds "the player of a talks" moves a 3
holds "a sent both to their holders" more_holders a 2
for node in a b c; do holds "nobody on $node was broken" silent $node; done

# c holds players and owns nothing: the owner tells them.
must lab_node_dead c
within 10 "c dies: its players are told" said c
number_is "c dies: all of them" "$(ended c)" -eq $COUNT
holds "c dies: by a" event a peer takeover
for node in a b; do
	holds "c dies: nobody on $node was told" silent $node
	holds "c dies: the player of $node talks" moves $node 4
done

# a owns and holds players.
must lab_node_dead a
within 10 "a dies: b owns" owns b
within 10 "a dies: its players are told" said a
number_is "a dies: all of them" "$(ended a)" -eq $COUNT
number_is "a dies: ms until the last, from the new owner's first" \
	$(($(last_ms a) - $(event_ms b state "-> master"))) -le 150
holds "a dies: nobody on b was told" silent b
holds "a dies: the player of b talks" moves b 5
test_end
