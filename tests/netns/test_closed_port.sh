#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A packet filter of the owner closes the port of the game on the interface, as a firewall that is
# switched on without a rule for it. The active checks pass, because they never leave the machine.
# The owner reports that no SYN is answered, and changes nothing for it: anybody can send such SYNs.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

close_port() {
	lab_run a nft -f - <<-END
		table ip closed {
			chain in {
				type filter hook input priority 0;
				iifname eth0 tcp dport $LAB_PORT drop
			}
		}
	END
}
open_port() { lab_run a nft delete table ip closed; }
warns() { lab_ctl a status | grep -q "no SYN to service game was answered for"; }
warns_not() { ! warns; }
times() { lab_ctl a events --recent 1000 --kind passive | grep -c "none is answered"; }

test_pair
holds "open: status does not warn" warns_not
must close_port
within 20 "closed: the log names the cause" log_says a "packet filter on this machine"
within 10 "closed: an event too" event a passive syns-unanswered
within 10 "closed: status warns" warns
holds "closed: the service is up" service_is a up
holds "closed: it is not suspect" status_is a '.services[0].suspect_ms' 0
holds "closed: the owner stays" owns a
must open_port
within 30 "open again: the players are well" calm
within 10 "open again: an event" event a passive syns-answered
within 10 "open again: status does not warn" warns_not
number_is "reported so often" "$(times)" -eq 1
test_end
