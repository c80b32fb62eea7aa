#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Two DNS monitors on two machines that are no nodes, without root, VRRP and packet path: the record
# follows the games to the backup and back, and flips once each time. A monitor whose
# own cable is out changes nothing, and reports it.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"

A=203.0.113.26 B=203.0.113.27
MONITORS="client client1"

folder() { echo "$LAB_DIR/monitor.$1"; }
# The file of a monitor belongs to its user: it is that user who asks.
nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs "$@"; }
dns() { nobody "$HOKM" dns "${@:2}" -c "$(folder "$1")/hokm-xdp.conf"; }
dns_quiet() { dns "$@" >/dev/null; }
# From where the provider can be reached.
ask_provider() { lab_run client setpriv --reuid=nobody --regid=nogroup --clear-groups \
	"$HOKM" dns "$@" -c "$(folder client)/hokm-xdp.conf"; }
# An answer takes several programs: it is asked for now and then only.
dns_is() { lab_nap 0.3; [ "$(dns "$1" status --json 2>/dev/null | jq -r "$2")" = "$3" ]; }
view_is() { dns_is "$1" .view "$2"; }
history_has() { dns "$1" history | grep -q "$2"; }
as_nobody() { grep -q 'CapEff:.*0000000000000000$' "/proc/$(lab_pid "$1" monitor)/status"; }

# notified WHERE [OPTION]: the channel of the monitor that wrote the change is shown, and nobody
# answers it. Either of the two wrote it.
notified() {
	local monitor
	lab_nap 0.3
	for monitor in $MONITORS; do
		[ "$(lab_run "$1" setpriv --reuid=nobody --regid=nogroup --clear-groups "$HOKM" \
			notify status --json -c "$(folder "$monitor")/hokm-xdp.conf" "${@:2}" |
			jq -r '.channels[] | .name + (.failed > 0 | tostring)')" = hooktrue ] &&
			return
	done
	return 1
}

# public_address NODE ADDRESS: the node has it, and the machines of the monitors find it.
public_address() {
	local m
	ip -n "$(lab_ns "$1")" addr add "$2/32" dev eth0 || return 1
	for m in $MONITORS; do
		ip -n "$(lab_ns "$m")" route add "$2" via "$(lab_addr "$1")" || return 1
	done
}

# configure MONITOR: the same file on all machines but for the paths, which share a file system.
configure() {
	local dir
	dir=$(folder "$1")
	mkdir -p "$dir" || return 1
	cat >"$dir/hokm-xdp.conf" <<-END
		secret = "$LAB_SECRET"
		profile = fast
		node primary { address = $(lab_addr a) dns_address = $A }
		node backup { address = $(lab_addr b) dns_address = $B }
		dns {
			mode = monitor provider = cloudflare record = game.example.com
			endpoint = "https://$CLIENT:$(stub_port)/client/v4" ca_file = "$STUB/ca.pem"
			credentials = "$dir/secrets" timeout = 2s
			failback_delay = 1s min_interval = 0s verify = 10s
			monitor_socket = "$dir/sock" monitor_state = "$dir/dns"
		}
		notify hook {
			type = webhook endpoint = "http://127.0.0.1:9/"
			kinds = dns severity = info group = 0s
		}
	END
	echo CF_API_TOKEN=stub-token-0123456789 >"$dir/secrets"
	chmod 600 "$dir"/* && chown -R nobody:nogroup "$dir"
}

start_monitor() {
	lab_spawn "$1" monitor setpriv --reuid=nobody --regid=nogroup --clear-groups \
		--no-new-privs "$HOKM" dns monitor -c "$(folder "$1")/hokm-xdp.conf"
}

must lab_up a b client1
must public_address a $A
must public_address b $B
must start_stub
must lab_game a
must lab_game b
for m in $MONITORS; do
	must configure "$m"
	must start_monitor "$m"
done
for m in $MONITORS; do
	within 20 "$m: the view is clear" view_is "$m" clear
	within 20 "$m: the record is right" dns_is "$m" '.records[0].state' right
	holds "$m: no capability" as_nobody "$m"
done
number_is "nothing was written" "$(stub .changes)" -eq 0
holds "dns test" grep -q "A at cloudflare: ok" <(ask_provider test)
holds "dns plan" grep -q "$A is replaced by $B" <(ask_provider plan $B)

must lab_kill a game KILL
within 40 "the game of a is gone: the record names b" record_is $B
for m in $MONITORS; do
	within 20 "$m: it reports b" dns_is "$m" '.records[0] | .address + " " + .state' "$B right"
done
number_is "the record flipped once" "$(stub .flips)" -eq 1
within 20 "its notifications are shown where it runs" notified client
within 20 "and on a node, of its monitor" notified a --monitor
holds "the rest of the record is untouched" test "$(stub .untouched)" = true

must lab_link client1 down
within 30 "a monitor without its cable is blind" view_is client1 blind
number_is "it changed nothing" "$(stub .flips)" -eq 1
must lab_link client1 up
within 30 "it sees again" view_is client1 clear
number_is "it still changed nothing" "$(stub .flips)" -eq 1

must lab_game a
within 30 "failback: the record names a" record_is $A
for m in $MONITORS; do
	within 20 "$m: it reports a" dns_is "$m" '.records[0] | .address + " " + .state' "$A right"
done
number_is "failback: the record flipped once more" "$(stub .flips)" -eq 2
holds "failback: the rest of the record is untouched still" test "$(stub .untouched)" = true

must lab_stop client1 monitor
holds "set: taken" dns_quiet client set 198.51.100.9
within 40 "set: the record has it" record_is 198.51.100.9
holds "start: taken" dns_quiet client start
within 40 "start: the record names a" record_is $A
holds "the history tells" history_has client "start"
holds "stop: taken" dns_quiet client stop
within 20 "stop: status tells" dns_is client '.records[0].state' stopped
holds "start ends it" dns_quiet client start
within 20 "it follows the checks again" dns_is client '.records[0].state' right
test_end
