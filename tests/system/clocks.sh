# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The wall clocks of both systems are set by hours, in opposite directions, as `timedatectl` does
# it, under players and the unit as installed. A container has the clock of its host, and that is
# not the test's to set: the processes that are started meanwhile, the daemon with its children and
# journald, read another time instead (tests/netns/wall_clock.c). The clocks since boot are those of
# the host, as they are when an administrator sets the time.
# tests/system/test_debian.sh sources this file and has the rest of the words (begin, end).

# shellcheck source=tests/netns/wall_step.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/wall_step.sh"

CLOCK_LIBRARY=/usr/local/lib/wall_clock.so
HOUR=3600
# Adverts of profile fast, 100 ms apart: for longer than WatchdogSec of the unit.
CLOCK_ADVERTS=60

clock_step() { wall_step "$LAB_DIR/$1/root/etc/wall-step" "$2"; }
clock_begin() {
	machine_file "$1" "$CLOCK_LIBRARY" <"$LAB_BUILD/tests/netns/wall_clock.so" &&
		chmod 755 "$LAB_DIR/$1/root$CLOCK_LIBRARY" &&
		machine_file "$1" /etc/wall-step </dev/null && clock_step "$1" 0 &&
		machine_file "$1" /etc/ld.so.preload <<<"$CLOCK_LIBRARY"
}
clock_end() { rm "$LAB_DIR/$1/root"{/etc/ld.so.preload,/etc/wall-step,"$CLOCK_LIBRARY"}; }
# The same daemon, which nothing started again, in the same ownership.
clock_facts() {
	main_pid "$1" && machine_run "$1" systemctl show -P NRestarts hokm-xdp &&
		status "$1" '"\(.owner) \(.epoch) \(.reason) \(.agent.restarts)"'
}
adverts_went_on() { status_test b .vrrp.received -ge "$1"; }
# journal_ahead NODE: as ahead(), of the newest line of the daemon in the journal.
journal_ahead() {
	local newest
	newest=$(machine_run "$1" journalctl -u hokm-xdp -n 1 -o json --no-pager |
		jq -r '.__REALTIME_TIMESTAMP') && echo $((newest / 1000000 - EPOCHSECONDS))
}
# is_about WORDS SECONDS WANTED
is_about() {
	number_is "$1" "$2" -ge $(($3 - 60))
	number_is "$1" "$2" -le $(($3 + 60))
}
# journal_is_about NODE WANTED: a line of the daemon reaches the journal after it was logged.
journal_is_about() {
	local seconds
	seconds=$(journal_ahead "$1") &&
		[ "$seconds" -ge $(($2 - 60)) ] && [ "$seconds" -le $(($2 + 60)) ]
}

# clocks_are WORDS SECONDS-A SECONDS-B
clocks_are() {
	local facts
	begin "$1"
	facts=$(clock_facts a && clock_facts b)
	clock_step a "$2"
	clock_step b "$3"
	within 30 "$CASE: adverts go on for longer than the watchdog waits" \
		adverts_went_on $(($(status b .vrrp.received) + CLOCK_ADVERTS))
	holds "$CASE: daemons, agents and ownership are the same" \
		test "$(clock_facts a && clock_facts b)" = "$facts"
	number_is "$CASE: ms that the lease is good for" "$(status a .lease_left_ms)" -gt 0
	must ctl_ok a reload
	is_about "$CASE: seconds that events are ahead" "$(ahead a)" "$2"
	within 10 "$CASE: the journal is ahead by $2 seconds" journal_is_about a "$2"
	end
}

clocks_are_set() {
	local node
	begin "units that read another clock"
	for node in b a; do
		must clock_begin $node
		must machine_run $node systemctl restart systemd-journald hokm-xdp
		within 60 "$CASE: all is well" as_usual
	done
	end 4
	clocks_are "clocks an hour apart" $HOUR -$HOUR
	clocks_are "clocks two hours back and forward" -$HOUR $HOUR
	clocks_are "clocks set right" 0 0
	begin "units that read the clock of the machine"
	for node in b a; do
		must clock_end $node
		must machine_run $node systemctl restart systemd-journald hokm-xdp
		within 60 "$CASE: all is well" as_usual
	done
	end 4
}
