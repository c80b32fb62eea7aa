# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Disturbances at random, in bursts: a few at a time, then everybody is quiet. This file has what
# is done to a node and to its daemon, the bursts, and what must hold after each of them. What
# belongs to a witness, a gateway and the network between them is in test_disturb_members.sh.
#
#   DISTURB_SEED       the same number makes the same disturbances in the same order   (1)
#   DISTURB_SECONDS    how long at least                                               (60)
#   DISTURB_LEAST      disturbances that must have been made                           (seconds)
#   DISTURB_BURST      at most so many at a time                                       (5)
#   DISTURB_MEDIAN_MS  the median time to a second of calm may be so long              (no limit)
#   DISTURB_MOST_MS    and the longest one, of bursts without SLOW disturbances        (no limit)
#
# The test sets before it calls disturb_all:
#   NODES   the nodes that are disturbed
#   KINDS   the disturbances; one that is there twice is made twice as often
# It may define anew: before_burst, after_burst (the first and the last of a burst), ready (what it
# takes, beside VRRP's state, that a node can take over), count_two (at the end of each window), and
# may_break.

SEED=${DISTURB_SEED:-1}
SECONDS_LONG=${DISTURB_SECONDS:-60}
LEAST=${DISTURB_LEAST:-$SECONDS_LONG}
MANY=${DISTURB_BURST:-5}
# A second of calm is what each burst must be followed by. It may begin later: a killed daemon is
# started again after up to 0.3 s, loads its programs and listens first; an interface that was made
# again is in use within five seconds; the primary preempts the VIP after two. Busy processors make
# all of that longer.
PATIENCE_S=40
# A busy machine may take so many times as long for DISTURB_LEAST, in thousandths.
MOST=4000
DONE=$LAB_DIR/log/sw.disturb

NODES=(a b)
KINDS=()
COUNT=0 TWO_OWNERS=0 ROUNDS=0 BROKEN=0 WORST_MS=0 WORST=
BURST='' REFUSED=0 WRONG_ENDS=() ALL_MS=() BREAKS=() SLOWEST=()
declare -A ORDERS=() # NODE.VERB: the command that takes an order back, to be given yet
WAITED=()            # processes that are waited for

# A number from 0 to N - 1, in CHANCE. No command substitution: a subshell has its own sequence.
chance() { CHANCE=$((RANDOM % $1)); }
pick() {
	chance $#
	shift "$CHANCE"
	PICKED=$1
}
nap_below_ms() {
	local ms
	chance "$1"
	printf -v ms '%d.%03d' $((CHANCE / 1000)) $((CHANCE % 1000))
	lab_nap "$ms"
}

in_node() { ip -n "$(lab_ns "$NODE")" "$@" 2>>"$DONE"; }
tc_node() { lab_run "$NODE" tc "$@" 2>>"$DONE"; }

# ---- the daemons ----

# run_daemon NODE: one more run. FROM has the first line of its log.
declare -A FROM=([a]=1 [b]=1 [c]=1)
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
	local node
	for node in "${NODES[@]}"; do
		lab_gone "$node" daemon || continue
		judge_end "$node"
		run_daemon "$node"
	done
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
# The kernel has no route to the clients, as without a default route where they are behind a router.
no_routes() {
	in_node route del 192.168.1.0/24 dev eth0
	nap_below_ms 3000
	in_node route add 192.168.1.0/24 dev eth0 src "$(lab_addr "$NODE")"
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
	nap_below_ms "${PAUSE_BELOW_MS:-800}"
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
game_killed() {
	lab_kill "$NODE" game KILL
	lab_wait 10 lab_gone "$NODE" game
	nap_below_ms 300
	lab_game "$NODE"
}

holds_hangups() { grep -q '^SigBlk:.*[13579bdf]$' "/proc/$(lab_pid "$1" daemon)/status"; }
has_program() { ip -n "$(lab_ns "$1")" -d link show dev eth0 | grep -q 'prog/xdp'; }
has_no_route() { [ -z "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48)" ]; }

# ---- orders, to NODE. It may refuse each of them. ----

failover() { ctl_ok "$NODE" failover; }
# The burst goes on while it drains, or is in maintenance.
drain() { ! ctl_ok "$NODE" drain || ORDERS[$NODE.undrain]=1; }
maint() { ! ctl_ok "$NODE" maint || ORDERS[$NODE.ready]=1; }
# The burst goes on while the new daemon takes over.
upgrade() {
	lab_ctl "$NODE" upgrade >>"$DONE" 2>&1 &
	WAITED+=($!)
}
orders_are_over() {
	local order
	for order in "${!ORDERS[@]}"; do
		ctl_ok "${order%.*}" "${order#*.}" 2>>"$DONE" || return 1
		unset "ORDERS[$order]"
	done
}

# What ends connections by what it does: the server's process is killed, nothing steers packets to
# their holder, or nobody hears a node for longer than players_dead_after.
BREAKING=' game_killed new_interface link_down_up cable_out_in detach_xdp '
# What takes longer than a restart by what it does.
SLOW=' new_interface link_down_up cable_out_in no_routes '

# has_one_of LIST: the burst has a disturbance of the list.
has_one_of() {
	local word
	for word in $BURST; do [[ $1 != *" ${word#*:} "* ]] || return 0; done
	return 1
}
may_break() { has_one_of "$BREAKING"; }

disturb() {
	pick "${NODES[@]}"
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
ready() { status_is "$1" 'all(.peers[]; .pulsing)' true; }
# The node of this MAC address owns, and each other one is ready to.
judged() {
	local mac=$1 node owner=
	for node in "${NODES[@]}"; do
		! mac_is "$node" "$mac" || owner=$node
	done
	[ -n "$owner" ] && owns "$owner" && has_vip "$owner" || return 1
	for node in "${NODES[@]}"; do
		[ "$node" != "$owner" ] || continue
		state_is "$node" backup && has_no_vip "$node" && ready "$node" || return 1
	done
}
# A client without an ARP entry.
reached() {
	ip -n "$(lab_ns client1)" neigh flush dev eth0 2>>"$DONE" &&
		[ -z "$(ip -n "$(lab_ns client1)" neigh show "$LAB_VIP" dev eth0)" ] &&
		lab_run client1 curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
}
# count_two ROUNDS: of the window that ends.
count_two() { TWO_OWNERS=$((TWO_OWNERS + $1)); }
# begin_window NAME: sums up the window that ends.
begin_window() {
	observe_mark "$1"
	count_two "$(field "$REPLY_ARP" two_owner_rounds)"
	ROUNDS=$((ROUNDS + $(field "$REPLY_ARP" rounds)))
	BROKEN=$((BROKEN + $(field "$REPLY_PLAYERS" broken)))
	field_is "$REPLY_PLAYERS" broken 0 || echo "$REPLY_PLAYERS" >>"$DONE"
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
	start_again && orders_are_over && one_answers && judged "$(field "$REPLY_ARP" owner)" &&
		reached && well
}

# ---- a burst ----

before_burst() { :; }
after_burst() { :; }

make_burst() {
	local i many
	chance "$MANY"
	many=$((CHANCE + 1))
	BURST=
	before_burst
	for ((i = 0; i < many; i++)); do
		disturb
		nap_below_ms 100
	done
	after_burst
	[ ${#WAITED[@]} = 0 ] || wait "${WAITED[@]}"
	WAITED=()
	echo "$(date +%T.%3N) quiet" >>"$DONE"
}

no_calm() {
	not_ok "after$BURST: no calm for $PATIENCE_S s"
	for NODE in "${NODES[@]}"; do
		echo "# $NODE: $(lab_ctl "$NODE" status 2>&1)"
		in_node addr show dev eth0
	done
	echo "# $REPLY_ARP"
}

# judge_burst MS TWO BROKEN: what it cost; the last two are the sums before it.
judge_burst() {
	ALL_MS+=("$1")
	[ "$1" -le "$WORST_MS" ] || { WORST_MS=$1 WORST=$BURST; }
	[ "$1" -le 2000 ] || echo "# $1 ms after$BURST"
	[ "$1" -le "${DISTURB_MOST_MS:-999999}" ] || has_one_of "$SLOW" ||
		SLOWEST+=("$1 ms after$BURST")
	[ "$TWO_OWNERS" = "$2" ] ||
		echo "# $((TWO_OWNERS - $2)) rounds with two owners after$BURST"
	[ "$BROKEN" = "$3" ] || may_break ||
		BREAKS+=("$((BROKEN - $3)) after$BURST")
}

# One burst, and what must hold after it.
burst() {
	local start two=$TWO_OWNERS broken=$BROKEN
	begin_window burst
	make_burst
	start=$(lab_now_ms)
	if ! lab_wait $PATIENCE_S settled; then
		no_calm
		return 1
	fi
	start=$(($(lab_now_ms) - start))
	begin_window next
	judge_burst $start "$two" "$broken"
}

# ---- all of them ----

goes_on() {
	local ms=$(($(lab_now_ms) - START_MS))
	[ "$TEST_FAILED${#WRONG_ENDS[@]}" = 00 ] && [ $ms -lt $((SECONDS_LONG * MOST)) ] &&
		{ [ $ms -lt $((SECONDS_LONG * 1000)) ] || [ "$COUNT" -lt "$LEAST" ]; }
}

# The group runs, and is observed. client1 is the client without an ARP entry.
disturb_all() {
	echo "# seed $SEED: DISTURB_SEED=$SEED makes the same disturbances"
	RANDOM=$SEED
	must lab_node_up client1
	must lab_wait 20 lab_carrier client1
	must lab_wait 20 reached
	START_MS=$(lab_now_ms)
	while goes_on; do burst; done
	number_is "disturbances" "$COUNT" -ge "$LEAST"
	number_is "rounds of the observer" "$ROUNDS" -ge $((SECONDS_LONG * 50))
	number_is "rounds with two owners" "$TWO_OWNERS" -eq 0
	number_is "daemons that ended by themselves" ${#WRONG_ENDS[@]} -eq 0
	number_is "bursts that broke a connection and should not" ${#BREAKS[@]} -eq 0
	number_is "median ms to a second of calm" "$(median "${ALL_MS[@]}")" -le \
		"${DISTURB_MEDIAN_MS:-$((PATIENCE_S * 1000))}"
	number_is "bursts with a late calm" ${#SLOWEST[@]} -eq 0
	printf '# %s\n' ${WRONG_ENDS[@]+"${WRONG_ENDS[@]}"} ${BREAKS[@]+"${BREAKS[@]}"} \
		${SLOWEST[@]+"${SLOWEST[@]}"} "starts that were refused: $REFUSED" \
		"connections broken: $BROKEN" \
		"longest time to a second of calm: $WORST_MS ms after$WORST"
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

# Players that stay keep the packet path of a stopped node. A connection whose end was not seen,
# because a program was removed then, leaves the table after ten seconds, or after idle_timeout if
# its client reset it: then cleanup removes the packet path.
all_leave() {
	local node
	must observe_stop
	for node in "${NODES[@]}"; do must lab_stop "$node" game; done
	for node in "${NODES[@]}"; do
		lab_wait 30 players_are "$node" 0 ||
			echo "# $node: $(lab_ctl "$node" conns | tail -n 1)"
		holds "$node: the daemon ends" lab_stop "$node" daemon
		[ ! -e "$(lab_pins "$node")/cfg" ] ||
			holds "$node: cleanup" \
				lab_run "$node" "$HOKM" cleanup -c "$LAB_DIR/$node/hokm-xdp.conf"
		within 10 "$node: nothing of it is left" nothing_left "$node"
		left_behind "$node"
	done
}
