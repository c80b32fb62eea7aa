#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 55 s
#
# The control socket under fifty players: what it shows, what it does, who may use it, and how it
# handles requests that are garbage, too long, incomplete or never read, too many clients, and a
# slow follower. Every refusal has a message, an exit code and a counter, and the daemon goes on.
# The HTTP listener says the same as ctl, before and after the VIP moves.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

EXIT_FAILED=1 EXIT_USAGE=2 EXIT_NO_DAEMON=3 EXIT_NOT_OWNER=4 EXIT_DENIED=5
SOCKET_A=$LAB_DIR/a/hokm.sock
export LAB_CONF_EXTRA="$PATIENT ctl_group = users ctl_admin_group = games
listen { port = 8768 }"

ctl_count() { status a ".ctl.$1"; }
bad_client() { lab_run a "$TESTS_DIR/ctl_client.py" "$SOCKET_A" "$@"; }
as_nobody() {
	local group=$1
	shift
	lab_run a setpriv --reuid nobody --regid "$group" --clear-groups "$HOKM" ctl -s \
		"$SOCKET_A" "$@"
}
new_players_go_to() {
	ask_players status
	[ "$(field "$REPLY_PLAYERS" new_players_go_to)" = "$(lab_name "$1")" ]
}

# answers WORDS EXIT-CODE TEXT CMD...: CMD exits with this code and prints TEXT.
answers() {
	local words=$1 code=$2 text=$3 out status
	shift 3
	out=$("$@" 2>&1)
	status=$?
	if [ $status = "$code" ] && [[ $out == *"$text"* ]]; then
		ok "$words"
	else
		not_ok "$words: exit code $status for $code, '$text' in: ${out:0:400}"
	fi
}

# counted WORDS COUNT TEXT WAY...: a bad client receives TEXT, and COUNT rises by one.
counted() {
	local words=$1 count=$2 text=$3 before
	shift 3
	before=$(ctl_count "$count")
	answers "$words: it gets the message" 0 "$text" bad_client "$@"
	number_is "$words: counted as $count" "$(ctl_count "$count")" -eq $((before + 1))
}

bad_requests() {
	local nest
	nest=$(printf '%4000s' '' | tr ' ' '[')
	observe_mark bad
	counted "not JSON" garbage '"ok": false' frame 'status, please'
	counted "JSON that never ends" garbage '"ok": false' frame "$nest"
	counted "not UTF-8" garbage '"ok": false' frame "$(printf '{"verb":"\xff\xfe"}')"
	counted "no object" garbage '"ok": false' frame '["status"]'
	counted "no verb" garbage 'a request is' frame '{"word":"status"}'
	counted "arguments that are none" garbage 'a request is' frame '{"verb":"status","args":7}'
	counted "empty frame" garbage 'the request is empty' length 0
	counted "cut off" garbage 'the request was cut off' cut
	counted "another protocol" oversized 'the request is too long' raw \
		"$(printf 'GET / HTTP/1.1\r\n\r\n')"
	counted "too long" oversized 'the request is too long' length 4097
	counted "half a request" timed_out 'the request was not complete in time' half
	counted "not a word" timed_out 'the request was not complete in time' silent
	counted "answers that nobody reads" timed_out closed unread
	answers "unknown verb" 0 'this daemon has no verb \"dance\"; it has events, status' \
		bad_client frame '{"verb":"dance"}'
	answers "wrong kind of argument" 0 'limit is 1 to' \
		bad_client frame '{"verb":"conns","args":{"limit":-1}}'
	answers "wrong kind of event" 0 'no such kind of event' \
		bad_client frame '{"verb":"events","args":{"kinds":["dance"]}}'
}

# 64 clients may be connected at a time.
crowd() {
	local before
	before=$(ctl_count busy)
	mkfifo "$LAB_DIR/crowd.in"
	exec {CROWD}<>"$LAB_DIR/crowd.in"
	LAB_STDIN=$LAB_DIR/crowd.in lab_spawn a crowd "$TESTS_DIR/ctl_client.py" "$SOCKET_A" crowd \
		80
	within 30 "a crowd: those too many are refused" \
		grep -qx "refused 16 of 80" "$LAB_DIR/log/a.crowd"
	answers "a crowd: ctl gets the message, too" $EXIT_FAILED "too many clients" \
		lab_ctl a status
	must lab_kill a crowd KILL
	exec {CROWD}>&-
	within 10 "the crowd has gone: ctl works" ctl_ok a status
	number_is "the crowd has gone: counted" "$(ctl_count busy)" -ge $((before + 17))
}

slow_follower() {
	local out
	out=$(bad_client follow 16000)
	holds "slow follower: it gets some lines and the number of those it missed" \
		grep -Eqx 'came [1-9][0-9]* missed [1-9][0-9]*' <(echo "$out")
	number_is "slow follower: none is unaccounted for" \
		"$(awk '{ print $2 + $4 }' <<<"$out")" -eq 16000
	number_is "slow follower: counted" "$(ctl_count dropped)" -gt 0
	within 10 "slow follower: it is forgotten" followers_are 0
	within 10 "bad clients: the players are well" calm
	observe_mark bad-end
	unbroken "bad clients"
	holds "bad clients: the owner is the same" owns a
	holds "bad clients: the agent was not restarted" test "$(status a .agent.restarts)" = 0
}
followers_are() { [ "$(ctl_count followers)" = "$1" ]; }

permissions() {
	local before
	before=$(ctl_count denied)
	answers "nobody: the socket refuses" $EXIT_DENIED "permission denied" as_nobody nogroup \
		status
	must chmod 666 "$SOCKET_A"
	answers "nobody, socket open to all: the daemon refuses" $EXIT_DENIED \
		"permission denied: root or a member of ctl_group" as_nobody nogroup failover
	number_is "nobody: counted" "$(ctl_count denied)" -eq $((before + 1))
	must chmod 660 "$SOCKET_A"
	answers "a member of ctl_group: may ask" 0 '"node": "primary"' as_nobody users status --json
	answers "a member of ctl_group: may not act" $EXIT_DENIED \
		"a member of ctl_admin_group may" as_nobody users failover
	answers "a member of ctl_admin_group: may act" 0 debug as_nobody games log-level debug
	answers "a member of ctl_admin_group: and looks" 0 info as_nobody games log-level info
	number_is "those refused: counted" "$(ctl_count denied)" -eq $((before + 2))
	holds "the owner is the same" owns a
}

exit_codes() {
	answers "no command" $EXIT_USAGE "a command is missing" lab_ctl a
	answers "unknown command" $EXIT_USAGE "dance" lab_ctl a dance
	answers "unknown option" $EXIT_USAGE "--dance" lab_ctl a status --dance
	answers "a number out of range" $EXIT_USAGE "--limit" lab_ctl a conns --limit 0
	answers "no daemon" $EXIT_NO_DAEMON "no daemon answers on $LAB_DIR/no.sock" \
		"$HOKM" ctl -s "$LAB_DIR/no.sock" status
	answers "status --owner of the owner" 0 "" lab_ctl a status --owner
	answers "status --owner of the backup" $EXIT_NOT_OWNER "" lab_ctl b status --owner
	answers "failover of a node that is not owner" $EXIT_FAILED \
		"this node is not owner; ask the owner: primary" \
		lab_ctl b failover
	answers "failover to another than the election's" $EXIT_FAILED \
		"the election would give the VIP to backup" \
		lab_ctl a failover --to primary
	answers "help" 0 "exit codes" lab_ctl a --help
	must lab_kill b daemon STOP
	answers "an unresponsive daemon: the pinned maps are shown" $EXIT_NO_DAEMON \
		"it is stopped or stuck"$'\n'"  WARNING  the kernel" \
		lab_run b "$HOKM" ctl -c "$LAB_DIR/b/hokm-xdp.conf" status
	must lab_kill b daemon CONT
	within 10 "it goes on" ctl_ok b status
}

shows() {
	local conns here='.target == "local" and .state == "established" and .service == "game"'
	conns=$(lab_ctl a conns --json --limit 100000)
	number_is "conns: players on this node" \
		"$(jq "[.conns[] | select($here)] | length" <<<"$conns")" -ge "$PLAYERS"
	answers "conns: as text" 0 "$(lab_addr client):" lab_ctl a conns
	answers "conns: a limit" 0 "5 shown; --limit N shows more" lab_ctl a conns --limit 5
	answers "counters: with their names" 0 "established" lab_ctl a counters --service game
	number_is "counters: players came" "$(counter a established)" -ge "$PLAYERS"
	answers "counters: unknown service" $EXIT_FAILED "dance" lab_ctl a counters --service dance
	answers "status: as text" 0 "is OWNER of $LAB_VIP" lab_ctl a status
	answers "events: what happened" 0 "backup -> master" \
		lab_ctl a events --recent 1000 --kind state
	answers "events: unknown kind" $EXIT_FAILED "no such kind of event: dance" \
		lab_ctl a events --kind dance
	answers "log-level: as it is" 0 info lab_ctl a log-level
	answers "log-level: another" 0 debug lab_ctl a log-level debug
	holds "log-level: it is in force" test "$(status a .log_level)" = debug
	answers "log-level: unknown" $EXIT_FAILED "error, warn, info or debug" \
		lab_ctl a log-level loud
	answers "log-level: back" 0 info lab_ctl a log-level info
}

# The tests ask a helper instead of new programs: it must say the same.
helper_agrees() {
	local filter
	for filter in .node '.services[0].state' '.services[0].checks[0].fall' .nothing.there \
		'.vrrp.discarded."auth-type"' '.services[7].state' '.node.none' 'bad(' \
		'.services[] | .name, .state' '"\(.state) \(.owner)"' \
		'[.peers[].name] | join(",")'; do
		holds "helper: $filter is what ctl and jq say" test "$(status a "$filter")" = \
			"$(lab_ctl a status --json | jq -r "$filter" 2>/dev/null)"
	done
	holds "helper: so is a counter" test "$(counter b established)" = "$(lab_ctl b counters \
		--all --json | jq '[.services.game.established, .node.established] | add')"
	holds "helper: no daemon, no answer" test -z "$(status client .state)"
}

# follower NAME ARG...: runs ctl events -f in the background. seen NAME TEXT: it has printed TEXT.
follower() { lab_spawn a "$1" "$HOKM" ctl -s "$SOCKET_A" events -f --recent 0 "${@:2}"; }
seen() { grep -qF -- "$2" "$LAB_DIR/log/a.$1"; }
any_seen() { [ -s "$LAB_DIR/log/a.$1" ]; }

# away VERB STATE REASON: a gives the VIP away, keeps its players and gets no new ones.
away() {
	local verb=$1
	observe_mark "$verb"
	holds "$verb: the order is accepted" ctl_ok a "$verb"
	within 10 "$verb: the service is shown so" service_is a "$2"
	within 10 "$verb: the peer owns" owns b
	holds "$verb: the reason" reason_is a "$3"
	within 10 "$verb: ARP shows the peer" owner_is b
	within 10 "$verb: new players go to the peer" new_players_go_to b
	within 10 "$verb: the players are well" calm
	within 10 "$verb: the present ones stay" players_on a
	observe_mark "$verb-on"
	unbroken "$verb" 1
	within 10 "$verb: the peer knows where they are" known_on_the_peer
	within 10 "$verb: followers see the service" seen all "service game up -> $2"
	within 10 "$verb: followers see the state" seen all "master -> "
	within 10 "$verb: as JSON, too" seen json '"kind":"operator"'
}

known_on_the_peer() {
	[ "$(lab_ctl b conns --json --limit 100000 |
		jq '[.conns[] | select(.target == "primary")] | length')" -ge "$PLAYERS" ]
}

HTTP_PORT=8768
http() { lab_run "$1" curl -s -m 10 "${@:3}" "http://127.0.0.1:$HTTP_PORT$2"; }
health_is() { [ "$(http "$1" /healthz)" = "$2" ]; }
metric_is() { [ "$(http "$1" /metrics | awk -v name="$2" '$1 == name { print $2 }')" = "$3" ]; }
state_agrees() { [ "$(http "$1" /api/status | jq -r .state)" = "$(status "$1" .state)" ]; }

# over_http WORDS OWNER OTHER: what both nodes answer.
over_http() {
	within 10 "HTTP, $1: the owner is healthy" health_is "$2" owner
	within 10 "HTTP, $1: it is the owner by its metrics" metric_is "$2" hokm_owner 1
	within 10 "HTTP, $1: the other is not" metric_is "$3" hokm_owner 0
	holds "HTTP, $1: nor by its health" test \
		"$(http "$3" /healthz -o /dev/null -w '%{http_code}')" = 503
	within 10 "HTTP, $1: the state is that of ctl" state_agrees "$3"
}

# Both formats, by the libraries of those who read them.
metrics_are_clean() {
	http a /metrics >"$LAB_DIR/metrics"
	answers "HTTP: promtool accepts the metrics" 0 "" promtool check metrics \
		<"$LAB_DIR/metrics"
	http a /metrics -H 'Accept: application/openmetrics-text' >"$LAB_DIR/openmetrics"
	answers "HTTP: so does a parser of OpenMetrics" 0 hokm_owner python3 -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
print(*[family.name for family in families(sys.stdin.read())])' <"$LAB_DIR/openmetrics"
	number_is "HTTP: players came, by a histogram" \
		"$(awk '/^hokm_syn_ack_latency_seconds_count/ { print $2 }' "$LAB_DIR/metrics")" \
		-ge "$PLAYERS"
}

# home VERB: a takes the VIP back.
home() {
	holds "$1: the order is accepted" ctl_ok a "$1"
	within 10 "$1: the service is up" service_is a up
	within 10 "$1: the primary owns" owns a
	within 10 "$1: new players go to it" new_players_go_to a
	within 10 "$1: the players are well" calm
	observe_mark "$1"
	unbroken "$1" 1
}

# moved_from STAGES: the newest failover of the merged records goes from a to b, and STAGES holds.
moved_from() {
	jq -e ".failovers[0] | .from == \"$(lab_name a)\" and .to == \"$(lab_name b)\" and ($1)" \
		"$LAB_DIR/timeline" >/dev/null
}

# The events of both nodes by the clock of one.
timeline() {
	must lab_ctl b timeline --record >"$LAB_DIR/b.record"
	lab_ctl a timeline --json --with "$LAB_DIR/b.record" >"$LAB_DIR/timeline"
	holds "timeline: the clocks are compared by probes" \
		jq -e '.clocks[1].by == "probes"' "$LAB_DIR/timeline"
	holds "timeline: the order, the decision, the owner" \
		moved_from '0 <= .decision_ms and .decision_ms <= .owned_ms'
	holds "timeline: the order is in it" \
		moved_from 'any(.rows[]; .kind == "operator") and .rows[0].means == "first signal"'
	holds "timeline: new players came" moved_from '.came > 0 and .last_reconnect_ms > 0'
	answers "timeline: as text" 0 "VIP owned" lab_ctl a timeline --with "$LAB_DIR/b.record"
	answers "timeline: without the peer it names what is missing" 0 \
		"events of $(lab_name b) are missing" lab_ctl a timeline
	must jq '.node = "\u001b[2J"' "$LAB_DIR/b.record" >"$LAB_DIR/evil.record"
	answers "timeline: a foreign name does not steer the terminal" 0 "clock of ?: " \
		lab_ctl a timeline --with "$LAB_DIR/evil.record"
	answers "timeline: a file that is no record" $EXIT_FAILED "is no record" \
		lab_ctl a timeline --with "$LAB_DIR/timeline"
}

operator() {
	follower all
	follower json --json
	follower state --kind state
	within 10 "followers: all are there" followers_are 3
	over_http "at first" a b
	away drain drain operator
	timeline
	over_http "after the move" b a
	home undrain
	away maint maint maint
	home ready
	holds "followers: one sees only states" test -z \
		"$(grep -v ' daemon state ' "$LAB_DIR/log/a.state")"
	within 10 "followers: and it sees them" seen state "backup -> master"
	within 10 "followers: kernel events come too" seen all " kernel open "
	for name in all json state; do must lab_kill a $name TERM; done
	within 10 "followers: all have gone" followers_are 0
	holds "drain of the backup: the order is accepted" ctl_ok b drain
	within 10 "drain of the backup: the owner knows" peer_up_is 0
	answers "failover to nobody" $EXIT_FAILED \
		"no peer is healthy enough to take over: backup has a service that is not up" \
		lab_ctl a failover
	answers "drain with nobody to take over" $EXIT_FAILED "no peer is healthy enough" \
		lab_ctl a drain
	holds "the owner is the same" owns a
	holds "undrain of the backup: the order is accepted" ctl_ok b undrain
	within 10 "undrain of the backup: the owner knows" peer_up_is 1
}
peer_up_is() { status_is a '.peers[0].services_up' "$1"; }

# maps PID LIBRARY: how many parts of this library a process has loaded.
maps() { grep -c "/$2" "/proc/$1/maps"; }

# libcurl and what it needs are half of the cost of a start, and the daemon locks its memory.
only_the_agent_loads_libcurl() {
	local daemon agent
	daemon=$(lab_pid a daemon)
	agent=$(pgrep -P "$daemon" -f ' agent') # a child of the daemon, which is in no other test
	number_is "libcurl: in the daemon" "$(maps "$daemon" libcurl)" -eq 0
	number_is "libcurl: in its agent" "$(maps "$agent" libcurl)" -gt 0
	number_is "libcurl: in ctl" "$(LD_TRACE_LOADED_OBJECTS=1 "$HOKM" | grep -c libcurl)" -eq 0
	number_is "ncurses: in the daemon" "$(maps "$daemon" libncurses)" -eq 0
}

listener_moves() {
	HTTP_PORT=8769
	must sed -i "s/port = 8768/port = $HTTP_PORT/" "$LAB_DIR/a/hokm-xdp.conf"
	must ctl_ok a reload
	within 30 "HTTP: after a reload it answers on another port" state_agrees a
}

test_pair
only_the_agent_loads_libcurl
exit_codes
shows
helper_agrees
metrics_are_clean
permissions
operator
bad_requests
crowd
slow_follower
listener_moves
test_end
