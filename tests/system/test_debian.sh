#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two whole Debian 12 systems, installed from the package and by `hokm-xdp setup`, under players.
# What a distribution does to a server by itself or by the hand of its operator: the daemon is
# killed, is unresponsive, is replaced and stopped; a monitor of DNS runs beside it; the systems
# are switched off and boot; networkd is configured anew and restarted, sysctls are applied, the
# journal stops; the wall clocks are set (clocks.sh); an address comes late by DHCP and gets another
# mask; the interface is made again; the package is upgraded and purged (package.sh).
# Each time one node owns, and players notice no more than the end of their own machine.

PLAYERS=10
# shellcheck source=tests/system/machine.sh
. "$(dirname "$0")/machine.sh"
# shellcheck source=tests/system/package.sh
. "$(dirname "$0")/package.sh"
# shellcheck source=tests/system/clocks.sh
. "$(dirname "$0")/clocks.sh"

put_back() { status "$1" ".put_back.$2"; }
counted() { [ "$(put_back "$1" "$2")" -ge "$3" ]; }
main_pid() { machine_run "$1" systemctl show -P MainPID hokm-xdp; }
# is_main PID: it is a process. systemd says 0 between the end of a daemon and the next one, and a
# signal to process 0 ends the whole group of its sender: the test.
is_main() { [ "${1:-0}" -gt 0 ]; }
is_active() { [ "$(machine_run "$1" systemctl is-active hokm-xdp 2>/dev/null)" = active ]; }
other_pid() {
	local now
	now=$(main_pid "$1") && is_main "$now" && [ "$now" != "$2" ] && is_active "$1"
}
# signal_main NODE SIGNAL PID
signal_main() { is_main "$3" && machine_run "$1" kill "-$2" "$3"; }
# The primary owns, the backup is ready, and all is well. ALONE: the backup is not there.
ALONE=false
as_usual() {
	owns a && { $ALONE || { state_is b backup && hokm_ready a && hokm_ready b; }; } && calm
}

# begin WORDS: a window of the observers for one case.
begin() {
	CASE=$1
	within 60 "$CASE: before it all is well" as_usual
	observe_mark "${CASE// /-}"
}
# end [CHANGES]: it is over; no connection broke, and the owner changed so many times at most.
end() {
	within 60 "$CASE: then all is well" as_usual
	observe_mark end
	number_is "$CASE: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	one_owner "${1:-0}"
}
one_owner() {
	number_is "$CASE: owner changes" "$(field "$REPLY_ARP" changes)" -le "$1"
	number_is "$CASE: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $CASE: $REPLY_PLAYERS"
}

# ---- networkd and sysctls ----

reconfigure() {
	local before
	begin "networkctl reconfigure"
	before=$(put_back a addrs)
	must machine_run a networkctl reconfigure eth0
	within 20 "$CASE: the VIP was removed and is back" counted a addrs $((before + 1))
	within 10 "$CASE: it is an address of the interface" has_vip a
	end
}

networkd_restart() {
	begin "restart of networkd"
	must machine_run a systemctl restart systemd-networkd
	within 20 "$CASE: the interface is configured" network_is a configured
	within 10 "$CASE: the node has the VIP" has_vip a
	end
}
network_is() { machine_run "$1" networkctl --no-legend list eth0 | grep -qw "$2"; }

apply_sysctls() {
	local before
	begin "sysctl --system"
	before=$(put_back a sysctls)
	must machine_file a /etc/sysctl.d/99-hardened.conf <<-END
		net.ipv4.conf.all.arp_ignore = 8
		net.ipv4.conf.all.rp_filter = 1
		net.ipv4.conf.eth0.arp_ignore = 0
		net.ipv4.conf.eth0.arp_announce = 0
		net.ipv4.conf.eth0.rp_filter = 1
	END
	# Settings of the kernel itself are not a container's to change.
	machine_run a sysctl -q --system 2>/dev/null
	within 20 "$CASE: they are put back" counted a sysctls $((before + 1))
	within 10 "$CASE: all of them" sysctls_are "0 1 2 2 "
	rm "$LAB_DIR/a/root/etc/sysctl.d/99-hardened.conf"
	end
}
sysctls_are() {
	local conf=net.ipv4.conf found
	found=$(lab_run a sysctl -n $conf.all.arp_ignore $conf.eth0.arp_ignore \
		$conf.eth0.arp_announce $conf.eth0.rp_filter | tr '\n' ' ')
	[ "$found" = "$1" ]
}

# ---- the unit ----

killed_five_times() {
	local i pid
	begin "kill -9 five times"
	for i in 1 2 3 4 5; do
		pid=$(main_pid a)
		must signal_main a KILL "$pid"
		within 20 "$CASE: systemd starts it again ($i)" other_pid a "$pid"
	done
	end 10
}

unresponsive() {
	local pid
	begin "watchdog"
	pid=$(main_pid a)
	must signal_main a STOP "$pid"
	within 20 "$CASE: the peer owns meanwhile" owns b
	within 60 "$CASE: the watchdog starts another daemon" other_pid a "$pid"
	end 2
}

replaced() {
	local to=$LAB_DIR/a/root/usr/sbin pid
	begin "another binary"
	pid=$(main_pid a)
	must cp "$to/hokm-xdp" "$to/hokm-xdp.new"
	must mv "$to/hokm-xdp.new" "$to/hokm-xdp"
	must machine_run a systemctl restart hokm-xdp
	within 20 "$CASE: it runs" other_pid a "$pid"
	end 2
}

stopped() {
	begin "systemctl stop"
	must machine_run a systemctl stop hokm-xdp
	within 10 "$CASE: the peer owns" owns b
	holds "$CASE: the unit did not fail" \
		test "$(machine_run a systemctl is-failed hokm-xdp)" = inactive
	must machine_run a systemctl start hokm-xdp
	end 2
}

journal_stops() {
	local pid units=(systemd-journald.socket systemd-journald-dev-log.socket
		systemd-journald-audit.socket systemd-journald.service)
	begin "journald stopped"
	pid=$(main_pid a)
	must machine_run a systemctl stop "${units[@]}"
	must lab_ctl a reload >/dev/null
	must machine_run a systemctl start "${units[@]}"
	holds "$CASE: it is the same daemon" test "$(main_pid a)" = "$pid"
	end
}

# A thread of the daemon waits in write(2) because the journal's socket is full.
log_waits() {
	local pid
	pid=$(main_pid "$1") && is_main "$pid" || return 1
	machine_run "$1" sh -c "cat /proc/$pid/task/*/wchan" | grep -q sock_alloc_send
}
log_goes_on() { ! log_waits "$1"; }
# The process of systemd's MainPID, as the host calls it.
host_pid() { machine_leader "$1" && pgrep --ns "$LEADER" --nslist pid -xo hokm-xdp; }
log_fills() {
	"$TESTS_DIR/../system/fill_log.py" "$(host_pid "$1")" >/dev/null &&
		lab_ctl "$1" reload >/dev/null && log_waits "$1"
}
journal_is_stuck() {
	local pid journald
	begin "journald unresponsive"
	pid=$(main_pid a)
	journald=$(machine_run a systemctl show -P MainPID systemd-journald)
	must is_main "$journald"
	must machine_run a kill -STOP "$journald"
	within 60 "$CASE: its socket is full" log_fills a
	must lab_ctl a failover >/dev/null
	within 20 "$CASE: the VIP moves to the peer" owns b
	must lab_ctl a ready >/dev/null
	within 20 "$CASE: and back" owns a
	holds "$CASE: the socket was full all the time" log_waits a
	must machine_run a kill -CONT "$journald"
	within 20 "$CASE: the log goes on" log_goes_on a
	holds "$CASE: it is the same daemon" test "$(main_pid a)" = "$pid"
	end 2
}

# The monitor of DNS, whose unit gives it a user for the time, the configuration and the credential.
# Nothing listens where its name server should be.
MONITOR=hokm-xdp-monitor
monitor_unit() {
	local conf=$LAB_DIR/b/root/etc/hokm-xdp/hokm-xdp.conf kept=$LAB_DIR/b/kept.conf pid
	CASE="unit of the monitor"
	must cp -p "$conf" "$kept"
	must sed -i "s/\(node primary .*\) }/\1 dns_address = 203.0.113.26 }/
		s/\(node backup .*\) }/\1 dns_address = 203.0.113.27 }/
		\$a dns { mode = monitor watch = private provider = rfc2136 timeout = 1s \\
			record = game.example.com \\
			endpoint = \"dns://$(lab_addr client):9\" }" "$conf"
	must machine_file b /etc/hokm-xdp/dns-credentials \
		< <(printf 'DNS_TSIG_KEY=hokm-key\nDNS_TSIG_SECRET=c2VjcmV0LW9mLWRucw==\n')
	chmod 600 "${conf%/*}/dns-credentials"
	must machine_run b systemctl start $MONITOR
	within 20 "$CASE: it sees the games" monitor_says .view clear
	within 20 "$CASE: with the credential it asks the name server" \
		monitor_says .records[0].result failed
	pid=$(machine_run b systemctl show -P MainPID $MONITOR)
	holds "$CASE: it has no capability" machine_run b \
		grep -qx 'CapEff:.0000000000000000' "/proc/$pid/status"
	holds "$CASE: it is not root" machine_run b grep -q '^Uid:.[1-9]' "/proc/$pid/status"
	holds "$CASE: the secret is not in the journal" no_secret_in_journal b
	must machine_run b systemctl stop $MONITOR
	holds "$CASE: it did not fail" \
		test "$(machine_run b systemctl is-failed $MONITOR)" = inactive
	must mv "$kept" "$conf"
	must rm "${conf%/*}/dns-credentials"
}
monitor_says() {
	[ "$(machine_run b hokm-xdp dns status --json 2>/dev/null | jq -r "$1")" = "$2" ]
}
no_secret_in_journal() {
	local journal
	journal=$(machine_run "$1" journalctl -b --no-pager) &&
		[[ $journal == *"$MONITOR"* && $journal != *c2VjcmV0* ]]
}

# ---- the machine ----

# The owner's, under players of both machines: those of the backup notice nothing.
interface_made_again() {
	begin "interface made again"
	crowd_on_backup
	ask_crowd "mark off"
	must ip -n "$(lab_ns a)" link del eth0
	within 20 "$CASE: the peer owns" owns b
	must lab_cable a
	within 60 "$CASE: then all is well" as_usual
	ask_crowd "mark on"
	number_is "$CASE: connections to the other machine broken" \
		"$(field "$REPLY_CROWD" broken)" -eq 0
	holds "$CASE: and they are there" crowd_on b
	observe_mark end
	one_owner 2
	must crowd_stop
}

# More players, of another client.
crowd_start() {
	rm -f "$LAB_DIR"/crowd.{in,out}
	mkfifo "$LAB_DIR"/crowd.{in,out} && exec {CROWD_IN}<>"$LAB_DIR/crowd.in" \
		{CROWD_OUT}<>"$LAB_DIR/crowd.out" || return 1
	LAB_STDIN=$LAB_DIR/crowd.in LAB_STDOUT=$LAB_DIR/crowd.out lab_spawn client1 crowd \
		"$LAB_BUILD/hokm-players" --json --url "$LAB_VIP:$LAB_PORT" --players "$CROWD" \
		--interval 100
}
crowd_stop() {
	lab_kill client1 crowd KILL
	lab_wait 10 lab_gone client1 crowd && exec {CROWD_IN}>&- {CROWD_OUT}>&-
}
ask_crowd() {
	echo "$1" >&"$CROWD_IN" && observe_read "$CROWD_OUT" && REPLY_CROWD=${REPLY%\}*}\}
}
crowd_on() { ask_crowd status && field_is "$REPLY_CROWD" "$(lab_name "$1")" "$CROWD"; }
CROWD=10

# The machine of NODE has players and is switched off, as HOW says. Those of the other machine
# notice nothing, and those of NODE play there at last.
switched_off() {
	local node=$1 other=$2 how=$3
	must lab_wait 20 players_on "$node"
	must lab_wait 20 crowd_on "$other"
	ask_crowd "mark off"
	must "$how" "$node"
	within 60 "$CASE: the players of the machine play again" well
	within 20 "$CASE: on the other one" players_on "$other"
	ask_crowd "mark on"
	number_is "$CASE: connections to the other machine broken" \
		"$(field "$REPLY_CROWD" broken)" -eq 0
	observe_mark off
	one_owner 1
}
boots() {
	must machine_boot "$1"
	within 60 "$CASE: the unit is active again" is_active "$1"
	within 60 "$CASE: then all is well" as_usual
	observe_mark end
	one_owner 1
}

# The primary owns and has the players, and the crowd has come to the backup.
crowd_on_backup() {
	must ctl_ok a failover
	must lab_wait 20 owns b
	must crowd_start
	must lab_wait 20 crowd_on b
	must ctl_ok b failover
	within 60 "$CASE: players on both machines" as_usual
	observe_mark begin
}

reboot_of_owner() {
	begin "reboot of the owner"
	crowd_on_backup
	switched_off a b machine_reboot_down
	boots a
	holds "$CASE: the packet filter of setup is there again" has_table a
}
has_table() { machine_run "$1" nft list table inet hokm_xdp >/dev/null 2>&1; }

# Everybody is on the backup: the crowd leaves it and comes to the owner. The backup has a power
# cut, and then no address and no configuration, as if its file system were mounted late. The daemon
# waits for both.
reboot_of_backup() {
	begin "power cut of the backup"
	must crowd_stop
	must crowd_start
	must lab_wait 20 crowd_on a
	must machine_network b DHCP=ipv4
	systemctl -q --root="$LAB_DIR/b/root" mask systemd-networkd-wait-online.service
	switched_off b a machine_off
	must crowd_stop
	must mv "$LAB_DIR"/b/root/etc/hokm-xdp/hokm-xdp.conf "$LAB_DIR/b/late.conf"
	must machine_boot b
	BOOT_MS=$(lab_now_ms)
}

# ---- DHCP ----

LATE_MS=20000
dhcp_server() {
	lab_spawn client1 dhcp dnsmasq -k -C /dev/null -p 0 -i eth0 --no-ping --user=root \
		--pid-file= --dhcp-leasefile="$LAB_DIR/leases" --dhcp-authoritative \
		--dhcp-range=192.168.1.0,static,255.255.255.0,2m \
		--dhcp-host="$(lab_mac b),$(lab_addr b)" --dhcp-option="1,$1"
}
# waits NODE [FOR]
waits() {
	[[ $(machine_run "$1" systemctl show -P StatusText hokm-xdp) == *"waiting: "*"${2:-}"* ]]
}
is_late() { [ $(($(lab_now_ms) - BOOT_MS)) -ge $LATE_MS ]; }
mask_is() {
	[[ $(ip -n "$(lab_ns "$1")" -o -4 addr show dev eth0) == *" $(lab_addr "$1")/$2 "* ]]
}

address_comes_late() {
	CASE="late configuration"
	within 60 "$CASE: the daemon waits for it, and systemd shows that" \
		waits b "the configuration cannot be read"
	must mv "$LAB_DIR/b/late.conf" "$LAB_DIR"/b/root/etc/hokm-xdp/hokm-xdp.conf
	CASE="address by DHCP"
	within 60 "$CASE: the daemon waits for it, and systemd shows that" waits b "addresses is on"
	must lab_wait 60 is_late
	holds "$CASE: it waits after $LATE_MS ms too" waits b
	must dhcp_server 255.255.255.0
	within 60 "$CASE: the unit is active" is_active b
	within 60 "$CASE: then all is well" as_usual
	holds "$CASE: with this mask" mask_is b 24
}

# The owner's address gets another mask.
mask_changes() {
	CASE="another mask by DHCP"
	must ctl_ok a failover
	must lab_wait 20 owns b
	must lab_wait 20 calm
	observe_mark mask
	must lab_stop client1 dhcp
	must dhcp_server 255.255.240.0
	must machine_run b networkctl renew eth0
	within 60 "$CASE: it is there" mask_is b 20
	within 20 "$CASE: the node has the VIP" has_vip b
	within 20 "$CASE: the players are well" calm
	observe_mark end
	number_is "$CASE: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	one_owner 0
	must ctl_ok b failover
}

# ---- the package and setup ----

lacks() { ! "$@"; }
has_own_address() {
	[[ $(ip -n "$(lab_ns "$1")" -o -4 addr show dev eth0) == *" $(lab_addr "$1")/"* ]]
}
left_over() {
	LEFT=$(machine_run "$1" sh -c 'ls -A /etc/hokm-xdp /sys/fs/bpf/hokm-xdp 2>/dev/null
		cd /etc/systemd/system && ls -d hokm-xdp* *.wants/hokm-xdp* 2>/dev/null' |
		grep -v ':$' | tr '\n' ' ')
	[ -n "${LEFT// /}" ]
}
# On the machine that is left.
taken_back() {
	CASE="setup --remove"
	holds "$CASE: it is done" machine_run b hokm-xdp setup --remove --yes
	holds "$CASE: no daemon runs" lacks is_active b
	holds "$CASE: it leaves nothing" lacks left_over b
	holds "$CASE: no packet filter either" lacks has_table b
	[ -z "$LEFT" ] || echo "# left: $LEFT"
}

# As a new administrator has it: package, setup on both, the first drill. The players come later.
first_drill() {
	CASE="first drill"
	within 20 "$CASE: both replicas are warm" status_is a \
		'.peers[0].replica | .warm and .peer_warm' true
	holds "$CASE: it passes" machine_run a hokm-xdp test failover --yes
	within 20 "$CASE: the VIP is back" owns a
	number_is "$CASE: seconds since there was a package" $((SECONDS - BEGAN)) -lt 600
}

must machine_base
must lab_up client1
BEGAN=$SECONDS
must machine_install
for node in a b; do must machine_make $node; done
for node in a b; do must machine_boot $node; done
for node in a b; do
	within 60 "$node: it has its address" has_own_address $node
	holds "$node: the package starts nothing" lacks is_active $node
done
holds "both are set up, the second one by the code of the first" machine_setup
for node in a b; do
	within 60 "$node: the unit is active" is_active $node
	holds "$node: the packet filter of setup is loaded" has_table $node
done
must lab_wait 60 hokm_ready a
# The players connect to the owner: reboot_of_owner needs them there.
must lab_wait 60 owns a
first_drill
must observe_start
drill_units
package_upgraded
killed_five_times
unresponsive
replaced
stopped
journal_is_stuck
clocks_are_set
monitor_unit
reboot_of_owner
reboot_of_backup
ALONE=true
reconfigure
networkd_restart
apply_sysctls
journal_stops
ALONE=false
address_comes_late
mask_changes
interface_made_again
game_recovered
purged_backup
purged_owner
taken_back
test_end
