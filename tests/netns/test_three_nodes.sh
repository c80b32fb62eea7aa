#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Three nodes with priorities 110, 100 and 90; each has players that connected while it was owner.
# Wherever the VIP goes, all go on playing: a node steers a packet that it does not know to the
# holder that its replica names, and never guesses. When a node dies, the owner at that time
# notifies its clients and no others.
#
#   a -> b -> c   planned; group NAME is on node NAME; a is drained meanwhile, because it would
#                 otherwise be the successor of b
#   a             takes the VIP back by election, also after the next two steps
#   a dies        b owns and notifies group a
#   c dies        while a owns: a notifies group c

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/audience.sh
. "$TESTS_DIR/audience.sh"

EACH=12 # of each kind, in each group
GROUP=$((3 * EACH))
NOTICE_MS=1000
PLAYERS=0 # hokm-players only probes here

boots_again() { lab_node_alive "$1" && lab_game "$1" && lab_daemon "$1"; }
sees_all() { status_is "$1" '[.peers[] | .pulsing and .replica.warm] | all' true; }
peer_dead() {
	[ "$(status "$1" ".peers[] | select(.name == \"$(lab_name "$2")\") | .pulsing")" = false ]
}
all_see_all() {
	local node
	for node in a b c; do
		within 20 "$1: $(lab_name "$node") sees and knows both others" sees_all "$node"
	done
}
successor_is() { status_is "$1" .successor "$2"; }
local_players() {
	lab_ctl "$1" conns --json --limit 100000 --state established |
		jq '[.conns[] | select(.target == "local" and .ws == "open")] | length'
}
has_players() { [ "$(local_players "$1")" -ge "$2" ]; }
# Pings are frequent, so that all clients but the silent ones send packets after each move.
group() { audience "$1" client --ping 200 --sending "$EACH" --pinging "$EACH" --silent "$EACH"; }
talked() { counter_test "$1" steered_holder -ge "$2"; }

# moves_to NODE GROUP...: the owner hands over; these groups, none of which is on NODE, go on
# playing.
moves_to() {
	local node=$1 name words
	shift
	words="$(lab_name "$OWNER_NODE") to $(lab_name "$node")"
	for name in "$@"; do ask_audience "$name" mark; done
	observe_mark moves
	holds "$words: the owner takes the order" ctl_ok "$OWNER_NODE" failover --to \
		"$(lab_name "$node")"
	within 10 "$words: it owns" owns "$node"
	within 10 "$words: ARP shows it" owner_is "$node"
	OWNER_NODE=$node
	# A sending and a pinging player send a packet each; the new owner must find its holder.
	within 10 "$words: packets of each group reached their holder" talked "$node" \
		$((2 * EACH * $#))
	# Packets come between the two questions: the second number may be ahead of the first.
	number_is "$words: sent by a guess" \
		$(($(counter "$node" second_chance) - $(counter "$node" steered_holder))) -le 0
	observe_mark moved
	number_is "$words: attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 5
	number_is "$words: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	number_is "$words: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	for name in "$@"; do plays_on "$words: group $name" "$name"; done
}

# joins GROUP: its players connect to the owner, which must be node GROUP.
joins() {
	must group "$1"
	within 10 "group $1 comes in" gathered "$1"
	within 10 "group $1 is on $(lab_name "$1")" has_players "$1" "$GROUP"
}

# told_of NODE OWNER AFTER_MS: the clients of NODE noticed, notified by OWNER.
told_of() {
	local kind words
	words="$(lab_name "$1") dead"
	within 10 "$words: everybody of group $1 has noticed" noticed "$1"
	for kind in "${KINDS[@]}"; do
		number_is "$words: $kind players noticed, ms" \
			"$(notice_ms "$kind" "$3")" -le "$NOTICE_MS"
	done
	number_is "$words: of them by a RST" "$(field "$REPLY_AUDIENCE" reset)" -eq "$GROUP"
	within 10 "$words: an event of $(lab_name "$2") reports it" event "$2" peer takeover
}

planned() {
	joins a
	moves_to b a
	joins b
	must ctl_ok a drain
	within 10 "primary drained: the third is the backup's successor" successor_is b third
	moves_to c a b
	joins c
	must ctl_ok a undrain
	for node in a b c; do must ctl_ok "$node" ready; done
	back_on_the_primary "undrained" a b c
}

# back_on_the_primary WORDS GROUP...
back_on_the_primary() {
	local words=$1 name
	shift
	within 20 "$words: the primary owns by election" owns a
	within 10 "$words: ARP shows the primary" owner_is a
	for name in "$@"; do plays_on "$words: group $name" "$name"; done
}

owner_dies() {
	local before sent name
	for name in b c; do must lab_wait 20 knows_of a "$name" "$GROUP"; done
	for name in a c; do must lab_wait 20 knows_of b "$name" "$GROUP"; done
	mark_death a b c
	before=$(counter b told_dead)
	must lab_node_dead a
	within 10 "primary dead: the backup owns" owner_is b
	ask_arp status
	told_of a b "$(whole "$REPLY_ARP" moved_ms)"
	sent=$(($(counter b told_dead) - before))
	number_is "primary dead: RSTs and tickles, for its players" "$sent" -ge $((2 * GROUP))
	number_is "primary dead: the third tells nobody" "$(counter c told_dead)" -eq 0
	plays_on "primary dead: group b" b
	plays_on "primary dead: group c" c
	must boots_again a
	all_see_all "booted again"
	back_on_the_primary "booted again" b c
}

# The owner has the VIP already; the time counts from when it considers the node dead.
holder_dies() {
	local began_ms
	must lab_wait 20 knows_of a c "$GROUP"
	mark_death b c
	began_ms=$(lab_now_ms)
	must lab_node_dead c
	within 10 "third dead: the owner knows" peer_dead a c
	told_of c a $(($(lab_now_ms) - began_ms))
	plays_on "third dead: group b" b
	holds "third dead: the VIP stays" owner_is a
}

test_nodes a b c
all_see_all start
must lab_wait 20 owns a
must observe_start
must lab_wait 20 owner_is a
OWNER_NODE=a
planned
owner_dies
holder_dies
test_end
