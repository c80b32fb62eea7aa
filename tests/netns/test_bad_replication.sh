#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# Replication messages that are forged, malformed, replayed or out of order. Each is counted by
# its reason and changes nothing: both replicas stay the same to the byte, the owner stays owner,
# no connection breaks. Real messages are captured while connections are opened and closed, and
# put back on the wire between the switch and the node, unchanged or changed. Forgers elsewhere on
# the segment send with their own MAC.
#
#   guard          messages that the packet path drops
#   forged         messages that the daemon discards
#   replayed       the whole recording again
#   former life    the recording once more after each daemon was killed and started again
#   out of order   a relay between the nodes (relay.py) swaps and repeats real messages

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$TESTS_DIR/bad_input.sh"
# shellcheck source=tests/netns/replication.sh
. "$TESTS_DIR/replication.sh"

ADDR_A=$(lab_addr a) ADDR_B=$(lab_addr b)
FILE=$LAB_DIR/replication.pcap
ON_A=40 ON_B=20
QUIET_MS=2500 # renewals come up to two walks, of a second each, after the last byte
export LAB_CONF_EXTRA="$SERVICE vrrp { preempt_delay = \"300ms\" }"

other_of() { [ "$1" = a ] && echo b || echo a; }

# as_peer NODE ARG...: arguments for send that put frames before NODE with the address and the MAC
# of its peer.
as_peer() {
	local node=$1
	shift
	port "$node" "$(other_of "$node")" --dst "$(lab_addr "$node")" "$@"
}

fault() { repl "$1" ".faults.\"$2\""; }
faults() { repl "$1" '.faults | add'; }
at_least() { [ "$("${@:2}")" -ge "$1" ]; }

dump() { bpftool -j map dump pinned "$(lab_pins "$1")/replica" >"$2"; }

# Both replicas have not changed for a while. Each look starts four programs, so there are few.
QUIET_SINCE=0
is_quiet() {
	local node
	lab_nap 0.2
	for node in a b; do
		dump $node "$LAB_DIR/quiet.new" || return 1
		if ! cmp -s "$LAB_DIR/quiet.new" "$LAB_DIR/quiet.$node"; then
			mv "$LAB_DIR/quiet.new" "$LAB_DIR/quiet.$node"
			QUIET_SINCE=$(lab_now_ms)
		fi
	done
	[ $(($(lab_now_ms) - QUIET_SINCE)) -ge $QUIET_MS ]
}

remember_all() {
	local node
	must lab_wait 60 is_quiet
	for node in a b; do must dump $node "$LAB_DIR/replica.$node"; done
	FACTS_A=$(facts a) FACTS_B=$(facts b)
	BEGAN_A=$(began a) BEGAN_B=$(began b)
	LISTS="$(repl a .resyncs) $(repl b .resyncs)"
}

same_replica() {
	dump "$1" "$LAB_DIR/replica.now" && cmp "$LAB_DIR/replica.now" "$LAB_DIR/replica.$1"
}

nothing_changed() {
	local node
	for node in a b; do
		holds "$1: the replica of $(lab_name $node) is the same to the byte" same_replica \
			$node
		within 10 "$1: $(lab_name $node) still knows all" warm $node
	done
	holds "$1: no list was sent again" test "$(repl a .resyncs) $(repl b .resyncs)" = "$LISTS"
	holds "$1: the owner is as it was" test "$(facts a)" = "$FACTS_A"
	holds "$1: the backup is as it was" test "$(facts b)" = "$FACTS_B"
	same_moment "$1: the owner did not change in between" "$(began a)" "$BEGAN_A"
	same_moment "$1: nor did the backup" "$(began b)" "$BEGAN_B"
	knows_all "$1" $ON_A $ON_B
}

# Opens connections that stay on both nodes, and opens and closes others on both while every
# message is recorded.
record() {
	lab_spawn sw capture tcpdump -i p-a -w "$FILE" -U --immediate-mode udp port 8767
	must lab_wait 20 grep -q 'listening on' "$LAB_DIR/log/sw.capture"
	must hold on-a $ON_A
	churn "recorded, primary" 200 1
	must lab_wait 20 lab_ctl a failover >/dev/null
	must lab_wait 20 owns b
	must hold on-b $ON_B
	churn "recorded, backup" 200 1
	must lab_wait 20 lab_ctl b failover >/dev/null
	must lab_wait 20 owns a
	knows_all "recorded" $ON_A $ON_B
	must lab_stop sw capture
}

# bad WORDS CMD NAME CHANGE [KIND...]: sends changed messages to both nodes, of both kinds or of
# the kinds named.
bad() {
	local words=$1 cmd=$2 name=$3 change=$4 node kind
	shift 4
	[ $# -gt 0 ] || set -- control data
	for node in a b; do
		for kind in "$@"; do
			# shellcheck disable=SC2046 # words are wanted
			counted "$words ($kind)" "$cmd" $node "$name" -- \
				$(as_peer $node repl "$FILE" "$kind" "$change")
		done
	done
}

guard() {
	local node ttl
	for node in a b; do
		for ttl in 1 254; do
			# shellcheck disable=SC2046 # words are wanted
			counted "TTL $ttl" counter $node drop_repl_ttl -- \
				$(as_peer $node --ttl $ttl repl "$FILE" data same)
		done
		counted "from no peer" counter $node drop_repl_source -- client \
			--dst "$(lab_addr $node)" --dmac "$(lab_mac $node)" repl "$FILE" data same
	done
	bad "no payload" counter drop_repl_short empty data
	bad "a byte less than the shortest" counter drop_repl_short tiny data
	bad "a byte more than the longest" counter drop_repl_short long data
	bad "another length in the UDP header" counter drop_repl_short udp-length data
	bad "a fragment" counter drop_repl_short fragment data
}

forged() {
	local change
	for change in magic version kind vrid; do
		bad "wrong $change" fault version $change
	done
	bad "a byte is missing" fault short cut data
	bad "a record more than it says" fault short more
	bad "a record less than it says" fault short count
	for change in tag session number; do
		bad "forged: $change" fault tag $change
	done
	bad "forged: clock" fault tag clock control
	bad "its own, sent back to it" fault tag reflected
	bad "forged: record" fault tag record data
	counted "under a peer's address from afar" fault a tag -- client --src "$ADDR_B" \
		--dst "$ADDR_A" --dmac "$(lab_mac a)" repl "$FILE" data record
	counted "under a peer's address from afar" fault b tag -- client --src "$ADDR_A" \
		--dst "$ADDR_B" --dmac "$(lab_mac b)" repl "$FILE" data record
}

# again WORDS: sends the whole recording to both nodes; every message must be counted as a fault.
again() {
	local node n before
	for node in a b; do
		before=$(faults $node)
		# shellcheck disable=SC2046 # words are wanted
		n=$(send_once $(as_peer $node repl "$FILE" all))
		number_is "$1: messages sent once more to $(lab_name $node)" "$n" -ge 20
		within 10 "$1: all of them are counted" at_least $((before + n)) faults $node
	done
}

replayed() {
	bad "replayed" fault replay replay
	bad "replayed in another packet" fault replay same
	again "replayed"
}

# former_life NODE: kills and restarts its daemon; every recorded message to and from the old
# daemon is void.
former_life() {
	local words
	words="former life of $(lab_name "$1")"
	must lab_kill "$1" daemon KILL
	must lab_wait 20 lab_gone "$1" daemon
	must lab_daemon "$1"
	must lab_wait 20 hokm_ready "$1"
	must lab_wait 20 owns a
	both_warm "$words"
	remember_all
	bad "$words: replayed" fault session replay data
	again "$words"
	nothing_changed "$words"
}

# out_of_order MODE FAULT
out_of_order() {
	local before
	before=$(fault b "$2")
	lab_spawn a relay "$TESTS_DIR/relay.py" "/run/netns/$(lab_ns sw)" p-b "$1"
	must lab_wait 20 grep -q carrying "$LAB_DIR/log/a.relay"
	must way hokm_lose_all a
	must hold "on-a-$1" 30
	churn "$1" 300 1
	within 10 "$1: counted ($2)" at_least $((before + 10)) fault b "$2"
	knows_all "$1" $((ON_A + 30)) $ON_B
	must way hokm_lab_pass a
	must lab_stop a relay
	rm -f "$LAB_DIR/log/a.relay"
	unbroken_hold "$1" "on-a-$1"
	knows_all "$1, afterwards" $ON_A $ON_B
}

must lab_up a b
must lab_conf a b
echo_pair
record

remember_all
guard
nothing_changed "guard"
forged
nothing_changed "forged"
replayed
nothing_changed "replayed"
former_life b
former_life a
out_of_order swap order
out_of_order double replay
unbroken_hold "the end, primary" on-a
unbroken_hold "the end, backup" on-b
test_end
