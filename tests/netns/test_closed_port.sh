#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A packet filter of the owner closes the port of the game on the interface, as a firewall that is
# switched on without a rule for it. The active checks pass, because they never leave the machine.
# The owner reports that no SYN is answered, and changes nothing for it: anybody can send such SYNs.
#
# The same on the backup, which has never answered anybody when it becomes owner. What it notified
# is over after a restart too, and when its passive checks are switched off.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

[ -n "$PATIENT" ] || PATIENT='passive { timeout = "1s" }'
LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		$(hook_conf "$(lab_addr client)")
	END
)
export LAB_CONF_EXTRA

close_port() {
	lab_run "$1" nft -f - <<-END
		table ip closed {
			chain in {
				type filter hook input priority 0;
				iifname eth0 tcp dport $LAB_PORT drop
			}
		}
	END
}
open_port() { lab_run "$1" nft delete table ip closed; }
warns() { lab_ctl "$1" status | grep -q "no SYN to service game was answered for"; }
warns_not() { ! warns "$1"; }
times() { lab_ctl a events --recent 1000 --kind passive | grep -c "none is answered"; }
# test_fails NODE ROW: this row and no other one of the category.
test_fails() {
	[ "$(lab_run "$1" "$HOKM" test connectivity -c "$LAB_DIR/$1/hokm-xdp.conf" --json |
		jq -r '[.tests[] | select(.result == "FAIL").name] | join(" ")')" = "$2" ]
}
never() { ! event "$@"; }
# messages NODE MARK REASON: so many were sent.
messages() {
	[ ! -e "$GOT" ] || jq -n --arg node "$(lab_name "$1")" "[inputs | select(.node == \$node) |
		.events[] | select(.mark == \"$2\" and .reason == \"$3\")] | length" "$GOT"
}
sent() { [ "$(messages "$1" "$2" "$3")" = "$4" ]; }

test_pair
must receiver_start client
holds "open: status does not warn" warns_not a
must close_port a
within 20 "closed: the log names the cause" log_says a "packet filter on this machine"
within 10 "closed: an event too" event a passive syns-unanswered
within 10 "closed: status warns" warns a
fault "closed" a syns-unanswered
evidence "closed: the doctor names the service" "to service game was answered"
holds "closed: the test of connectivity fails" test_fails a "SYNs of clients"
holds "closed: the service is up" service_is a up
holds "closed: it is not suspect" status_is a '.services[0].suspect_ms' 0
holds "closed: the owner stays" owns a
within 20 "closed: it is notified" sent a news syns-unanswered 1
must open_port a
within 30 "open again: the players are well" calm
within 10 "open again: an event" event a passive syns-answered
within 10 "open again: status does not warn" warns_not a
mended "closed port" a
within 20 "open again: its end is notified" sent a over syns-answered 1
number_is "reported so often" "$(times)" -eq 1

must close_port b
must ctl_ok a failover
must lab_wait 20 owns b
within 30 "closed on the backup before it owns: it reports that" event b passive syns-unanswered
within 20 "closed on the backup: it is notified" sent b news syns-unanswered 1

must lab_kill b daemon TERM
must lab_wait 20 lab_gone b daemon
must lab_wait 20 owns a
must lab_daemon b
must lab_wait 20 hokm_ready b
must open_port b
must lab_wait 30 calm
holds "started again: nothing is over yet" sent b over syns-answered 0
must ctl_ok a failover
must lab_wait 20 owns b
within 20 "started again: the first answer ends what was notified" sent b over syns-answered 1
holds "started again: no event, because this daemon reported nothing" never b passive syns-

must close_port b
within 30 "closed again: b reports that" event b passive syns-unanswered
within 20 "closed again: it is notified" sent b news syns-unanswered 2
must sed -i 's/passive { timeout/passive { enabled = no timeout/' "$LAB_DIR/b/hokm-xdp.conf"
must grep -q "enabled = no" "$LAB_DIR/b/hokm-xdp.conf"
must ctl_ok b reload
within 20 "switched off: that is over" sent b over not-configured 1
within 10 "switched off: an event too" event b passive "passive checks are off"
within 10 "switched off: status does not warn" warns_not b
test_end
