#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone, 40 s
#
# Honest logins over 200 ms of round trip during a flood of SYNs (hokm-flood), 100,000 a second if
# the machine can do it. The listener answers with SYN cookies always, because a machine that is
# too slow for the flood would not bring it to that (tcp_syncookies = 2), and the half-open entries
# of the logins are replaced before their handshakes are complete. Replication is blocked, so that
# packets of unknown connections go to the peer, which cannot know the cookies: all namespaces of a
# kernel share their secret, so the other node makes and takes none (tcp_syncookies = 0). No login
# is lost: at the owner, and where a router goes on sending to the former owner, which steers.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/ws/link.sh
. "$TESTS_DIR/../ws/link.sh"

LOGINS=90
export LAB_MAX_CONNECTIONS=4096 # so there are few places for half-open ones
RATE=100000
DELAY=delay=100-100 # ms, in each direction

block_replication() {
	lab_run "$1" nft "table inet fault {
		chain input {
			type filter hook input priority filter
			udp dport 8767 drop
		}
	}"
}
cookies() { lab_run "$1" sysctl -qw net.ipv4.tcp_syncookies="$2"; }
# The way of the SYN-ACKs to the addresses of the flood. The client does not forward them.
flood_route() { ip -n "$(lab_ns "$1")" route add 10.0.0.0/8 via "$(lab_addr client)"; }
flood_for() {
	LAB_STDOUT=$LAB_DIR/flood lab_spawn client flood "$LAB_BUILD/hokm-flood" --syn \
		--rate $RATE --count 100000000 --seconds "$1" eth0 \
		"$(lab_mac a)" "$LAB_VIP:$LAB_PORT"
}
login() { # NAME
	LAB_STDOUT=$LAB_DIR/logins.$1 lab_spawn client1 "$1" "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count $LOGINS --seconds 120
}
logins_end() { [ -s "$LAB_DIR/logins.$1" ] || lab_gone client1 "$1"; }
up() { jq -s '.[0].up' "$LAB_DIR/logins.$1"; }
# The packet path of the owner guesses no more.
settled() { status_is a '.peers[0].replica.warm' true; }
moved_long_ago() { [ $(($(lab_now_ms) - MOVED_MS)) -gt 1500 ]; }
flooded() { [ "$(counter a syn)" -gt "$1" ]; }

# logins_succeed NAME: all of them during a flood that fills every place of half-open entries.
logins_succeed() {
	flood_for 60
	must lab_wait 10 flooded $(($(counter a syn) + 50000))
	login "$1"
	must lab_wait 60 logins_end "$1"
	must lab_kill client flood TERM
	must lab_wait 20 lab_gone client flood
	number_is "$1: logins that succeed, of $LOGINS" "$(up "$1")" -eq $LOGINS
}

test_nodes a b
must lab_node_up client1
must link_insert client1
must link_start client1 --to-right "$DELAY" --to-left "$DELAY"
for node in a b; do must flood_route $node; done
must cookies a 2
must cookies b 0
# It would wait with preempting for a replica that is complete.
within 20 "the primary owns" owns a
for node in a b; do must block_replication $node; done
within 20 "its replica is not complete" status_is a '.peers[0].replica.warm' false

logins_succeed owner
number_is "owner: logins by cookie" "$(counter a local_socket)" -ge 10
number_is "owner: packets of them that were nobody's" "$(counter a unknown_pass)" -eq 0
number_is "owner: half-open entries that were replaced" "$(counter a half_open_evicted)" -ge 50000

for node in a b; do must lab_run $node nft delete table inet fault; done
must cookies a 0
must cookies b 2
within 20 "the replica is complete" settled
must ctl_ok a failover
within 10 "the peer owns" owns b
# A router that goes on sending to the former owner.
must ip -n "$(lab_ns client1)" neigh replace "$LAB_VIP" lladdr "$(lab_mac a)" \
	nud permanent dev eth0
MOVED_MS=$(lab_now_ms)
within 10 "nothing is guessed any more" moved_long_ago
before=$(counter a second_chance)
logins_succeed steered
number_is "steered: handshakes that were guessed" $(($(counter a second_chance) - before)) -ge 10
holds "the owner is the same" owns b
test_end
