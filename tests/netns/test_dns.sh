#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# DNS follows the owner: with the VIP the record moves to the other node and back, while everything
# else in it stays. A restart of the daemon writes nothing. The operator's address holds until
# start. From the service's DOWN to the accepted change it takes less than a second. An unresponsive
# provider delays no failover, and neither does a name server. No secret is in a log. A floating
# address follows the owner in the same way.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"

A=203.0.113.26 B=203.0.113.27
RUN=0

# control [MEMBERS]: how the provider fails from now on, in JSON.
control() { echo "{\"run\": $RUN${1:+, $1}}" >"$STUB/new" && mv "$STUB/new" "$STUB/control.json"; }
dns() { lab_ctl "$1" dns "${@:2}"; }
dns_is() { status_is "$1" '.dns.records[0].state' "$2"; }
# change_ms: from the service's last DOWN on a to the last change that was accepted.
change_ms() {
	local down
	down=$(lab_ctl a events --recent 1000 --json --kind service |
		jq -rs 'map(select(.text | test(" -> down"))) | last.time') || return 1
	echo $(($(date -d "@$(stub .changed)" +%s%3N) - $(date -d "$down" +%s%3N)))
}
is_fast() { [ "$(change_ms)" -lt 1000 ]; }
fail_over() {
	must lab_kill a game KILL
	within 10 "its service is down: b owns" owns b
	within 10 "the record names b" record_is $B
}
fail_back() {
	must lab_game a
	within 20 "failback: a owns" owns a
	within 10 "the record names a" record_is $A
}
ask_once() { lab_run "$1" "$HOKM" dns "${@:2}" -c "$LAB_DIR/$1/hokm-xdp.conf"; }
without_secret() { ! grep -rqF stub-token "$LAB_DIR/log"; }
# The name server of the zone: a port at which nothing listens.
seen() { grep -q "seen .*0 of 1 name servers have it" <(dns "$1" --history); }
changed_back() { grep -q "changed .*$B is replaced by $A" <(dns "$1" --history); }
changed() { grep -q "changed .*$A is replaced by $B" <(dns "$1" --history); }
asked() { [ "$(stub .requests)" -gt "$1" ]; }

holder_is() { [ "$(stub .holder)" = "$1" ]; }
lock_is_free() { flock --nonblock "$LAB_DIR/$1/hokm.sock.lock" true; }
# Both nodes get another configuration, and start again.
give_floating_address() {
	local node
	for node in a b; do
		lab_kill $node daemon KILL && lab_wait 20 lock_is_free $node &&
			sed -i "s/dns_address = $A/cloud_id = 3164444/
				s/dns_address = $B/cloud_id = 3164445/
				s/digitalocean record = [^ ]*/digitalocean-ip record = 203.0.113.5/
				s/%n\\.dns/%n.ip/" "$LAB_DIR/$node/hokm-xdp.conf" &&
			lab_daemon $node || return 1
	done
}

must lab_up a b
must mkdir "$STUB"
must control
must start_stub
must stub_conf_two_nodes $A $B "name_servers = \"$CLIENT:9\" propagation = 1s"
must lab_game a
must lab_daemon a
# Alone first: neither writes because it is the first to start.
must lab_wait 20 owns a
must lab_game b
must lab_daemon b
must lab_wait 20 hokm_ready a
within 10 "the record is right already" dns_is a right
number_is "nothing was written" "$(stub .changes)" -eq 0
holds "dns test" ask_once a test
holds "dns plan shows what b would write" grep -q "$A is replaced by $B" <(ask_once b plan)
number_is "neither wrote" "$(stub .changes)" -eq 0

fail_over
# On a machine with other work one of four is enough.
for _ in 1 2 3; do
	is_fast && break
	fail_back
	fail_over
done
number_is "from DOWN to the accepted change, ms" "$(change_ms)" -lt 1000
changes=$(stub .changes)
holds "the rest of the record is untouched" test "$(stub .untouched)" = true
within 10 "b reports it" dns_is b right
within 10 "a does not write" dns_is a not-owner
within 10 "the history tells" changed b
within 10 "the history tells that no name server has it" seen b
within 10 "status tells it too" status_is b '.dns.records[0].name_servers.of' 1
within 10 "an event tells" event b dns "is replaced by $B"

fail_back
within 10 "a reports it" dns_is a right
number_is "one change more" "$(stub .changes)" -eq $((changes + 1))
holds "the rest of the record is untouched still" test "$(stub .untouched)" = true

holds "set: taken" dns a set --address 198.51.100.9
within 10 "set: the record has it" record_is 198.51.100.9
within 10 "set: status tells" status_is a '.dns.records[0].held' 198.51.100.9
must lab_kill a daemon KILL
must lab_wait 20 flock --nonblock "$LAB_DIR/a/hokm.sock.lock" true
must lab_daemon a
within 20 "restart: a owns" owns a
within 10 "restart: the operator's address is right" dns_is a right
holds "restart: the history has what was before" changed_back a
holds "start: taken" dns a start
within 10 "start: the record names a" record_is $A
number_is "the restart wrote nothing" "$(stub .changes)" -eq $((changes + 3))

# The provider is unresponsive.
before=$(stub .requests)
control '"fail": "timeout"'
must lab_kill a game KILL
within 10 "unresponsive: b owns all the same" owns b
within 10 "it was asked" asked "$before"
holds "the record is the old one" record_is $A
# The thread of the adverts answers this, and a request takes up to 5 s.
within 10 "status answers meanwhile" dns_is b running
control
within 20 "it answers again: the record names b" record_is $B
number_is "late, ms, at most" "$(status b .late_ms_max)" -lt 2500

# The game of a is still dead.
must give_floating_address
within 20 "floating: b owns" owns b
within 20 "floating: machine b has the address" holder_is b
within 10 "floating: b reports it" dns_is b right
must lab_game a
within 20 "floating, failback: a owns" owns a
within 20 "floating, failback: machine a has the address" holder_is a
holds "floating, set: the name of a node is taken" dns a set --address "$(lab_name b)"
within 20 "floating, set: machine b has the address" holder_is b
holds "no secret is in a log" without_secret
test_end
