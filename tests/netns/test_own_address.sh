#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A node gets another address while it runs, as from a DHCP server that has forgotten it: it can
# send no advert and no pulse, but its kernel still answers the pulses of its peer, and its game
# goes on serving. No node hands the VIP over to it: neither by order nor because its own game
# ended, whose players it steers there. An owner that loses its address is replaced. When the
# address is back, the node takes part again.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# new_address NODE, old_address NODE: in place of the other one.
new_address() {
	ip -n "$(lab_ns "$1")" addr del "$(lab_addr "$1")/24" dev eth0 &&
		ip -n "$(lab_ns "$1")" addr add "192.168.1.1${LAB_HOST[$1]}/24" brd + dev eth0
}
old_address() {
	ip -n "$(lab_ns "$1")" addr del "192.168.1.1${LAB_HOST[$1]}/24" dev eth0 &&
		ip -n "$(lab_ns "$1")" addr add "$(lab_addr "$1")/24" brd + dev eth0
}
lacks() { status_is "$1" .obstacle "own address is gone"; }
refuses() { ! lab_ctl "$@" >/dev/null 2>&1; }
new_players_on() {
	ask_players status
	field_is "$REPLY_PLAYERS" new_players_go_to "$(lab_name "$1")"
}
BEGAN_MS=
served() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 1000 ]; }

# Five times, with another mask and back: gone for less than a millisecond each time.
other_masks() {
	local i mask name
	name="$(lab_addr "$1")"
	for i in 1 2 3 4 5; do
		for mask in "24 25" "25 24"; do
			ip -n "$(lab_ns "$1")" -batch - <<-END || return 1
				addr del $name/${mask% *} dev eth0
				addr add $name/${mask#* } brd + dev eth0
			END
			lab_nap 0.2
		done
	done
}
never_gone() { ! log_says "$1" "own address of eth0 is gone"; }

test_pair
observe_mark begin
for NODE in a b; do
	must other_masks $NODE
	holds "another mask: $NODE reports nothing" never_gone $NODE
done
observe_mark masks
# While the address is gone the node has no route to the clients. An answer to a SYN of that moment
# is lost, and TCP repeats it after a second, longer than an attempt may take.
number_is "another mask: attempts failed, of 20 changes" \
	"$(field "$REPLY_PLAYERS" failed_attempts)" -le 20
number_is "another mask: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "another mask: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
number_is "another mask: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0

must new_address b
within 10 "the backup knows what it lacks" lacks b
within 10 "and leaves the election" reason_is b path-lost
within 10 "the log says it" log_says b "own address of eth0 is gone"
holds "the owner does not hand over to it" refuses a failover
must lab_kill a game KILL
within 10 "the game of the owner ended: new players go to the backup" new_players_on b
BEGAN_MS=$(lab_now_ms)
must lab_wait 10 served
holds "the owner keeps the VIP" owns a
must lab_game a
within 10 "its game is up again" service_is a up
within 10 "new players come to it again" new_players_on a
observe_mark kept
number_is "attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 50
number_is "attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
number_is "owner changes" "$(field "$REPLY_ARP" changes)" -eq 0

must old_address b
within 10 "the address is back: the backup takes part" state_is b backup
within 10 "the owner hands over to it" ctl_ok a failover
within 10 "the backup owns" owner_is b
within 10 "the players are well" calm
observe_mark back
unbroken "the address is back" 1

must new_address b
within 10 "the owner lost its address: the other node owns" owner_is a
within 10 "the former owner knows what it lacks" lacks b
within 10 "it is not owner" owns_not b
must old_address b
within 10 "its address is back: it takes part" state_is b backup
within 10 "the players are well again" calm
observe_mark owner
number_is "owner: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "owner: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
