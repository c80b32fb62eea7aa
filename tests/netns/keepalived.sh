# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests with keepalived as the peer share: one node runs keepalived, the other hokm-xdp.
# A test sets the VRRP version and calls
#
#   keepalived_above   a: keepalived, priority 110    b: hokm-xdp, priority 100
#   hokm_above         a: hokm-xdp, priority 110      b: keepalived, priority 100
#
# The two run side by side, each in a lab of its own.
#
# The owner is asked for in three ways: hokm-xdp for its lease, keepalived for its address, and
# the network by ARP. What players lose when keepalived moves the VIP is not tested here.
#
#   PEER_VERSION      2 or 3
#   PEER_ADVERT_MS    keepalived's advert interval
#   PEER_PASS         version 2: the password of both nodes

PREEMPT_DELAY_MS=3000
# For keepalived, the kernel and a busy machine. Without priority 0 it would be two adverts more.
SLACK_MS=900
EARLY_MS=500

# watch_start: starts the observer of ownership alone.
watch_start() {
	mkfifo "$LAB_DIR/arp.in" "$LAB_DIR/arp.out" || return 1
	exec {ARP_IN}<>"$LAB_DIR/arp.in" {ARP_OUT}<>"$LAB_DIR/arp.out"
	LAB_STDIN=$LAB_DIR/arp.in LAB_STDOUT=$LAB_DIR/arp.out \
		lab_spawn client arp "$LAB_BUILD/hokm-arpwatch" --addr "$LAB_VIP" --interval 5
}

# peer_conf NODE PRIORITY [PASSWORD [VRID [VIP [VERSION]]]]: writes the configuration of
# keepalived.
peer_conf() {
	local auth=''
	[ -z "${PEER_PASS:-}" ] ||
		auth=$(printf 'authentication {\n%s\n%s\n}' "auth_type PASS" \
			"auth_pass ${3:-$PEER_PASS}")
	cat >"$LAB_DIR/$1/keepalived.conf" <<-END
		global_defs {
		    router_id $(lab_name "$1")
		}
		vrrp_instance hokm {
		    state BACKUP
		    interface eth0
		    version ${6:-$PEER_VERSION}
		    virtual_router_id ${4:-25}
		    priority $2
		    advert_int $(peer_advert_int "${6:-$PEER_VERSION}")
		    $auth
		    virtual_ipaddress {
		        ${5:-$LAB_VIP}/24 dev eth0
		    }
		}
	END
}
# Version 2 has whole seconds only.
peer_advert_int() {
	if [ "$1" = 2 ]; then
		echo 1
	else
		printf '%d.%03d\n' $((PEER_ADVERT_MS / 1000)) $((PEER_ADVERT_MS % 1000))
	fi
}

# hokm_conf ADVERT: writes the configuration of hokm-xdp.
hokm_conf() {
	local password=''
	[ -z "${PEER_PASS:-}" ] || password="password = \"$PEER_PASS\""
	LAB_CONF_EXTRA="$PATIENT vrrp { version = $PEER_VERSION advert = \"$1\" $password
		preempt_delay = \"${PREEMPT_DELAY_MS}ms\" }" lab_conf a b
}

# Skew_Time and Master_Down_Interval in ms for a priority, when keepalived's interval is in force.
skew_ms() {
	local base=$PEER_ADVERT_MS
	[ "$PEER_VERSION" = 3 ] || base=1000
	echo $(((256 - $1) * base / 256))
}
master_down_ms() { echo $((3 * PEER_ADVERT_MS + $(skew_ms "$1"))); }

serves() { service_is "$1" up; }
heard() { status_test "$1" .vrrp.received -ge "$2"; }
sent() { status_test "$1" .vrrp.sent -ge "$2"; }
discarded() { status_test "$1" ".vrrp.discarded.$2" -ge "$3"; }
keepalived_says() { grep -q "Entering $2 STATE" "$LAB_DIR/log/$1.keepalived"; }

# The peer has sent no advert for longer than an owner may be silent.
silent_for_long() {
	[ "$(status "$1" '.peers[0].adverts_ms')" -gt $(($(master_down_ms 100) + 1000)) ]
}

# since MS: the time since then.
since() { echo $(($(lab_now_ms) - $1)); }

# only_owner WORDS OWNER OTHER: OWNER owns, and OTHER does not even have the address.
only_owner() {
	local words=$1 owner=$2 other=$3
	within 10 "$words: ARP shows one owner" sole_owner "$owner"
	within 10 "$words: its address is there" has_vip "$owner"
	within 10 "$words: and not at the other node" has_no_vip "$other"
}

# While adverts come, the VIP does not move: watched over six adverts.
stays_backup() {
	ask_arp "mark stays"
	within 20 "the backup hears the owner" heard "$1" $(($(status "$1" .vrrp.received) + 6))
	holds "and stays backup" state_is "$1" backup
	ask_arp "mark next"
	number_is "and the VIP did not move" "$(field "$REPLY_ARP" changes)" -eq 0
	number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}

keepalived_stops() {
	local start
	start=$(lab_now_ms)
	must lab_kill a keepalived TERM
	within 10 "keepalived stopped: hokm-xdp owns" owns b
	number_is "keepalived stopped: ms to take over" "$(since "$start")" -le \
		$(($(skew_ms 100) + SLACK_MS))
	holds "keepalived stopped: the reason is its priority 0" reason_is b priority-zero
	must lab_wait 20 lab_gone a keepalived
	only_owner "keepalived stopped" b a
}

keepalived_returns() {
	must lab_keepalived a
	within 20 "keepalived back: hokm-xdp yields" state_is b backup
	holds "keepalived back: the reason is its priority" reason_is b higher-priority
	only_owner "keepalived back" a b
}

# Its address stays configured and its kernel answers for it: only the leases are compared here.
keepalived_dies() {
	local start
	start=$(lab_now_ms)
	must keepalived_kill a
	within 20 "keepalived killed: hokm-xdp owns" owns b
	start=$(since "$start")
	number_is "keepalived killed: ms to take over" "$start" -le \
		$(($(master_down_ms 100) + SLACK_MS))
	number_is "keepalived killed: not too early" "$start" -ge \
		$(($(master_down_ms 100) - PEER_ADVERT_MS - EARLY_MS))
	holds "keepalived killed: the reason is its silence" reason_is b master-down
	holds "keepalived killed: the address is there" has_vip b
	must lab_wait 20 lab_gone a keepalived
}

# keepalived_above ADVERT: with this advert interval of hokm-xdp.
keepalived_above() {
	must hokm_conf "$1"
	must peer_conf a 110
	must lab_keepalived a
	must lab_wait 20 owner_is a
	must lab_game b
	must lab_daemon b
	must lab_wait 20 serves b
	within 10 "hokm-xdp starts as backup" state_is b backup
	stays_backup b
	keepalived_stops
	keepalived_returns
	keepalived_dies
	keepalived_returns
	must lab_stop a keepalived
	within 10 "hokm-xdp owns once more" owns b
}

# ignores WORDS COUNTER: b owns; keepalived on a, as configured now, sends adverts that b must
# count and ignore.
ignores() {
	local words=$1 counter=$2 epoch adverts before
	epoch=$(status b .epoch)
	before=$(status b ".vrrp.discarded.$counter")
	adverts=$(status b .vrrp.sent)
	must lab_keepalived a
	within 20 "$words: counted as $counter" discarded b "$counter" $((before + 1))
	within 20 "$words: the owner goes on" sent b $((adverts + 4))
	holds "$words: it owns" owns b
	number_is "$words: same epoch" "$(status b .epoch)" -eq "$epoch"
	must lab_stop a keepalived
	holds "$words: still" owns b
}

# The part before is over: b stops.
above_ends() {
	must lab_stop b daemon
	holds "hokm-xdp stopped: its address is gone" has_no_vip b
	must lab_stop b game
}

hokm_stops() {
	local start
	start=$(lab_now_ms)
	must lab_kill a daemon TERM
	within 10 "hokm-xdp stopped: keepalived has the address" has_vip b
	number_is "hokm-xdp stopped: ms to take over" "$(since "$start")" -le \
		$(($(skew_ms 100) + SLACK_MS))
	must lab_wait 20 lab_gone a daemon
	only_owner "hokm-xdp stopped" b a
}

# preempts WORDS START: hokm-xdp owns again, and not before the preempt delay, counted from START,
# is over.
preempts() {
	within 30 "$1: hokm-xdp owns" owns a
	number_is "$1: the preempt delay was kept" "$(since "$2")" -ge $PREEMPT_DELAY_MS
	holds "$1: the reason is its priority" reason_is a preempt
	only_owner "$1" a b
}

hokm_fails_over() {
	local start
	within 20 "keepalived says nothing as backup" silent_for_long a
	holds "ctl failover: taken" ctl_ok a failover
	within 10 "ctl failover: keepalived has the address" has_vip b
	only_owner "ctl failover" b a
	within 20 "ctl failover: hokm-xdp hears the new owner" heard a \
		$(($(status a .vrrp.received) + 6))
	holds "ctl failover: and does not take the VIP back" state_is a backup
	start=$(lab_now_ms)
	holds "ctl ready: taken" ctl_ok a ready
	preempts "ctl ready" "$start"
}

# keepalived is backup since its start: it has never sent an advert.
service_goes_down() {
	local start
	holds "keepalived never advertised" test "$(status a '.peers[0].adverts_ms')" = null
	must lab_kill a game KILL
	within 20 "service down: FAULT" state_is a fault
	holds "service down: the reason" reason_is a service-down
	within 10 "service down: keepalived has the address" has_vip b
	only_owner "service down" b a
	within 20 "service down: hokm-xdp hears the new owner" heard a \
		$(($(status a .vrrp.received) + 6))
	holds "service down: and stays out" state_is a fault
	start=$(lab_now_ms)
	must lab_game a
	preempts "service up" "$start"
}

# The backup died without priority 0. The owner, whose service is down, offers the VIP; no node
# takes it, so the owner takes it back and keeps it.
nobody_is_healthy() {
	local epoch adverts
	must keepalived_kill b
	must lab_wait 20 lab_gone b keepalived
	must lab_kill a game KILL
	within 20 "nobody healthy: the VIP is offered" state_is a fault
	within 20 "nobody healthy: and taken back" owns a
	within 5 "nobody healthy: as panic hold" status_is a .panic true
	epoch=$(status a .epoch) adverts=$(status a .vrrp.sent)
	within 20 "nobody healthy: the owner goes on" sent a $((adverts + 10))
	number_is "nobody healthy: same epoch" "$(status a .epoch)" -eq "$epoch"
	only_owner "nobody healthy" a b
	must lab_game a
	within 20 "healthy again: panic is over" serves a
	number_is "healthy again: same epoch" "$(status a .epoch)" -eq "$epoch"
}

# hokm_above ADVERT: with this advert interval of hokm-xdp.
hokm_above() {
	local start
	must hokm_conf "$1"
	must peer_conf b 100
	must lab_game a
	must lab_daemon a
	must lab_wait 20 serves a
	within 20 "hokm-xdp owns" owns a
	: >"$LAB_DIR/log/b.keepalived"
	must lab_keepalived b
	within 10 "keepalived is backup" keepalived_says b BACKUP
	only_owner "together" a b
	start=$(status a .vrrp.sent)
	within 20 "the owner goes on" sent a $((start + 6))
	holds "keepalived stays backup" has_no_vip b
	service_goes_down
	hokm_stops
	start=$(lab_now_ms)
	must lab_daemon a
	preempts "hokm-xdp back" "$start"
	hokm_fails_over
	nobody_is_healthy
}
