#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A node that the operator took out of service stays out after its daemon was killed or stopped and
# started again: `failover`, `maint` and `drain` are in the state file until they are taken back.
# Status tells the moment and the user. One that could not be saved is saved later. After a reboot a
# drain has no end. A damaged state file gives no order, and is reported.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# A peer that gets no CPU for a second must not lose the VIP here.
export LAB_CONF_EXTRA="$PATIENT vrrp { advert = 1s preempt_delay = 500ms }"
STATE=$LAB_DIR/a/orders
ordered() { status_is a '.orders | keys | join(" ")' "$1"; }
saved() { status_is a .orders_saved true; }
without_file() { [ ! -e "$STATE" ]; }
fact() { status a ".orders.$1 | \"\(.since_s) \(.uid)\""; }
# Without the order it would take the VIP back within a second.
preempts_not() { ! lab_wait 2 owns a; }
not_saved() { status_is a .orders_failed true; }
warns_not() { ! warns; }
warns() { lab_ctl a status | grep -q "these orders would not survive a restart"; }

# Its lock is free when its last thread has ended.
unlocked() { flock --nonblock "$LAB_DIR/a/hokm.sock.lock" true; }
start_again() {
	must lab_wait 20 unlocked
	must lab_daemon a
}

# again SIGNAL: ends the daemon with it and starts it anew.
again() {
	must lab_kill a daemon "$1"
	start_again
	must lab_wait 20 lab_ready a
}

# keeps ORDER SIGNAL: the order is in force after the daemon was ended with this signal.
keeps() {
	local before
	within 10 "$1, $2: it is in the file" saved
	before=$(fact "$1")
	again "$2"
	holds "$1, $2: it is in force again" ordered "$1"
	holds "$1, $2: since the same moment, by the same user" test "$(fact "$1")" = "$before"
	within 10 "$1, $2: the log says it" log_says a "the order $1 of "
}

test_nodes a b
must lab_wait 20 owns a
holds "without an order there is no file" without_file

holds "failover: the order is taken" ctl_ok a failover
within 10 "failover: the peer owns" owns b
keeps standby KILL
within 10 "failover: the node is backup" state_is a backup
holds "failover: it does not take the VIP back" preempts_not
number_is "failover: mode of the file" "$(stat -c %a "$STATE")" -eq 600
holds "failover: status tells which user" grep -q "ends the standby (since .* by root)" \
	<(lab_ctl a status)

holds "ready ends the standby" ctl_ok a ready
within 20 "ready: the node owns again" owns a
within 10 "ready: the file is gone" without_file

holds "maint: the order is taken" ctl_ok a maint
within 10 "maint: the peer owns" owns b
keeps maint KILL
keeps maint TERM
within 10 "maint: the service shows it" service_is a maint
holds "maint: it does not take the VIP back" preempts_not
holds "maint: ready" ctl_ok a ready
within 20 "maint: the node owns again" owns a

# The next file cannot be written.
must mkdir "$STATE.new"
holds "not saved: the order is taken" ctl_ok a maint
within 10 "not saved: the node knows it" not_saved
holds "not saved: status warns" warns
within 10 "not saved: the log says it" log_says a "could not write the state file $STATE"
must rmdir "$STATE.new"
within 20 "not saved: it is saved as soon as that is possible" saved
holds "not saved: nothing warns any more" warns_not
holds "not saved: ready" ctl_ok a ready
within 20 "not saved: the node owns again" owns a

holds "drain: the order is taken" ctl_ok a drain --timeout 90s
within 10 "drain: the peer owns" owns b
keeps drain KILL
number_is "drain: its time goes on, ms" "$(status a .drain_ms)" -le 90000
number_is "drain: its time goes on, ms" "$(status a .drain_ms)" -gt 30000

must lab_kill a daemon KILL
must sed -i 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' "$STATE"
start_again
within 20 "another boot: the drain is in force again" ordered drain
holds "another boot: its time is over when its players have left" status_is a .drain_ms null

must lab_kill a daemon KILL
must truncate -s -2 "$STATE"
start_again
within 20 "damaged file: the node owns again" owns a
within 10 "damaged file: the log says it" log_says a "it is damaged"
holds "damaged file: no order is in force" ordered ""
test_end
