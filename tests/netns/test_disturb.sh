#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 95 s
#
# Others disturb both nodes at random: addresses, routes, queueing disciplines, filters, also one
# that drops all, the XDP link, pins, the link, the interface, its MAC address and MTU, its ARP, a
# bridge that takes it as a port, sysctls, the control socket, reloads, pauses and kills of the
# daemon, kills of its agent. A few at a time; then everybody is quiet. Each time one node owns
# soon, and only one, a client without an ARP entry reaches the game, and the other node is ready to
# take over. At no time do two nodes answer. When the daemons end, nothing of theirs is left.
#
#   DISTURB_SEED      the same number makes the same disturbances in the same order   (1)
#   DISTURB_SECONDS   how long at least                                               (60)
#   DISTURB_LEAST     disturbances that must have been made                           (seconds)
#   DISTURB_BURST     at most so many at a time                                       (5)
#
# `make soak` takes 600 s, 1000 disturbances, up to 15 at a time, and another seed each time.

PLAYERS=10
# As by default: when its cable is back the switch may forward nothing for a second.
export LAB_START_DELAY=40s
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

SEED=${DISTURB_SEED:-1}
SECONDS_LONG=${DISTURB_SECONDS:-60}
LEAST=${DISTURB_LEAST:-$SECONDS_LONG}
MANY=${DISTURB_BURST:-5}
# A second of calm is what each burst must be followed by. It may begin later: a killed daemon is
# started again after up to 0.3 s, loads its programs and listens first; an interface that was made
# again is in use within five seconds; the primary preempts the VIP after two. Busy processors make
# all of that longer, and this test measures no time.
PATIENCE_S=40

# A busy machine may take so many times as long for DISTURB_LEAST, in thousandths.
MOST=4000
DONE=$LAB_DIR/log/sw.disturb

# A number from 0 to N - 1, in CHANCE. No command substitution: a subshell has its own sequence.
chance() { CHANCE=$((RANDOM % $1)); }
pick() {
	chance $#
	shift "$CHANCE"
	PICKED=$1
}
nap_below_ms() {
	chance "$1"
	lab_nap "0.$(printf %03d "$CHANCE")"
}

in_node() { ip -n "$(lab_ns "$NODE")" "$@" 2>>"$DONE"; }
tc_node() { lab_run "$NODE" tc "$@" 2>>"$DONE"; }

# ---- the daemons ----

# run_daemon NODE: one more run. FROM has the first line of its log.
declare -A FROM=([a]=1 [b]=1)
run_daemon() {
	FROM[$1]=$(($(wc -l <"$LAB_DIR/log/$1.daemon") + 1))
	lab_daemon "$1"
}
# A start may fail because others have the VIP, or took away the address, the interface or the pins
# meanwhile. The daemon ends then, and has logged it.
refused_its_start() {
	tail -n "+${FROM[$1]}" "$LAB_DIR/log/$1.daemon" | grep "could not start: " >>"$DONE"
}
# judge_end NODE: nobody killed it, but does it run?
judge_end() {
	lab_gone "$1" daemon || return 0
	if refused_its_start "$1"; then
		REFUSED=$((REFUSED + 1))
	else
		WRONG_ENDS+=("$1 ended by itself after$BURST")
	fi
}
# As its unit does.
start_again() {
	lab_gone "$1" daemon || return 0
	judge_end "$1"
	run_daemon "$1"
}

# ---- disturbances, of NODE. What they take away may be away already. ----

del_vip() { in_node addr del "$LAB_VIP/32" dev eth0; }
del_route() { in_node route del local "$LAB_VIP" dev lo table local; }
del_both() {
	del_vip
	del_route
}
flush_routes() { in_node route flush table local proto 0x48; }
# Another program configures the VIP as its own address, and takes it away. Not on an interface that
# was made again a moment ago: until our program is there nothing keeps the kernel from answering.
foreign_vip() {
	lab_wait 20 has_program "$NODE"
	in_node addr add "$LAB_VIP/24" dev eth0
	nap_below_ms 200
	in_node addr del "$LAB_VIP/24" dev eth0
}
flush_addrs() {
	in_node addr flush dev eth0
	nap_below_ms 300
	lab_address "$NODE" 2>>"$DONE"
}
# As a lease that is renewed with another mask.
other_mask() {
	in_node addr add "$(lab_addr "$NODE")/20" brd + dev eth0
	in_node addr del "$(lab_addr "$NODE")/24" dev eth0
	nap_below_ms 300
	lab_address "$NODE" 2>>"$DONE"
	in_node addr del "$(lab_addr "$NODE")/20" dev eth0
}
del_clsact() { tc_node qdisc del dev eth0 clsact; }
del_filter() { tc_node filter del dev eth0 egress; }
other_root() {
	tc_node qdisc replace dev eth0 root pfifo limit 1000
	nap_below_ms 200
	tc_node qdisc del dev eth0 root
}
# XDP_PASS is TC_ACT_SHOT to a filter.
drop_all() {
	tc_node filter add dev eth0 egress prio 1 handle 1 bpf da obj "$LAB_PASS" sec xdp
	nap_below_ms 600
	tc_node filter del dev eth0 egress prio 1
}
detach_xdp() { lab_run "$NODE" bpftool link detach pinned "$(lab_pins "$NODE")/link_ingress"; }
del_pins() { rm -f "$(lab_pins "$NODE")"/*; }
link_down_up() {
	in_node link set eth0 down
	nap_below_ms 600
	in_node link set eth0 up
}
cable_out_in() {
	lab_link "$NODE" down
	nap_below_ms 600
	lab_link "$NODE" up
}
no_arp() {
	in_node link set eth0 arp off
	nap_below_ms 600
	in_node link set eth0 arp on
}
bridge_port() {
	in_node link add br9 type bridge
	in_node link set eth0 master br9
	nap_below_ms 600
	in_node link set eth0 nomaster
	in_node link del br9
}
new_mac() {
	chance 256
	in_node link set eth0 address \
		"$(printf '02:00:00:00:%02x:%02x' "$(lab_host "$NODE")" "$CHANCE")"
}
new_mtu() {
	in_node link set eth0 mtu 1400
	nap_below_ms 200
	in_node link set eth0 mtu 1500
}
# Not while the daemon is dead, nor before it has seen that the interface is gone: nobody else keeps
# the new interface from answering ARP for the VIP (docs/troubleshooting.md, known limits).
new_interface() {
	lab_wait 20 lab_ready "$NODE"
	in_node link del eth0
	lab_wait 10 has_no_route "$NODE"
	nap_below_ms 400
	lab_cable "$NODE"
	nap_below_ms 200
	lab_address "$NODE"
}
write_sysctl() {
	local where name value
	pick eth0 all
	where=$PICKED
	pick arp_ignore arp_announce rp_filter proxy_arp
	name=$PICKED
	chance 2
	value=$CHANCE
	lab_run "$NODE" sysctl -q "net.ipv4.conf.$where.$name=$value"
}
del_socket() { rm -f "$LAB_DIR/$NODE/hokm.sock" "$LAB_DIR/$NODE/hokm.sock.lock"; }
agent_killed() {
	local daemon
	daemon=$(lab_pid "$NODE" daemon)
	[ -z "$daemon" ] || pkill -KILL -P "$daemon"
}
# Not a process that is not yet the program: nobody can keep SIGHUP from ending that.
reload() {
	lab_wait 20 holds_hangups "$NODE"
	lab_kill "$NODE" daemon HUP
}
pause() {
	lab_kill "$NODE" daemon STOP
	nap_below_ms 800
	lab_kill "$NODE" daemon CONT
}
killed() {
	judge_end "$NODE"
	lab_kill "$NODE" daemon KILL
	lab_wait 10 lab_gone "$NODE" daemon
	nap_below_ms 300
	run_daemon "$NODE"
}
restart() {
	judge_end "$NODE"
	lab_stop "$NODE" daemon
	run_daemon "$NODE"
}
failover() { ctl_ok "$NODE" failover; }

holds_hangups() { grep -q '^SigBlk:.*[13579bdf]$' "/proc/$(lab_pid "$1" daemon)/status"; }
has_program() { ip -n "$(lab_ns "$1")" -d link show dev eth0 | grep -q 'prog/xdp'; }
has_no_route() { [ -z "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48)" ]; }

KINDS=(del_vip del_route del_both flush_routes foreign_vip flush_addrs other_mask del_clsact
	del_filter other_root drop_all detach_xdp del_pins link_down_up cable_out_in no_arp
	bridge_port new_mac new_mtu new_interface write_sysctl del_socket agent_killed reload
	pause killed restart failover)

disturb() {
	pick a b
	NODE=$PICKED
	pick "${KINDS[@]}"
	KIND=$PICKED
	echo "$(date +%T.%3N) $NODE $KIND" >>"$DONE"
	"$KIND" >>"$DONE" 2>&1
	COUNT=$((COUNT + 1))
	BURST+=" $NODE:$KIND"
}

# ---- what must hold afterwards ----

mac_is() { [[ "$(ip -n "$(lab_ns "$1")" -br link show dev eth0)" == *" $2 "* ]]; }
# The node of this MAC address owns, and the other one is ready to.
judged() {
	local mac=$1 owner=a other=b
	mac_is a "$mac" || { owner=b other=a && mac_is b "$mac"; } || return 1
	owns $owner && has_vip $owner && state_is $other backup && has_no_vip $other &&
		[ "$(status $other '.peers[0].pulsing')" = true ]
}
# A client without an ARP entry.
reached() {
	ip -n "$(lab_ns client1)" neigh flush dev eth0 2>>"$DONE" &&
		[ -z "$(ip -n "$(lab_ns client1)" neigh show "$LAB_VIP" dev eth0)" ] &&
		lab_run client1 curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
# begin_window NAME: sums up the window that ends.
begin_window() {
	observe_mark "$1"
	TWO_OWNERS=$((TWO_OWNERS + $(field "$REPLY_ARP" two_owner_rounds)))
	ROUNDS=$((ROUNDS + $(field "$REPLY_ARP" rounds)))
	BROKEN=$((BROKEN + $(field "$REPLY_PLAYERS" broken)))
}
# One node alone has answered for a second that ends now.
one_answers() {
	begin_window calm
	lab_nap 1
	ask_arp status
	field_is "$REPLY_ARP" changes 0 && field_is "$REPLY_ARP" two_owner_rounds 0 &&
		[ "$(whole "$REPLY_ARP" silent_ms)" -lt 500 ]
}
settled() {
	start_again a && start_again b && one_answers && judged "$(field "$REPLY_ARP" owner)" &&
		reached && well
}

# One burst, and what it cost.
burst() {
	local i many start ms two=$TWO_OWNERS
	chance "$MANY"
	many=$((CHANCE + 1))
	BURST=
	begin_window burst
	for ((i = 0; i < many; i++)); do
		disturb
		nap_below_ms 100
	done
	start=$(lab_now_ms)
	if ! lab_wait $PATIENCE_S settled; then
		not_ok "after$BURST: no calm for $PATIENCE_S s"
		for NODE in a b; do
			echo "# $NODE: $(lab_ctl $NODE status 2>&1)"
			in_node addr show dev eth0
		done
		echo "# $REPLY_ARP"
		return 1
	fi
	ms=$(($(lab_now_ms) - start))
	[ $ms -le "$WORST_MS" ] || { WORST_MS=$ms WORST=$BURST; }
	[ $ms -le 2000 ] || echo "# $ms ms after$BURST"
	begin_window next
	[ "$TWO_OWNERS" = "$two" ] ||
		echo "# $((TWO_OWNERS - two)) rounds with two owners after$BURST"
}

# ---- what is left ----

left_behind() {
	lab_run "$1" bpftool net show | grep hokm
	ip -n "$(lab_ns "$1")" -o addr show to "$LAB_VIP"
	ip -n "$(lab_ns "$1")" route show table all proto 0x48
	find "$LAB_DIR/$1/bpf" -path '*/hokm-xdp*' -type f
	find "$LAB_DIR/$1" -name '*.sock'
	lab_pid "$1" daemon
}
players_are() { status_is "$1" '.services[0].players' "$2"; }
nothing_left() { [ -z "$(left_behind "$1")" ]; }

RANDOM=$SEED
COUNT=0 TWO_OWNERS=0 ROUNDS=0 BROKEN=0 WORST_MS=0 WORST=
BURST='' REFUSED=0 WRONG_ENDS=()
echo "# seed $SEED: DISTURB_SEED=$SEED makes the same disturbances"
test_pair
must lab_node_up client1
must lab_wait 20 lab_carrier client1
must lab_wait 20 reached
START_MS=$(lab_now_ms)
goes_on() {
	local ms=$(($(lab_now_ms) - START_MS))
	[ "$TEST_FAILED${#WRONG_ENDS[@]}" = 00 ] && [ $ms -lt $((SECONDS_LONG * MOST)) ] &&
		{ [ $ms -lt $((SECONDS_LONG * 1000)) ] || [ "$COUNT" -lt "$LEAST" ]; }
}
while goes_on; do burst; done
number_is "disturbances" "$COUNT" -ge "$LEAST"
number_is "rounds of the observer" "$ROUNDS" -ge $((SECONDS_LONG * 50))
number_is "rounds with two owners" "$TWO_OWNERS" -eq 0
number_is "daemons that ended by themselves" ${#WRONG_ENDS[@]} -eq 0
printf '# %s\n' ${WRONG_ENDS[@]+"${WRONG_ENDS[@]}"} "starts that were refused: $REFUSED"
echo "# connections broken: $BROKEN; longest time to a second of calm: $WORST_MS ms after$WORST"
# Players that stay keep the packet path of a stopped node. A connection whose end was not seen,
# because a program was removed then, leaves the table after ten seconds, or after idle_timeout if
# its client reset it: then cleanup removes the packet path.
must observe_stop
for node in a b; do must lab_stop $node game; done
for node in a b; do
	lab_wait 30 players_are $node 0 || echo "# $node: $(lab_ctl $node conns | tail -n 1)"
	holds "$node: the daemon ends" lab_stop $node daemon
	[ ! -e "$(lab_pins $node)/cfg" ] ||
		holds "$node: cleanup" \
			lab_run $node "$HOKM" cleanup -c "$LAB_DIR/$node/hokm-xdp.conf"
	within 10 "$node: nothing of it is left" nothing_left $node
	left_behind $node
done
test_end
