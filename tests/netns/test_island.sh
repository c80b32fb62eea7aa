#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A port that forwards nothing for a while after its link came (spanning tree). The backup starts
# behind it: it does not become owner on its island, says what it waits for, and is backup when the
# port opens; the primary owns all the time. A node alone in a silent segment owns after
# start_delay; one that hears the gateway does not wait for it.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# port NODE STATE: of the switch's port, 1 listening, 3 forwarding.
port() { lab_run sw bridge link set dev "p-$1" state "$2"; }
waits() { status_is "$1" '.segment_silent_ms != null' true; }
# In BACKUP it would have been owner since: Master_Down of profile fast is at most 0.4 s.
waits_for_long() { status_is "$1" '.segment_silent_ms > 1500' true; }
conf_delay() { sed -i "s/^start_delay.*/start_delay = $2/" "$LAB_DIR/$1/hokm-xdp.conf"; }

alone() {
	must lab_daemon a
	within 30 "alone: it owns" owns a
	within 10 "alone: it waited before" \
		log_says a "nothing was heard on eth0 since its link came"
	within 10 "alone: the reason was said" log_says a "reason=segment-silent"
	within 10 "alone: the wait ended by the delay" log_says a "start_delay is over"
}

island() {
	must port b 1
	must lab_daemon b
	within 20 "island: it waits" waits b
	within 20 "island: for longer than Master_Down" waits_for_long b
	holds "island: it does not own" state_is b fault
	holds "island: status says what it waits for" grep -q "this node waits for a peer" \
		<(lab_ctl b status)
	must port b 3
	within 10 "port open: it is backup" state_is b backup
	within 10 "port open: the log says what was heard" \
		log_says b "the wait is over: a peer was heard"
	within 10 "port open: it hears the primary" hokm_ready b
	number_is "island: times that it became owner" \
		"$(lab_ctl b events --recent 1000 --kind state | grep -c -- "-> master")" -eq 0
	holds "island: the primary owns" owns a
	number_is "island: times that the primary left" \
		"$(lab_ctl a events --recent 1000 --kind state | grep -c "master ->")" -eq 0
}

# The peer is gone, nobody else speaks, and the link of the owner goes and comes.
gateway() {
	must lab_stop b daemon
	conf_delay a 10m
	must ctl_ok a reload
	within 10 "gateway: the delay is long" event a config reloaded
	must ip -n "$(lab_ns a)" route add default via "$(lab_addr client)"
	must lab_link a down
	within 10 "gateway: without a link it does not own" owns_not a
	must lab_link a up
	within 30 "gateway: it answers, and the node owns" owns a
}

must lab_up a b
LAB_START_DELAY=2s must lab_conf a b
conf_delay b 10m
must lab_game a
must lab_game b
alone
island
gateway
test_end
