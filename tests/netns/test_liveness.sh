#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 65 s
#
# What an operator sees of connections whose behaviour is known: `ctl conns` with its filters,
# orders and summary, and the events of a connection from open to closed. Each client node has one
# player, so that an address names a player. The clients are python3-websockets, the server is
# tests/stub/bad_server.py.
#
#   client    is refused the upgrade, or is closed in every way
#   client1   sends, and closes with 1001
#   client2   vanishes: its cable is cut, and its entry is removed after idle_timeout
#   client3   waits 0.4 s for its pongs
#   client4   gets no answer to its upgrade
#   client5   receives nothing that the server sends: the data stays unacknowledged
#   client6   waits six seconds for a pong

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

export LAB_CONF_EXTRA="$PATIENT idle_timeout = 60s"
STUB=$TESTS_DIR/../stub
TEXTS=5 PINGS=3
declare -A ORDERS PORT

# mode WORD: the fault of the server for connections from now on.
mode() { echo "$1" >"$LAB_DIR/mode.new" && mv "$LAB_DIR/mode.new" "$LAB_DIR/mode"; }

start() {
	local node
	must lab_up a b client1 client2 client3 client4 client5 client6
	must lab_conf a b
	mode good
	for node in a b; do
		must lab_spawn "$node" game "$STUB/bad_server.py" \
			"$(lab_name "$node")" "$LAB_PORT" \
			"$LAB_DIR/mode"
		must lab_daemon "$node"
	done
	for node in a b; do must lab_wait 30 hokm_ready "$node"; done
	must lab_wait 20 owns a
	# All rows are a's. A moment in which a has no processor must not move the VIP to b.
	must ctl_ok b maint
}

# ---- visitors ----

said() { [ -s "$LAB_DIR/said.$1" ]; }
# visitor NODE: connects; takes its commands from here, its output is in said.NODE.
visitor() {
	local fd
	mkfifo "$LAB_DIR/orders.$1" || return 1
	exec {fd}<>"$LAB_DIR/orders.$1"
	ORDERS[$1]=$fd
	LAB_STDIN=$LAB_DIR/orders.$1 LAB_STDOUT=$LAB_DIR/said.$1 \
		lab_spawn "$1" visitor "$STUB/visitor.py" "$LAB_VIP" "$LAB_PORT"
}
comes() {
	visitor "$1" && lab_wait 10 said "$1" && PORT[$1]=$(jq .port "$LAB_DIR/said.$1")
}
lines_of() { wc -l <"$LAB_DIR/said.$1"; }
more_than() { [ "$(lines_of "$1")" -gt "$2" ]; }
# order NODE WORDS: gives a command and waits until it is done.
order() {
	local before
	before=$(lines_of "$1")
	echo "$2" >&"${ORDERS[$1]}" && lab_wait 15 more_than "$1" "$before"
}
told_of() { tail -n 1 "$LAB_DIR/said.$1" | jq -r "$2"; }

# ---- what ctl shows ----

conns() { lab_ctl a conns --json --limit 10000 "$@"; }
# row NODE FILTER [OPTION...]: a value of the newest connection of a client.
row() {
	local node=$1 filter=$2
	shift 2
	conns --client "$(lab_addr "$node")" "$@" | jq -r "[.conns[]] | min_by(.age_ms) | $filter"
}
row_is() { [ "$(row "$1" "$2")" = "$3" ]; }
how_many() {
	local node=$1
	shift
	conns --client "$(lab_addr "$node")" "$@" | jq '.conns | length'
}
listed() { [ "$(how_many "$@")" = 1 ]; }
not_listed() { [ "$(how_many "$@")" = 0 ]; }
# clients OPTION...: the last byte of each address, in the order of the rows.
clients() { conns "$@" | jq -r '[.conns[].client | split(":")[0] | split(".")[3]] | join(" ")'; }
clients_are() {
	local wanted=$1
	shift
	[ "$(clients "$@")" = "$wanted" ]
}
summary() { lab_ctl a conns --summary --json | jq -r ".summary | $1"; }

# events_of NODE FILTER KIND...: a value of the last event of these kinds with this client.
events_of() {
	local filter=$2 kind kinds=() from
	from="$(lab_addr "$1"):"
	shift 2
	for kind in "$@"; do kinds+=(--kind "$kind"); done
	lab_ctl a events --recent 1024 "${kinds[@]}" --json | jq -rs --arg from "$from" \
		"[.[] | select((.client // .text) | startswith(\$from))] | last | $filter"
}
event_is() { [ "$(events_of "$1" "$3" "$2")" = "$4" ]; }

# ---- the players ----

talks() {
	local rtt
	must comes client1
	must order client1 "talk $TEXTS $PINGS"
	holds "talks: one row" listed client1
	holds "talks: established, open, served here" row_is client1 \
		'"\(.state) \(.ws) \(.target)"' \
		"established open local"
	holds "talks: its port" row_is client1 .client "$(lab_addr client1):${PORT[client1]}"
	holds "talks: followed frame by frame both ways" row_is client1 \
		'"\(.follow_in) \(.follow_out)"' \
		"frames frames"
	number_is "talks: frames in" "$(row client1 .frames_in)" -eq $((TEXTS + PINGS))
	number_is "talks: frames out, with the greeting" \
		"$(row client1 .frames_out)" -eq $((TEXTS + PINGS + 1))
	number_is "talks: HTTP status" "$(row client1 .http_status)" -eq 101
	number_is "talks: us from the upgrade to its answer" "$(row client1 .upgrade_us)" -gt 0
	rtt=$(row client1 .rtt_us)
	number_is "talks: rtt, us" "$rtt" -gt 0
	number_is "talks: rtt is below what the client saw" "$rtt" -lt \
		"$(told_of client1 '.rtt_us[1]')"
	holds "talks: nothing waits" row_is client1 \
		'"\(.stale_ms) \(.ping_wait_ms) \(.upgrade_wait_ms)"' \
		"null null null"
	holds "talks: by state" listed client1 --state established
	holds "talks: by phase" listed client1 --state open
	holds "talks: not in another phase" not_listed client1 --state asked
	holds "talks: not stale" not_listed client1 --stale 1ms
	within 10 "talks: an event that it opened" event_is client1 open .client \
		"$(lab_addr client1):${PORT[client1]}"
	within 10 "talks: an event that it was upgraded" event_is client1 upgraded .status 101
	number_is "talks: which says how long that took, us" \
		"$(events_of client1 .upgrade_us upgraded)" -eq "$(row client1 .upgrade_us)"
}

closes() {
	local left
	left=$(status a .conns_left)
	must order client1 "close 1001"
	holds "closes: its code" test "$(told_of client1 .code)" = 1001
	within 10 "closes: an event with side and code" event_is client1 closed \
		'"\(.side) \(.close_code)"' "client 1001"
	number_is "closes: its age, ms" "$(events_of client1 .age_ms closed)" -gt 0
	number_is "closes: bytes in as the row has them" \
		"$(events_of client1 .bytes_in closed)" -le \
		"$(row client1 .bytes_in)"
	holds "closes: the row has the same" row_is client1 \
		'"\(.ws) \(.close_side) \(.close_code)"' \
		"closing client 1001"
	within 15 "closes: the row leaves" not_listed client1
	number_is "closes: counted as left" "$(status a .conns_left)" -gt "$left"
}

acknowledged() {
	[ "$(lab_run a ss -Htn dst "$(lab_addr "$1")" | awk '{ print $3 }')" = 0 ]
}

vanishes() {
	must comes client2
	must order client2 "talk $TEXTS 0"
	# Else the server would send again what the client has received already, and that is
	# traffic.
	must lab_wait 20 acknowledged client2
	must lab_link client2 down
	socket_goes
	EXPIRED=$(status a .conns_expired)
	VANISHED_MS=$(lab_now_ms)
	holds "vanishes: the row stays" listed client2 --state open
}

# The server's socket goes, and no packet of that is seen: as long as it is there, so is the player.
socket_goes() {
	must lab_run a nft "table ip silent {
		chain out {
			type filter hook output priority 0
			ip daddr $(lab_addr client2) tcp flags & rst != 0 drop
		}
	}"
	must lab_run a ss -HK dst "$(lab_addr client2)" >/dev/null
}
# The server owes it no answer, so its connection is not stale; only idle_timeout removes it. The
# other clients leave before theirs is reached.
vanished() {
	local node silent_ms
	for node in client client3 client4 client5 client6; do must lab_stop "$node" visitor; done
	holds "vanished: not stale" not_listed client2 --stale 1ms
	silent_ms=$(($(lab_now_ms) - VANISHED_MS))
	number_is "vanished: idle for, ms" "$(row client2 .idle_ms)" -ge $((silent_ms - 500))
	# A minute of questions: the counter is asked for without a new program.
	within 70 "vanished: one expired" status_test a .conns_expired -gt "$EXPIRED"
	within 5 "vanished: expired" not_listed client2
	number_is "vanished: not before its time, ms" $(($(lab_now_ms) - VANISHED_MS)) -ge 59000
	number_is "vanished: counted as expired" "$(status a .conns_expired)" -eq $((EXPIRED + 1))
}

waits_for_pongs() {
	mode pong-400
	must comes client3
	must order client3 "talk 0 1"
	number_is "late pong: rtt, us" "$(row client3 .rtt_us)" -ge 400000
	holds "late pong: highest rtt first" clients_are "53 51" --top rtt --limit 2
}

top() {
	holds "top: the highest rtt" clients_are 53 --top rtt --limit 1
	holds "sort: the lowest rtt" clients_are 51 --sort rtt --limit 1
	holds "top: the oldest" clients_are 51 --top age --limit 1
	number_is "summary: open" "$(summary .ws.open)" -eq 3
	number_is "summary: with a known rtt" "$(summary .histograms.rtt_us.count)" -eq 2
	number_is "summary: half of them answer within, us" \
		"$(summary .histograms.rtt_us.p50)" -lt 400000
	number_is "summary: 99 of 100 within, us" "$(summary .histograms.rtt_us.p99)" -gt 400000
	number_is "summary: served here" "$(summary .targets.local)" -eq "$(conns | jq .total)"
	number_is "summary: pings of the service, ever" \
		"$(summary .latency.game.ping_in.count)" -eq \
		$((PINGS + 1))
	holds "summary: as text" \
		grep -q "round trip to the server, last ping: 2, p50" <(lab_ctl a conns --summary)
}

# pongless, silent and cut off: the server owes each of the three an answer, and the events come
# five seconds later.
owed() {
	mode silent
	must visitor client4
	within 10 "silent: the upgrade waits" row_is client4 .ws asked
	mode pong-6500
	must comes client6
	mode good
	must comes client5
	must lab_run a nft -f - <<-END
		table ip cut {
			chain out {
				type filter hook output priority 0;
				ip daddr $(lab_addr client5) drop
			}
		}
	END
	must order client5 text
	must order client6 ping
	within 10 "silent: stale for its upgrade" row_is client4 .stale_reason stale-upgrade
	within 10 "no pong: stale for its ping" row_is client6 .stale_reason stale-ping
	within 10 "cut off: stale for its data" row_is client5 .stale_reason stale-data
	within 10 "stale: these three and no other" three_stale 2s
	holds "stale: the one that waits longest first" test 54 = \
		"$(clients --stale 2s --top stale | cut -d' ' -f1)"
	number_is "stale: for ten minutes" "$(conns --stale 10m | jq '.conns | length')" -eq 0
	holds "stale: the summary counts them" test 1,1,1 = "$(summary '.stale |
		"\(.["stale-upgrade"]),\(.["stale-ping"]),\(.["stale-data"])"')"
	within 10 "silent: an event" event_is client4 stale .reason stale-upgrade
	within 10 "no pong: an event" event_is client6 stale .reason stale-ping
	within 10 "cut off: an event" event_is client5 stale .reason stale-data
	must lab_run a nft delete table ip cut
	within 10 "the data is acknowledged: not stale" row_is client5 .stale_ms null
	within 10 "the pong came: not stale" row_is client6 .stale_ms null
	number_is "the pong came: rtt, us" "$(row client6 .rtt_us)" -ge 6500000
}
three_stale() {
	[ "$(clients --stale "$1" --sort age | tr ' ' '\n' | sort | paste -sd' ')" = "54 55 56" ]
}

# ended MODE WAY: the event names the way in which the server ends a connection.
ended() {
	mode "$1"
	lab_run client "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" --count 1 --stay 2 >/dev/null
	within 10 "$1: closed by ${2/ / with }" event_is client closed '"\(.side) \(.close_code)"' \
		"$2"
}

turned_away() {
	mode status-503
	lab_run client "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" --count 1 >/dev/null
	within 10 "503: an event with the status" event_is client not-upgraded .status 503
	holds "503: none that it was upgraded" event_is client upgraded . null
	holds "503: the row shows it" row_is client '"\(.ws) \(.http_status)"' "refused 503"
	holds "only the kinds asked for" test "closed not-upgraded" = \
		"$(lab_ctl a events --recent 1024 \
		--kind not-upgraded --kind closed --json | jq -r .kind | sort -u | paste -sd' ')"
	mode good
	lab_run client curl -s -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"
	holds "plain HTTP: the row shows it" row_is client '"\(.ws) \(.http_status)"' "plain null"
	ended close-4000 "server 4000"
	ended fin "server 1006"
	ended reset "server 1006"
	mode good
	must comes client
	must order client leave
	within 10 "leaves without a word: closed by client with 1006" event_is client closed \
		'"\(.side) \(.close_code)"' "client 1006"
}

start
talks
vanishes
waits_for_pongs
top
owed
closes
turned_away
vanished
number_is "nothing of this was the service's fault: trips" "$(status a '.services[0].trips')" -eq 0
holds "the service is up" service_is a up
test_end
