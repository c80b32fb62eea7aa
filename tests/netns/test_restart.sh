#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# Stopping, starting, reloading and removing the daemon under fifty players, with the times of
# profile standard: no player notices any of it.
#
#   stop      the VIP is handed over; the packet path stays pinned for
#             present players, never as owner
#   start     the pinned state is adopted; only the election moves the VIP
#   crash     a daemon started again within its lease stays owner: no takeover, the same epoch
#   reload    changes settings between two adverts; a wrong file changes nothing
#   second    another daemon of the same node refuses to start
#   cleanup   refuses while a daemon runs; after a crash it removes everything
#   the end   without players nothing stays behind

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

EX_UNAVAILABLE=69
PREEMPT_DELAY_MS=2000
export LAB_CONF_EXTRA="vrrp { preempt_delay = \"${PREEMPT_DELAY_MS}ms\" }"

conf_of() { echo "$LAB_DIR/$1/hokm-xdp.conf"; }
pinned_own() {
	bpftool -j map dump pinned "$(lab_pins "$1")/own" | jq ".[0].formatted.value.$2"
}
# How often the filter in front of conns was made anew.
bits_turn() {
	bpftool -j map dump pinned "$(lab_pins "$1")/conn_bits" | jq '.[0].formatted.value.turn'
}
bits_newer() { [ "$(bits_turn "$1")" -gt "$2" ]; }
adopted() { status_is "$1" .adopted true; }
fall_is() { status_is "$1" '.services[0].checks[0].fall' "$2"; }
players_are() { status_is "$1" '.services[0].players' "$2"; }
heard_more() { status_test "$1" .vrrp.received -ge "$2"; }
# What a restart must not change, as the peer sees it.
facts() { status "$1" '"\(.state) \(.owner) \(.epoch) \(.adopted)"'; }
began() { status "$1" '.uptime_ms - .since_ms'; }
programs() {
	local name
	for name in prog_ingress prog_egress; do
		bpftool -j prog show pinned "$(lab_pins a)/$name" | jq .id
	done
}

remember() {
	FACTS_A=$(facts a) FACTS_B=$(facts b) BEGAN_A=$(began a) BEGAN_B=$(began b)
	observe_mark remembered
}
same_moment() { number_is "$1 (ms off)" "$(($2 > $3 ? $2 - $3 : $3 - $2))" -le 2; }

# unmoved WORDS: since remember.
unmoved() {
	within 10 "$1: the players are well" calm
	observe_mark unmoved
	unbroken "$1"
	holds "$1: the owner is as it was" test "$(facts a)" = "$FACTS_A"
	same_moment "$1: and was all the time" "$(began a)" "$BEGAN_A"
	holds "$1: the peer is as it was" test "$(facts b)" = "$FACTS_B"
	same_moment "$1: and was all the time" "$(began b)" "$BEGAN_B"
}

# Not the default of the kernel, so that a value that is not restored shows.
set_sysctl() { lab_run "$1" sh -c "echo $3 >/proc/sys/net/ipv4/conf/eth0/$2"; }

watch_priority_zero() {
	lab_spawn sw priority-zero tcpdump -i p-a -n -l -c 1 'ip proto 112 and ip[22] = 0'
	must lab_wait 20 grep -q 'listening on' "$LAB_DIR/log/sw.priority-zero"
}

stop_under_players() {
	watch_priority_zero
	observe_mark stop
	must lab_kill a daemon TERM
	within 10 "stop: the peer owns" owns b
	holds "stop: because the owner let go" reason_is b handed-over
	within 10 "stop: priority 0 was on the wire" lab_gone sw priority-zero
	within 10 "stop: the daemon ends" lab_gone a daemon
	within 10 "stop: it logs that the packet path stays" \
		log_says a "the packet path stays pinned for them, never as owner"
	number_is "stop: the pinned lease" "$(pinned_own a lease_until_ns)" -eq 0
	holds "stop: the VIP is no address of the node" has_no_vip a
	within 10 "stop: only the peer answers ARP" sole_owner b
	within 10 "stop: the players are well" calm
	within 10 "stop: and where they were" players_on a
	observe_mark stopped
	unbroken stop 1
	number_is "stop: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 100
}

ms_between() {
	lab_ctl "$1" events --recent 1000 --kind state --json |
		jq -rs "def ms: (.[0:19] + \"Z\" | fromdate) * 1000 + (.[20:23] | tonumber);
			([.[] | select(.text | test(\"$3\"))] | last | .time | ms) -
			([.[] | select(.text | test(\"$2\"))] | last | .time | ms)"
}

start_again() {
	must lab_daemon a
	within 10 "start: the daemon answers" lab_ready a
	holds "start: it adopted what was pinned" adopted a
	within 10 "start: it is backup first" event a state "init -> backup"
	within 20 "start: the primary owns" owns a
	holds "start: by election" reason_is a preempt
	number_is "start: ms from backup to owner" \
		"$(ms_between a 'init -> backup' 'backup -> master')" -ge $PREEMPT_DELAY_MS
	within 10 "start: ARP shows the primary" sole_owner a
	within 10 "start: the players are well" calm
	holds "start: and where they were" players_on a
	observe_mark started
	unbroken start 1
	within 10 "start: the daemon counts its players" players_are a "$PLAYERS"
}

crash() {
	local epoch turn loaded
	remember
	loaded=$(programs)
	epoch=$(status a .epoch)
	turn=$(bits_turn a)
	must lab_kill a daemon KILL
	must lab_wait 10 lab_gone a daemon
	must lab_daemon a
	within 10 "crash: the new daemon owns" owns a
	holds "crash: because it adopted" reason_is a adopted
	number_is "crash: ms from its start to the lease" "$(began a)" -lt 1000
	holds "crash: it loaded no program" test "$(programs)" = "$loaded"
	within 10 "crash: it makes the filter of connections anew" bits_newer a "$turn"
	number_is "crash: the epoch" "$(status a .epoch)" -eq "$epoch"
	# Longer than the lease of the old daemon: the new daemon has renewed it.
	within 10 "crash: the peer hears adverts" heard_more b $(($(status b .vrrp.received) + 4))
	holds "crash: the service stayed up" service_is b up
	FACTS_A="master true $epoch true" BEGAN_A=$(began a)
	unmoved crash
	holds "crash: the players are where they were" players_on a
}

reload_ok() {
	local fall
	remember
	sed -i 's/^vrrp {/vrrp { garp_count = 7/' "$(conf_of a)"
	echo 'service game { check websocket { fall = 5 } check http { } }' >>"$(conf_of a)"
	must lab_kill a daemon HUP
	within 10 "reload: the new value is in force" fall_is a 5
	within 10 "reload: the log says it" log_says a "reloaded $(conf_of a)"
	within 10 "reload: so does an event" event a config reloaded
	within 10 "reload: adverts go on" heard_more b $(($(status b .vrrp.received) + 4))
	unmoved reload
	sed -i 's/fall = 5/fall = 7/' "$(conf_of a)"
	holds "reload by ctl: it says that the file is taken" ctl_reload_says 0 "reloaded"
	holds "reload by ctl: the new value is in force" fall_is a 7
	# The last value is in force for the first time.
	for fall in 8 9 8 7 8 6; do
		sed -i "s/fall = ./fall = $fall/" "$(conf_of a)"
		must lab_kill a daemon HUP
	done
	within 10 "reload after reload: the last one counts" fall_is a 6
}

# ctl_reload_says EXIT-CODE WORDS
ctl_reload_says() {
	local code=0 out
	out=$(lab_ctl a reload 2>&1) || code=$?
	echo "# exit code $code: ${out//$'\n'/ // }"
	[ $code = "$1" ] && [[ $out == *"$2"* ]]
}

# reload_refused WORDS LOG-WORDS EVENT-WORDS: the file is wrong.
reload_refused() {
	remember
	must lab_kill a daemon HUP
	within 10 "$1: the log says what is wrong" log_says a "$2"
	within 10 "$1: an event tells of it" event a config "$3"
	holds "$1: ctl reload says what is wrong" ctl_reload_says 1 "$2"
	within 10 "$1: adverts go on" heard_more b $(($(status b .vrrp.received) + 3))
	holds "$1: the former settings hold" fall_is a 6
	unmoved "$1"
}

reload_bad() {
	cp "$(conf_of a)" "$LAB_DIR/good.conf"
	sed -i 's/fall = 6/fall = 7/' "$(conf_of a)"
	echo 'no_such_key = 1' >>"$(conf_of a)"
	reload_refused "reload of a broken file" "no_such_key: there is no such key here" \
		"reload refused: the file has errors; \`hokm-xdp check-config\` shows where"
	sed '1s/.*/vrrp {/' "$LAB_DIR/good.conf" >"$(conf_of a)"
	reload_refused "reload of half a file" "$(conf_of a):" "reload refused: the file has errors"
	rm "$(conf_of a)"
	reload_refused "reload without a file" "No such file or directory" \
		"reload refused: the file has errors"
	sed 's/garp_count = 7/garp_count = 7 vrid = 26/; s/fall = 6/fall = 7/' \
		"$LAB_DIR/good.conf" >"$(conf_of a)"
	chmod 600 "$(conf_of a)"
	reload_refused "reload of what needs a restart" "vrid can only be changed by a restart" \
		"vrid can only be changed by a restart"
	cp "$LAB_DIR/good.conf" "$(conf_of a)"
}

# refuses WORDS EXIT-CODE MESSAGE CMD...: CMD ends by itself with this code and message.
refuses() {
	local words=$1 code=$2 message=$3 out status
	shift 3
	out=$("$@" 2>&1)
	status=$?
	number_is "$words: exit code" "$status" -eq "$code"
	if [[ $out == *"$message"* ]]; then
		ok "$words: the message"
	else
		not_ok "$words: '$out' lacks '$message'"
	fi
}

second() {
	remember
	footprint_take a .running
	refuses "second daemon" $EX_UNAVAILABLE \
		"a daemon of node primary is running already (it holds $LAB_DIR/a/hokm.sock.lock)" \
		lab_run a "$HOKM" run -c "$(conf_of a)"
	refuses "cleanup under a daemon" $EX_UNAVAILABLE \
		"a daemon of node primary is running already" \
		lab_run a "$HOKM" cleanup -c "$(conf_of a)"
	as_before "second daemon, cleanup" a .running
	unmoved "second daemon, cleanup"
}

# The players have left: nothing keeps the packet path.
without_players() {
	within 10 "the end: no players are left on the backup" players_are b 0
	must lab_kill b daemon TERM
	within 10 "the end: the backup's daemon ends" lab_gone b daemon
	within 10 "the end: it says that nothing stays" log_says b "everything is removed"
	as_before "the end: stop without players" b
}

cleanup_after_crash() {
	must lab_kill a daemon KILL
	must lab_wait 20 lab_gone a daemon
	holds "cleanup: the crash left the VIP" has_vip a
	holds "cleanup: and the pins" test -e "$(lab_pins a)/link_ingress"
	holds "cleanup: it is done" lab_run a "$HOKM" cleanup -c "$(conf_of a)"
	as_before "cleanup after a crash" a
	holds "cleanup: a second time is fine" lab_run a "$HOKM" cleanup -c "$(conf_of a)"
	as_before "cleanup twice" a
}

must lab_up a b
must lab_conf a b
for node in a b; do
	must lab_game $node
	must set_sysctl $node arp_announce 1
	footprint_take $node
done
for node in a b; do must lab_daemon $node; done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a

stop_under_players
start_again
crash
reload_ok
reload_bad
second
observe_stop
without_players
cleanup_after_crash
test_end
