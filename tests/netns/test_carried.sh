#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A player behind a router, whose connection is carried through a planned failover: another node
# owns the VIP, and receives all that the network sends to it.
#  - The link behind the router has an MTU of 1300, and the server sends segments of 1500 bytes. The
#    router reports "fragmentation needed" to the VIP: the report must reach the holder.
#  - The link before the router has an MTU of 600, and the player's segments may be fragmented: all
#    their fragments must reach the holder, for the owner's kernel would reset the connection.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

BYTES=60000
LIMIT_MS=2000

lab_bulk() { lab_spawn "$1" game "$TESTS_DIR/bulk.py" serve "$LAB_PORT"; }

player_start() {
	ASK=$LAB_DIR/player.ask
	SAYS=$LAB_DIR/log/inside.player
	mkfifo "$ASK" && exec 7<>"$ASK" &&
		LAB_STDIN=$ASK lab_spawn inside player \
			"$TESTS_DIR/bulk.py" ask "$LAB_VIP" "$LAB_PORT"
}
player_has() { [ "$(grep -c -- "$1" "$SAYS")" -ge "$2" ]; }

# fetches WORDS NTH BYTES [DIGITS]: the player asks for bytes, by a number of so many digits, and
# receives all of them in time.
fetches() {
	printf '%0*d\n' "${4:-1}" "$3" >&7
	must lab_wait 15 player_has '^got\|^lost' "$2"
	set -- "$1" "$(tail -n 1 "$SAYS")" "$3"
	holds "$1: all $3 bytes arrive ($2)" test "$(cut -d' ' -f2 <<<"$2")" = "$3"
	number_is "$1: ms until then" "$(cut -d' ' -f3 <<<"$2")" -lt "$LIMIT_MS"
}

path_mtu() { lab_run "$1" ip route get 10.77.0.2 from "$LAB_VIP" | grep -q 'mtu 1300'; }
replicated() { status_test b '.peers[0].replica.connections' -ge 1; }

must lab_up a b
must lab_route_up 1300
# Without "don't fragment" from the player.
must lab_run inside sh -c 'echo 1 >/proc/sys/net/ipv4/ip_no_pmtu_disc'
LAB_CONF_EXTRA='service game { check tcp { timeout = "5s" } }' must lab_conf a b
for node in a b; do
	must lab_bulk $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
within 20 "the primary owns" owns a
must player_start
must lab_wait 20 player_has '^connected' 1
fetches "before the move" 1 100
must lab_wait 20 replicated
must ctl_ok a failover
within 10 "the backup owns" owns b
fetches "after the move" 2 "$BYTES"
holds "the holder's kernel has learnt the path MTU" path_mtu a
number_is "reports sent on to the holder" "$(counter b icmp_steered)" -ge 1
must ip -n "$(lab_ns router)" link set eth0 mtu 600
fetches "in fragments" 3 100 1200
number_is "fragments sent on to the holder" "$(counter b fragments_steered)" -ge 2
number_is "resets by the owner's kernel" "$(counter b reset_server)" -eq 0
test_end
