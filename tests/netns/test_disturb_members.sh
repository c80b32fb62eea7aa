#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# As test_disturb.sh, where members decide who owns. Beside the nodes, what is between them and who
# decides with them is disturbed: each way between two of them is cut for a while, all of it or
# pulses alone, frames are lost, late, overtaken and doubled, a witness is killed, stopped, frozen,
# cut off, or loses what it has promised, the gateway is silent or has another MAC address. Most
# bursts begin with a cut, and so handovers, restarts, upgrades, pauses and reloads meet it. The
# observer and the players are on a machine that no cut touches.
#
#   DISTURB_ARBITER=gateway  two nodes, client2 is their gateway
#   DISTURB_ARBITER=witness  two nodes and a witness
#   DISTURB_ARBITER=three    three nodes and two witnesses
#
# Without the variable the first two run side by side. At no time are there two owners, by ARP and
# by the kernels' own words. There is one exception (docs/ownership.md): while the nodes do not hear
# each other and both may hear the gateway, both may own. Then it ends as soon as they hear each
# other. disturb.sh has the other variables; GRANT is the length of a grant.

PLAYERS=10
# A daemon that is stopped leaves the path of its players.
export LAB_LINGER=60s
DISTURB_SECONDS=${DISTURB_SECONDS:-40}
# They take longer than those of test_disturb.sh.
DISTURB_LEAST=${DISTURB_LEAST:-$((DISTURB_SECONDS / 2))}
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tools/lab/ownerwatch.sh
. "$TESTS_DIR/../../tools/lab/ownerwatch.sh"
# shellcheck source=tests/netns/disturb.sh
. "$TESTS_DIR/disturb.sh"

[ -n "${DISTURB_ARBITER:-}" ] || side_by_side gateway witness
ARBITER=${DISTURB_ARBITER:-$PART}
GRANT=${GRANT:-200ms}
# Longer than a grant, and than Master_Down.
PAUSE_BELOW_MS=2000
# Two owners by ARP end within so many seconds after the cut that may make them.
HEALS_S=2

WITNESSES=()
WAYS=()       # "FROM TO" of each way between two of those that decide
CUT=()        # those that are cut
WHAT=         # of their frames; nothing: all
EXCUSED=false # the nodes may both own
# In this burst a node and each other member did not hear each other, or two nodes did not: then
# each sign that the other one gives is one that a stopped process, or a member that is away, does
# not give. A node may be taken for dead.
APART=false NODES_CUT=false
STOPPING_NOBODY='failover drain maint other_file other_cut reload agent_killed'
OVERLAPS=0    # times with two owners, by the kernels

# ---- the group ----

keys() {
	echo "$PATIENT"
	echo "grant = \"$GRANT\""
	[ "$ARBITER" != gateway ] ||
		printf 'arbiter = gateway\ngateway = "%s"\n' "$(lab_addr client2)"
	local witness
	for witness in ${WITNESSES[@]+"${WITNESSES[@]}"}; do
		lab_witness_conf "$witness"
		echo
	done
}

# Sets WAYS to all ways between the members that are named.
ways_between() {
	local from to
	for from in "$@"; do
		for to in "$@"; do [ "$from" = "$to" ] || WAYS+=("$from $to"); done
	done
}

choose_group() {
	case $ARBITER in
	gateway) ways_between a b client2 ;;
	witness)
		WITNESSES=(w)
		ways_between a b w
		;;
	three)
		NODES=(a b c) WITNESSES=(w client9)
		ways_between a b c w client9
		;;
	*)
		lab_die "DISTURB_ARBITER is gateway, witness or three"
		exit 1
		;;
	esac
	MEMBERS=$((${#NODES[@]} + ${#WITNESSES[@]}))
}

# Each other member answers the node, and what they say counts.
ready() {
	status_is "$1" "all(.peers[]; .pulsing) and .grants.in_force and
		(.grants.in_touch >= $MEMBERS)" true
}
all_ready() {
	local node
	for node in "${NODES[@]}"; do ready "$node" || return 1; done
}

start_group() {
	local node
	choose_group
	export LAB_CONF_EXTRA
	LAB_CONF_EXTRA=$(keys)
	must lab_up "${NODES[@]}" ${WITNESSES[@]+"${WITNESSES[@]}"} client2
	must lab_conf "${NODES[@]}"
	for node in "${NODES[@]}"; do
		must lab_game "$node"
		must lab_daemon "$node"
	done
	for node in ${WITNESSES[@]+"${WITNESSES[@]}"}; do must lab_witness "$node"; done
	must lab_wait 30 all_ready
	must lab_wait 30 owns a
	must observe_start
	must owners_start "${NODES[@]}"
	must lab_wait 20 owners_are a
	must lab_wait 20 calm
}

# ---- the network between them: rules of the switch's bridge ----

# set_rules RULES: in place of those before them, at one moment.
set_rules() {
	lab_run sw nft "add table bridge cut; delete table bridge cut; table bridge cut {
		chain forward { type filter hook forward priority filter; $1 }
	}"
}
# way_rule "FROM TO": or pulses alone: WHAT. ARP and adverts pass then.
way_rule() { echo "iifname p-${1% *} oifname p-${1#* } $WHAT drop;"; }

# A node, a pair, a single way, or any of them.
choose_ways() {
	local way one other
	CUT=()
	pick "${WAYS[@]}"
	one=${PICKED% *} other=${PICKED#* }
	pick way pair pair one one some
	case $PICKED in
	way) CUT=("$one $other") ;;
	pair) CUT=("$one $other" "$other $one") ;;
	one)
		for way in "${WAYS[@]}"; do
			[[ " $way " != *" $one "* ]] || CUT+=("$way")
		done
		;;
	*)
		for way in "${WAYS[@]}"; do
			chance 2
			[ "$CHANCE" = 0 ] || CUT+=("$way")
		done
		;;
	esac
}

# Orders and files that are read again stop nobody.
may_break() {
	local word
	has_one_of "$BREAKING" || $APART && return
	$NODES_CUT || return 1
	for word in $BURST; do
		[[ " $STOPPING_NOBODY " == *" ${word#*:} "* || $word == cut:* ]] || return 0
	done
	return 1
}
# apart NODE: it and each of the members do not hear each other.
apart() {
	local cuts=" ${CUT[*]/ />} " way
	for way in "${WAYS[@]}"; do
		[ "${way% *}" = "$1" ] && [ "${way#* }" != client2 ] || continue
		[[ $cuts == *" ${way/ />} "* || $cuts == *" ${way#* }>$1 "* ]] || return 1
	done
}
note_apart() {
	local node way
	[ -z "$WHAT" ] || return 0
	for node in "${NODES[@]}"; do ! apart "$node" || APART=true; done
	for way in ${CUT[@]+"${CUT[@]}"}; do
		[[ " ${NODES[*]} " != *" ${way% *} "* || " ${NODES[*]} " != *" ${way#* } "* ]] ||
			NODES_CUT=true
	done
}

# excuse true|false: what the observer sees counts from here on, or does not.
excuse() {
	[ "$1" != "$EXCUSED" ] || return 0
	begin_window cut
	EXCUSED=$1
}
count_two() {
	local overlaps
	ask_owners 'mark window'
	overlaps=$(field "$REPLY_OWNERS" overlaps)
	if $EXCUSED; then
		EXCUSED_ROUNDS=$((EXCUSED_ROUNDS + $1))
		return
	fi
	TWO_OWNERS=$((TWO_OWNERS + $1))
	OVERLAPS=$((OVERLAPS + overlaps))
	[ "$overlaps" = 0 ] || echo "# two owners after$BURST: $REPLY_OWNERS"
}
# The nodes do not hear each other, and a gateway decides. Where pulses alone are lost they do.
may_both_own() {
	local way
	[ "$ARBITER" = gateway ] && [ -z "$WHAT" ] || return 1
	for way in ${CUT[@]+"${CUT[@]}"}; do
		case $way in "a b" | "b a") return 0 ;; esac
	done
	return 1
}

# No round has had two owners for a tenth of a second.
no_two() {
	local two
	ask_arp status
	two=$(field "$REPLY_ARP" two_owner_rounds)
	lab_nap 0.1
	ask_arp status
	field_is "$REPLY_ARP" two_owner_rounds "$two"
}

cut_words() {
	local IFS=,
	echo "${WHAT:+pulses:}${CUT[*]/ />}"
}
other_cut() {
	local way words rules=
	choose_ways
	pick '' '' '' 'udp dport 8766'
	WHAT=$PICKED
	for way in ${CUT[@]+"${CUT[@]}"}; do rules+=$(way_rule "$way"); done
	note_apart
	! may_both_own || excuse true
	words=$(cut_words)
	echo "$(date +%T.%3N) cut $words" >>"$DONE"
	set_rules "$rules"
	BURST+=" cut:$words"
	may_both_own || healed
}
healed() {
	$EXCUSED || return 0
	lab_wait $HEALS_S no_two || not_ok "after$BURST: both own ${HEALS_S} s after the cut"
	excuse false
}
no_cut() {
	CUT=()
	echo "$(date +%T.%3N) no cut" >>"$DONE"
	set_rules ''
	healed
}

# For a while, on all ways: one frame in five is lost, one in five is late, so that others overtake
# it, one pulse in five of a node comes twice at another.
lossy() {
	local port ports=()
	for port in "${NODES[@]}" ${WITNESSES[@]+"${WITNESSES[@]}"}; do ports+=("p-$port"); done
	for port in "${ports[@]}"; do
		lab_run sw tc qdisc replace dev "$port" root handle 1: htb
		lab_run sw tc class add dev "$port" parent 1: classid 1:20 htb rate 300kbit \
			burst 1600 cburst 1600
		lab_run sw tc qdisc add dev "$port" parent 1:20 pfifo limit 20
	done
	lab_run sw nft "table bridge lossy {
		chain forward { type filter hook forward priority filter + 1
			iifname p-client accept
			oifname p-client accept
			numgen random mod 100 < 20 drop
			numgen random mod 100 < 20 meta priority set 1:20
		}
	}
	table netdev lossy {
		chain doubled { type filter hook ingress device \"${ports[0]}\" priority 0
			udp dport 8766 numgen random mod 100 < 20 dup to \"${ports[1]}\"
		}
	}"
	nap_below_ms 1500
	lab_run sw nft 'delete table bridge lossy; delete table netdev lossy'
	for port in "${ports[@]}"; do lab_run sw tc qdisc del dev "$port" root; done
}

# ---- a witness ----

witness_again() {
	local witness
	for witness in ${WITNESSES[@]+"${WITNESSES[@]}"}; do
		lab_gone "$witness" witness || continue
		WRONG_ENDS+=("$witness ended by itself after$BURST")
		lab_witness "$witness"
	done
}
pick_witness() { pick "${WITNESSES[@]}"; }
end_witness() {
	lab_kill "$PICKED" witness "$1"
	lab_wait 10 lab_gone "$PICKED" witness
}
witness_killed() {
	pick_witness
	end_witness KILL
	nap_below_ms 300
	lab_witness "$PICKED"
}
# It leaves the program and its promises.
witness_restarted() {
	pick_witness
	end_witness USR1
	lab_witness "$PICKED"
}
# It removes both.
witness_stopped() {
	pick_witness
	end_witness TERM
	nap_below_ms 600
	lab_witness "$PICKED"
}
witness_forgets() {
	pick_witness
	end_witness KILL
	rm -f "$(lab_witness_pins "$PICKED")"/*
	lab_witness "$PICKED"
}
witness_frozen() {
	pick_witness
	lab_kill "$PICKED" witness STOP
	nap_below_ms 1500
	lab_kill "$PICKED" witness CONT
}
witness_unplugged() {
	pick_witness
	lab_link "$PICKED" down
	nap_below_ms 800
	lab_link "$PICKED" up
}

# ---- the gateway ----

gateway_silent() {
	ip -n "$(lab_ns client2)" link set eth0 arp off
	nap_below_ms 1500
	ip -n "$(lab_ns client2)" link set eth0 arp on
}
gateway_unplugged() {
	lab_link client2 down
	nap_below_ms 800
	lab_link client2 up
}
gateway_new_mac() {
	chance 256
	ip -n "$(lab_ns client2)" link set eth0 address "$(printf '02:00:00:00:fe:%02x' "$CHANCE")"
}

# ---- the file of a node, until the burst is over ----

declare -A OTHER_FILE=()
other_file() {
	local file=$LAB_DIR/$NODE/hokm-xdp.conf
	pick grant=100ms grant=300ms pulse=5ms pulse=15ms standard
	case $PICKED in
	grant=*) sed -i "s/^grant = .*/grant = \"${PICKED#*=}\"/" "$file" ;;
	pulse=*) echo "pulse { interval = \"${PICKED#*=}\" }" >>"$file" ;;
	*)
		# Its version of VRRP is another one: the nodes would not hear each other's adverts.
		sed -i "s/^profile = .*/profile = $PICKED/" "$file"
		echo "vrrp { version = 3 }" >>"$file"
		;;
	esac
	echo "$NODE has $PICKED" >>"$DONE"
	# A file that is refused would end the next daemon.
	if ctl_ok "$NODE" reload; then OTHER_FILE[$NODE]=1; else lab_conf_one "$NODE"; fi
}
files_are_back() {
	local node
	for node in "${!OTHER_FILE[@]}"; do
		lab_conf_one "$node" && ctl_ok "$node" reload 2>>"$DONE" || return 1
		unset "OTHER_FILE[$node]"
	done
}
keep_files() {
	local node
	for node in "${NODES[@]}"; do
		cp -p "$LAB_DIR/$node/hokm-xdp.conf" "$LAB_DIR/$node/first.conf"
	done
}
lab_conf_one() { cp -p "$LAB_DIR/$1/first.conf" "$LAB_DIR/$1/hokm-xdp.conf"; }

# ---- bursts ----

before_burst() {
	APART=false NODES_CUT=false
	chance 4
	[ "$CHANCE" = 0 ] || other_cut >>"$DONE" 2>&1
}
after_burst() {
	nap_below_ms 400
	no_cut
}
settled() {
	start_again && witness_again && orders_are_over && files_are_back && one_answers &&
		judged "$(field "$REPLY_ARP" owner)" && reached && well
}

OFTEN=(pause killed restart failover drain maint upgrade other_file other_cut)
SELDOM=(del_both flush_addrs drop_all detach_xdp del_pins link_down_up cable_out_in no_arp new_mac
	new_interface agent_killed reload game_killed lossy)
OF_WITNESS=(witness_killed witness_killed witness_restarted witness_restarted witness_stopped
	witness_forgets witness_frozen witness_frozen witness_unplugged witness_unplugged)
OF_GATEWAY=(gateway_silent gateway_silent gateway_unplugged gateway_new_mac)

EXCUSED_ROUNDS=0
start_group
keep_files
KINDS=("${OFTEN[@]}" "${OFTEN[@]}" "${OFTEN[@]}" "${SELDOM[@]}")
if [ "$ARBITER" = gateway ]; then KINDS+=("${OF_GATEWAY[@]}"); else KINDS+=("${OF_WITNESS[@]}"); fi
disturb_all
number_is "times with two owners, by the kernels" "$OVERLAPS" -eq 0
echo "# rounds with two owners while the nodes did not hear each other: $EXCUSED_ROUNDS"
test_end
