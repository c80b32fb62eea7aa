#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Others remove what the daemon set, under players: the VIP, the local route, the egress filter,
# its qdisc, the XDP program, the pins, sysctls, the control socket and the lock beside it. Each is
# back within a second or two, is logged and counted, and no player notices.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

put_back() { status "$1" ".put_back.$2"; }
counted() { [ "$(put_back "$1" "$2")" -ge "$3" ]; }
# That of the interface, and that of lo.
has_route() {
	[ "$(ip -n "$(lab_ns "$1")" route show table local proto 0x48 | grep -c "$LAB_VIP")" = 2 ]
}
has_egress() { lab_run "$1" bpftool net show dev eth0 | grep -q hokm_egress; }
has_xdp() { ip -n "$(lab_ns "$1")" -d link show dev eth0 | grep -q 'prog/xdp'; }
arp_ignore_is() { [ "$(lab_run "$1" cat /proc/sys/net/ipv4/conf/eth0/arp_ignore)" = "$2" ]; }
pins_are_whole() { [ "$(find "$(lab_pins "$1")" -type f 2>/dev/null | wc -l)" = "$2" ]; }

# back_again WORDS SECONDS NODE PART CONDITION CMD...: CMD takes something away; it comes back.
back_again() {
	local words=$1 seconds=$2 node=$3 part=$4 condition=$5 before
	shift 5
	before=$(put_back "$node" "$part")
	observe_mark removed
	must "$@"
	within "$seconds" "$words: it is back" counted "$node" "$part" $((before + 1))
	within 10 "$words: as before" $condition
	within 10 "$words: the players are well" calm
	${JUDGED:-true}
	observe_mark back
}

# An attempt is given up after a second: those that began until now end in this window.
lasts() { ask_arp status && [ "$(whole "$REPLY_ARP" length_ms)" -ge "$1" ]; }
all_judged() {
	ask_arp status
	must lab_wait 20 lasts $(($(whole "$REPLY_ARP" length_ms) + 1100))
}

removed() {
	back_again "$@"
	unbroken "$1"
}

# The same with clsact. Whenever clsact is deleted or created the kernel stops the interface for a
# moment, also without hokm-xdp, and loses what it should send then. A SYN-ACK that is lost is sent
# again after a second, so an attempt may time out, but nothing may be refused or reset.
removed_clsact() {
	local failed timeouts
	JUDGED=all_judged back_again "$@"
	failed=$(field "$REPLY_PLAYERS" failed_attempts)
	timeouts=$(field "$REPLY_PLAYERS" timeout) || timeouts=0
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: attempts that timed out" "$timeouts" -le 4
	number_is "$1: attempts that failed otherwise" $((failed - timeouts)) -eq 0
	number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $1: $REPLY_PLAYERS"
}

del_vip() { ip -n "$(lab_ns a)" addr del "$LAB_VIP/32" dev eth0; }
del_route() { ip -n "$(lab_ns "$1")" route del local "$LAB_VIP" dev lo table local; }
del_filter() { lab_run a tc filter del dev eth0 egress; }
del_clsact() { lab_run a tc qdisc del dev eth0 clsact; }
detach_xdp() { lab_run "$1" bpftool link detach pinned "$(lab_pins "$1")/link_ingress"; }
del_pins() { rm "$(lab_pins a)"/*; }
# A node from which a vital part is removed five times in ten seconds hands the VIP over.
no_vital_part() { [ "$(status a .put_back_last)" = pin ]; }
rested() { status_test a .put_back_ms -gt 10000 || no_vital_part; }
# at_once WORDS LIMIT_MS CONDITION CMD...: CMD takes something away twice, the second time right
# after it is back. What is judged is the median of three times until it is back again.
at_once() {
	local words=$1 limit_ms=$2 condition=$3 removed_us took=() round
	shift 3
	for round in {1..3}; do
		must lab_wait 20 rested
		must lab_wait 5 "$@"
		must lab_wait 5 $condition
		must lab_wait 5 "$@"
		removed_us=${EPOCHREALTIME/./}
		within 5 "$words, twice, round $round: as before" $condition
		took+=($(((${EPOCHREALTIME/./} - removed_us) / 1000)))
	done
	echo "# $words, twice: back after ${took[*]} ms"
	number_is "$words, twice: ms until it is back" "$(median "${took[@]}")" -le "$limit_ms"
}
clear_sysctl() { lab_run a sh -c 'echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_ignore'; }

# What `sysctl --system` does on a machine whose files want other values.
write_sysctls() {
	cat >"$LAB_DIR/bad.conf" <<-END
		net.ipv4.conf.all.arp_ignore = 8
		net.ipv4.conf.all.arp_announce = 0
		net.ipv4.conf.all.rp_filter = 1
		net.ipv4.conf.eth0.arp_ignore = 0
		net.ipv4.conf.eth0.arp_announce = 0
		net.ipv4.conf.eth0.rp_filter = 1
		net.ipv4.conf.all.arp_filter = 1
		net.ipv4.conf.eth0.arp_filter = 1
	END
	lab_run a sysctl -q -p "$LAB_DIR/bad.conf"
}
sysctls_are_good() {
	[ "$(lab_run a sysctl -n net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce \
		net.ipv4.conf.eth0.arp_ignore net.ipv4.conf.eth0.arp_announce \
		net.ipv4.conf.eth0.rp_filter net.ipv4.conf.all.arp_filter \
		net.ipv4.conf.eth0.arp_filter | tr '\n' ' ')" = "0 2 1 2 2 0 0 " ]
}
# Harmless, and left as it is: a request for the VIP never comes to the code that it changes.
proxy_arp() {
	local node
	for node in a b; do
		lab_run $node sysctl -q net.ipv4.conf.eth0.proxy_arp=1 \
			net.ipv4.conf.eth0.proxy_arp_pvlan=1 net.ipv4.ip_forward=1 || return 1
	done
}

# refused COMMAND: of another process, by the daemon that runs. It has no lock file to name.
refused() {
	lab_run a "$HOKM" "$1" -c "$LAB_DIR/a/hokm-xdp.conf" 2>&1 |
		grep -qF "is running already (it answers on $LAB_DIR/a/hokm.sock)"
}

test_pair
pins=$(find "$(lab_pins a)" -type f | wc -l)
removed "VIP of the owner" 1 a addrs "has_vip a" del_vip
within 10 "VIP of the owner: the log says it" \
	log_says a "VIP address of eth0: another program removed"
within 10 "VIP of the owner: so does an event" event a upkeep "VIP address: removed or changed"
removed "egress filter" 2 a egress "has_egress a" del_filter
removed_clsact "clsact" 2 a egress "has_egress a" del_clsact
removed "sysctl" 2 a sysctls "arp_ignore_is a 1" clear_sysctl
removed "sysctl --system" 2 a sysctls sysctls_are_good write_sysctls
within 10 "sysctl --system: the log says it" \
	log_says a "reverse path filtering of eth0 became strict"
must proxy_arp
removed "pins" 2 a pins "pins_are_whole a $pins" del_pins
# Right after a look at the pins: without an announcement the next look is a second later. The
# daemon looks at other things more slowly by then, because so much was removed.
at_once "pins" 500 "pins_are_whole a $pins" del_pins
removed "XDP of the owner" 2 a ingress "has_xdp a" detach_xdp a
# Its loss is known by the pulses that do not come.
at_once "XDP" 400 "has_xdp a" detach_xdp a
must rm "$LAB_DIR/a/hokm.sock" "$LAB_DIR/a/hokm.sock.lock"
within 5 "control socket: it is back, and the daemon answers on it" owns a
holds "lock: without its file, cleanup sees the daemon all the same" refused cleanup
holds "lock: so does another daemon" refused run
holds "lock: nothing was removed" has_xdp a

# The players stay on a, and b steers them there.
must lab_wait 20 calm
must lab_ctl a failover >/dev/null
must lab_wait 20 owner_is b
must lab_wait 20 players_on a
removed "route where steered players live" 1 a routes "has_route a" del_route a
holds "the backup has no VIP" has_no_vip a
test_end
