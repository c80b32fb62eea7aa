#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Clients with a wrong ARP entry. First one node alone, which is not owner: it drops and counts a
# new connection, because no node may take it. Then two nodes and fifty players whose neighbour
# entry points to the node that is not owner: it steers established and new connections, and no
# player notices. It goes on so when its daemon is stopped, for the time of the key linger; what it
# leaves then is steering alone, and `cleanup` removes it at once.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

# arp_says NODE: sets the entry of the client for the VIP to the MAC of NODE.
arp_says() {
	ip -n "$(lab_ns client)" neigh replace "$LAB_VIP" lladdr \
		"$(lab_mac "$1")" dev eth0 nud permanent
}
arp_forgets() { ip -n "$(lab_ns client)" neigh del "$LAB_VIP" dev eth0; }

# connects: opens a TCP connection to the game; 0 when it is established, 1 when it is refused,
# 124 without an answer.
connects() { lab_run client timeout 0.7 bash -c "exec 3<>/dev/tcp/$LAB_VIP/$LAB_PORT" 2>/dev/null; }
is_ignored() {
	connects
	[ $? = 124 ]
}

# The same from the map: a stopped daemon answers nothing.
pinned_counter() {
	bpftool -j map dump pinned "$(lab_pins "$1")/counters" |
		jq "[.[].formatted.values[].value.$2] | add"
}
rose_since() { counter_test "$1" "$2" -gt "$3"; }
not_owner_by_map() {
	[ "$(bpftool -j map dump pinned "$(lab_pins "$1")/own" |
		jq ".[0].formatted.value.lease_until_ns < $(boot_ns)")" = true ]
}
boot_ns() { python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_BOOTTIME))'; }
new_players_go_to() {
	ask_players status
	[ "$(field "$REPLY_PLAYERS" new_players_go_to)" = "$(lab_name "$1")" ]
}

# Adverts every 4 s: it stays backup for 14 s before it may own.
fenced_backup() {
	must lab_daemon a
	within 10 "alone: the service is up" service_is a up
	within 10 "alone: it is backup" state_is a backup
	must arp_says a
	holds "alone, backup: a new connection is not answered" is_ignored
	number_is "alone, backup: its SYN was dropped and counted" \
		"$(counter a drop_syn_fenced)" -ge 1
	number_is "alone, backup: no SYN reached the game" "$(counter a syn_local)" -eq 0
	number_is "alone, backup: nor was it steered" "$(counter a steered_owner)" -eq 0
	within 10 "alone, backup: an event tells it" event a drop drop_syn_fenced
	holds "alone, backup: it is still backup" state_is a backup
	must lab_stop a daemon
}

# The lease of an unresponsive daemon ends, and the kernel stops accepting new connections.
fenced_owner() {
	local before
	LAB_CONF_EXTRA=$PATIENT LAB_LINGER=10m must lab_conf a b
	must lab_daemon a
	within 10 "alone: it owns" owns a
	holds "alone, owner: a new connection is served" connects
	before=$(counter a drop_syn_fenced)
	must lab_kill a daemon STOP
	within 10 "alone, unresponsive: the lease ends" not_owner_by_map a
	holds "alone, unresponsive: a new connection is not answered" is_ignored
	number_is "alone, unresponsive: its SYN was dropped and counted" \
		"$(pinned_counter a drop_syn_fenced)" -gt "$before"
	must lab_kill a daemon CONT
	within 10 "alone, goes on: it owns again" owns a
	within 10 "alone, goes on: new connections are served" connects
	must arp_forgets
}

nobody_under_way() {
	ask_players status
	field_is "$REPLY_PLAYERS" under_way 0
}

# The entry of the client changes while no attempt is under way: NODE never saw the SYN of such an
# attempt, and leaves its other packets to its own kernel until a replica names the connection.
arp_says_between_attempts() {
	echo pause >&"$PLAYERS_IN"
	lab_wait 20 nobody_under_way && arp_says "$1" && echo go >&"$PLAYERS_IN"
}

stale() {
	local node=$1 owner=$2 syn conn
	syn=$(counter "$node" steered_owner) conn=$(counter "$node" steered_conn)
	observe_mark stale
	must arp_says_between_attempts "$node"
	within 10 "stale ARP: new connections are steered to the owner" rose_since "$node" \
		steered_owner $((syn + 10))
	within 10 "stale ARP: established ones too" rose_since "$node" steered_conn \
		$((conn + 10 * PLAYERS))
	holds "stale ARP: each got its second chance first" test \
		"$(counter "$node" second_chance)" -ge "$PLAYERS"
	holds "stale ARP: the owner saw where they came from" test \
		"$(counter "$owner" syn_steered_in)" -ge 10
	holds "stale ARP: the owner serves the new ones" new_players_go_to "$owner"
	within 10 "stale ARP: the players are well" calm
	holds "stale ARP: the players are where they were" players_on "$owner"
	observe_mark true
	unbroken "stale ARP"
	number_is "stale ARP: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 100
	must arp_forgets
	within 10 "true ARP again: the players are well" calm
	observe_mark end
	unbroken "true ARP again"
	number_is "nothing was steered in a circle: packets steered back" \
		"$(($(counter "$owner" steered_conn) + $(counter "$owner" second_chance)))" -eq 0
}

# steered_since NODE COUNTER: the programs of the stopped node have steered more than that.
steered_since() { [ "$(pinned_counter "$1" steered_owner)" -gt "$2" ]; }
# No route and no address of the VIP: an interface that is made again would answer ARP for it.
has_no_route() { [ -z "$(ip -n "$(lab_ns "$1")" route show table all "$LAB_VIP")" ]; }

stopped() {
	local syn
	observe_mark stopped
	must lab_stop b daemon
	# Only now: a node with a daemon leaves the packets of an attempt that it did not see begin
	# to its own kernel.
	must arp_says b
	syn=$(pinned_counter b steered_owner)
	within 20 "stopped: new connections are steered to the owner" steered_since b \
		$((syn + 20))
	within 10 "stopped: the players are well" calm
	holds "stopped: the players are where they were" players_on a
	observe_mark end
	unbroken "stopped"
	holds "stopped: it has no route of the VIP" has_no_route b
	holds "stopped: it has no address of the VIP" has_no_vip b
	lab_spawn b waiter "$HOKM" cleanup --wait -c "$LAB_DIR/b/hokm-xdp.conf"
	within 20 "stopped: cleanup --wait waits" grep -q "waiting: new connections" \
		"$LAB_DIR/log/b.waiter"
	must lab_daemon b
	within 20 "started again: it is ready" hokm_ready b
	within 30 "started again: cleanup --wait ends" lab_gone b waiter
	holds "started again: and removes nothing" \
		grep -q "a daemon runs" "$LAB_DIR/log/b.waiter"
	holds "started again: the programs are there" test -e "$(lab_pins b)/link_ingress"
	must arp_forgets
	within 10 "started again: the players are well" calm
	must lab_stop b daemon
	holds "stopped again: the programs are there" test -e "$(lab_pins b)/link_ingress"
	holds "stopped again: cleanup is done at once" \
		lab_run b "$HOKM" cleanup -c "$LAB_DIR/b/hokm-xdp.conf"
	as_before "cleanup" b
	within 10 "after cleanup: the players are well" calm
	observe_mark end
	unbroken "started again"
}

must lab_up a b
LAB_CONF_EXTRA="$PATIENT vrrp { advert = 4s }" must lab_conf a b
must lab_game a
fenced_backup
fenced_owner
must lab_game b
must footprint_take b
must lab_daemon b
must lab_wait 20 hokm_ready a
must lab_wait 20 hokm_ready b
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
stale b a
stopped
test_end
