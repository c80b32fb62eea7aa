#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Section dns is removed while a trouble of the record is open: another program has written it, so
# the change is refused, which is critical. A reload refuses to take the section away, and the
# trouble stays. After a restart without the section no part of the daemon knows of the record: the
# problem is over, and is not repeated.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

CONF=$LAB_DIR/a/hokm-xdp.conf
PATIENT="$PATIENT $(hook_conf "$CLIENT" "group = 0s kinds = dns")"

# got FILTER: an event for which the filter of jq is true was sent.
got() { [ -e "$GOT" ] && jq -e -n "any(inputs | .events[]; $1)" "$GOT" >/dev/null; }
open_problems() {
	lab_run a "$HOKM" notify status --json -c "$CONF" | jq '.channels[0].open_problems'
}
open_is() { [ "$(open_problems)" = "$1" ]; }

must lab_up a b
must mkdir "$STUB"
must eval 'echo "{\"run\": 1, \"shape\": \"foreign\"}" >"$STUB/control.json"'
must start_stub
must receiver_start client
must stub_conf_two_nodes 203.0.113.26 203.0.113.27 "propagation = 0s"
must lab_game a
must lab_daemon a
must lab_wait 20 owns a
within 20 "a foreign record: it is reported" got \
	'.mark == "news" and .reason == "dns-refused" and .severity == "critical"'
within 10 "the problem is open" open_is 1

# The section is the last one of the file, and has a line of its own at its end.
must sed -i '/dns {/,/^[[:space:]]*}/{/dns {/s/dns {.*//;t;d}' "$CONF"
holds "a reload is refused" ctl_refused a reload
within 10 "a reload does not take the section away" event a config "changed by a restart"
holds "the problem stays open" open_is 1
must lab_kill a daemon TERM
must lab_wait 20 lab_gone a daemon
must lab_daemon a
within 20 "after a restart it is over" got '.mark == "over" and .reason == "dns-left"'
within 10 "no problem is open" open_is 0
test_end
