#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Pulses that are forged, replayed or malformed. Each is counted by its reason and changes
# nothing. Real pulses are captured and put back on the wire between the switch and the node,
# unchanged or changed. Forgers elsewhere on the segment send with their own MAC.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$(dirname "$0")/bad_input.sh"

ADDR_A=$(lab_addr a) ADDR_B=$(lab_addr b)
FILE=$LAB_DIR/pulses.pcap

# Forty frames hold probes and answers of both directions, twenty times over.
capture() {
	lab_run sw tcpdump -i p-a -w "$FILE" -c 40 -U --immediate-mode udp port 8766 2>/dev/null
}

# as_peer NODE ARG...: arguments for send that put frames before NODE with the address and the MAC
# of its peer.
as_peer() {
	local node=$1 other=b
	shift
	[ "$node" = a ] || other=a
	port "$node" $other --dst "$(lab_addr "$node")" "$@"
}

# bad WORDS COUNTER CHANGE: sends a changed probe and a changed answer to both nodes.
bad() {
	local node kind
	for node in a b; do
		for kind in probe answer; do
			# shellcheck disable=SC2046 # words are wanted
			counted "$1 ($kind)" counter $node "$2" -- \
				$(as_peer $node pulse "$FILE" $kind "$3")
		done
	done
}

replayed() {
	bad "replayed" drop_pulse_replay replay
	bad "replayed in another packet" drop_pulse_replay same
}

forged() {
	local change
	for change in tag lease epoch newer; do
		bad "forged: $change" drop_pulse_tag $change
	done
	# shellcheck disable=SC2046
	counted "forged: the owner has let go" counter b drop_pulse_tag -- \
		$(as_peer b pulse "$FILE" answer no-lease)
}

malformed() {
	local change
	for change in version next kind magic vrid; do
		bad "wrong $change" drop_pulse_version $change
	done
	for change in short long empty; do
		bad "wrong length: $change" drop_pulse_short $change
	done
	# shellcheck disable=SC2046 # words are wanted
	counted "TTL 1" counter a drop_pulse_ttl -- $(as_peer a --ttl 1 pulse "$FILE" answer same)
	# shellcheck disable=SC2046
	counted "TTL 254" counter b drop_pulse_ttl -- \
		$(as_peer b --ttl 254 pulse "$FILE" probe same)
	counted "from no peer" counter a drop_pulse_source -- \
		client --dst "$ADDR_A" --dmac "$(lab_mac a)" pulse "$FILE" probe same
	counted "from no peer" counter b drop_pulse_source -- \
		client --dst "$ADDR_B" --dmac "$(lab_mac b)" pulse "$FILE" answer same
	counted "under a peer's address from afar" counter a drop_pulse_tag -- client \
		--src "$ADDR_B" --dst "$ADDR_A" --dmac "$(lab_mac a)" pulse "$FILE" answer lease
	counted "relayed under another MAC" counter a drop_pulse_mac -- client \
		--src "$ADDR_B" --dst "$ADDR_A" --dmac "$(lab_mac a)" pulse "$FILE" answer same
}

# A node's own pulses, sent back to it as its peer's: an attacker between the nodes needs no key
# for that.
reflected() { bad "reflected" drop_pulse_tag reflect; }

# Pulses from before the restart of the daemon: a probe may be answered, because the answer
# reveals nothing; an answer must be dropped.
former_life() {
	local before
	# shellcheck disable=SC2046
	counted "answer to a former daemon" counter a drop_pulse_nonce -- \
		$(as_peer a pulse "$FILE" answer replay)
	before=$(counter b drop_pulse_replay)
	# shellcheck disable=SC2046
	must send $(as_peer b pulse "$FILE" probe replay)
	within 10 "probe of a former daemon: counted when repeated" \
		repeated b $((before + 1))
}
repeated() { counter_test "$1" drop_pulse_replay -ge "$2"; }

peer_is_well() {
	[ "$(status "$1" '.peers[0] | "\(.pulsing) \(.daemon_fresh) \(.services_up) \(.mac)"')" = \
		"true true 1 $(lab_mac "$2")" ]
}

nothing_changed() {
	unmoved "$1"
	within 10 "$1: the owner knows its peer" peer_is_well a b
	within 10 "$1: the backup knows its peer" peer_is_well b a
}

test_pair
must capture
remember
replayed
nothing_changed "replayed"
remember
forged
nothing_changed "forged"
remember
malformed
nothing_changed "malformed"
remember
reflected
nothing_changed "reflected"

must lab_kill a daemon KILL
must lab_wait 20 owns b
must lab_daemon a
must lab_wait 20 owns a
must lab_wait 20 calm
remember
former_life
nothing_changed "former life"
test_end
