#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, long
#
# Tracking is exact: clients and servers of three makes exchange frames of every shape through a
# link that cuts, repeats, reorders and loses segments. The kernel's counts are compared with
# those of the ends, by connection and by opcode.
#
#   client1 [frames_client]──[link]── switch ── a [hokm-xdp; frames_server (libwebsockets) :8765,
#           [frames_client.py]                       frames_server.py (python3-websockets) :8766,
#                                                    the same with TLS :8767,
#                                                    frames_raw_server :8768]
#
# On a link that only cuts and repeats, synchronization is never lost. On a link that loses and
# reorders, the kernel sees headers out of order: it must count the loss of synchronization, count
# no frame that was not sent, and regain synchronization. The counts of the other connections are
# exact.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/ws/link.sh
. "$TESTS_DIR/../ws/link.sh"

WS=$TESTS_DIR/../ws
SEED=${SEED:-1}
LOST_IN=0 # over all bad settings
FRAMES=0  # compared, over all settings
export LAB_CONF_EXTRA='service lws { port = 8765 check tcp { } }
service py { port = 8766 check tcp { } }
service tls { port = 8767 check tcp { } }
service raw { port = 8768 check tcp { } }'

say_files() {
	BEFORE=$LAB_DIR/before.json AFTER=$LAB_DIR/after.json CONNS=$LAB_DIR/conns.json
	REPORT=$LAB_DIR/report.json
}

counters_of() { lab_ctl a counters --all --json | jq -c ".services.$1" >"$2"; }
dump_conns() { bpftool -j map dump pinned "$(lab_pins a)/conns" >"$CONNS"; }

# Puts the result of compare.py into REPLY.
compare() { REPLY=$("$WS/compare.py" "$@"); }
compare_conns() {
	dump_conns
	compare conns "$CONNS" "$REPORT"
}
# compare_counters SERVICE [between]: repeats the comparison, because the last packets may still
# be on their way.
compare_counters() {
	counters_of "$1" "$AFTER"
	if [ "${2:-}" = between ]; then
		compare between "$BEFORE" "$AFTER" "$CONNS" "$REPORT"
	else
		compare counters "$BEFORE" "$AFTER" "$REPORT"
	fi
}
of_reply() { jq -r "$1" <<<"$REPLY"; }

report_lines() { [ -e "$REPORT" ] && [ "$(grep -c . "$REPORT")" -ge "$1" ]; }
reported_or_gone() { report_lines "$1" || lab_gone client1 frames; }

# talk CLIENT OPTION...: runs the client up to its first line; all connections are still open.
talk() {
	local client=$1
	shift
	rm -f "$REPORT" "$LAB_DIR/log/client1.frames"
	LAB_STDIN=$LAB_DIR/talk.in LAB_STDOUT=$REPORT lab_spawn client1 frames \
		"$client" --addr "$LAB_VIP" --seed "$SEED" --seconds 120 "$@"
	lab_wait 120 reported_or_gone 1
	report_lines 1
}

talk_over() {
	echo close >&"$TALK_IN"
	lab_wait 60 reported_or_gone 2
	report_lines 2
}

count_frames() { FRAMES=$((FRAMES + $(of_reply .kernel))); }

# exact WORDS SERVICE CLIENT OPTION...: on a link that keeps the order every count is equal.
exact() {
	local words=$1 service=$2 dropped
	dropped=$(link_dropped a client1)
	counters_of "$service" "$BEFORE"
	must talk "${@:3}"
	within 5 "$words: each connection has the ends' number of frames" compare_conns
	echo "# $words: $REPLY"
	number_is "$words: connections that lost their step" "$(of_reply .lost)" -eq 0
	must talk_over
	within 5 "$words: the counters are the ends' by opcode" compare_counters "$service"
	echo "# $words: $REPLY"
	number_is "$words: times a step was lost" \
		"$(of_reply '.sync_lost_in + .sync_lost_out')" -eq 0
	count_frames
	number_is "$words: frames dropped by the lab itself" \
		$(($(link_dropped a client1) - dropped)) -eq 0
}

# harmed WORDS SERVICE CLIENT OPTION...: on a link that does not keep the order.
harmed() {
	local words=$1 service=$2 exact
	counters_of "$service" "$BEFORE"
	must talk "${@:3}"
	within 5 "$words: the spared are exact, none has too many" compare_conns
	echo "# $words: $REPLY"
	exact=$(of_reply .exact)
	number_is "$words: connections that were spared" "$exact" -ge 1
	number_is "$words: connections without synchronization" "$(of_reply .out_of_step)" -eq 0
	within 5 "$words: the counters lie where they must" compare_counters "$service" between
	echo "# $words: $REPLY"
	number_is "$words: steps lost and not found again, from clients" \
		"$(of_reply '.sync_lost_in - .sync_regained_in')" -eq 0
	number_is "$words: steps lost from the server, seen before the link" \
		"$(of_reply .sync_lost_out)" -eq 0
	LOST_IN=$((LOST_IN + $(of_reply .sync_lost_in)))
	count_frames
	must talk_over
}

# on_link NAME RATES: sets the link for the following steps.
on_link() {
	must link_start client1 --seed "$SEED" --only-tcp --to-right "$1" --to-left "$1"
}

off_link() {
	must link_end client1
	echo "# link: $LINK_COUNTS"
	number_is "$1: frames the link could not carry" \
		"$(jq '[.[] | .overflow + .failed] | add' <<<"$LINK_COUNTS")" -eq 0
}

# straight NAME RATES MESSAGES MAX: all pairs of ends.
straight() {
	local raw=("$WS_BUILD/frames_client" --conns 20 --messages "$3" --max "$4")
	local py=("$WS/frames_client.py" --conns 8 --messages $(($3 / 3)) --max "$4")
	on_link "$2"
	exact "$1, own client, libwebsockets" lws "${raw[@]}" --port 8765
	exact "$1, own client, python" py "${raw[@]}" --port 8766
	exact "$1, own client, own server" raw "${raw[@]}" --port 8768
	exact "$1, python, python, deflate" py "${py[@]}" --port 8766
	exact "$1, python, libwebsockets" lws "${py[@]}" --port 8765
	off_link "$1"
}

bad() {
	on_link "$2"
	harmed "$1, own client, libwebsockets" lws "$WS_BUILD/frames_client" --port 8765 \
		--conns 100 --messages 8 --quick 20 --max 20000
	harmed "$1, own client, own server" raw "$WS_BUILD/frames_client" --port 8768 \
		--conns 40 --messages 8 --quick 20 --max 20000
	harmed "$1, python, python" py "$WS/frames_client.py" --port 8766 --conns 40 --messages 8 \
		--quick 20 --max 20000
	off_link "$1"
}

big() {
	on_link "drop=0"
	exact "big frames" lws "$WS_BUILD/frames_client" --port 8765 --conns 2 --messages 10 \
		--big 2 --max 2000
	number_is "big frames: bytes in a packet from the server, on the average" "$(jq -s '
		(.[1].bytes_out - .[0].bytes_out) /
		(.[1].packets_out - .[0].packets_out) | floor' "$BEFORE" "$AFTER")" -gt 1500
	off_link "big frames"
}

secret() {
	local before after
	on_link "split=300"
	counters_of tls "$BEFORE"
	must talk "$WS/frames_client.py" --port 8767 --conns 4 \
		--messages 50 --tls "$LAB_DIR/cert.pem"
	dump_conns
	number_is "wss: connections marked as TLS, followed by records" \
		"$(jq "[.[].formatted.value | select(.tcp_state == 3 and .ws == 5 and
			.c2s.ws.state == 2 and .s2c.ws.state == 2 and
			.c2s.frames >= 50 and .s2c.frames >= 50)] | length" "$CONNS")" -eq 4
	must talk_over
	counters_of tls "$AFTER"
	number_is "wss: connections counted" "$(($(jq .tls "$AFTER") - $(jq .tls "$BEFORE")))" -eq 4
	number_is "wss: frames counted, although they are encrypted" "$(jq '[to_entries[] |
		select(.key | test("^(in|out)_(cont|text|bin|close|ping|pong)")).value] |
		add' "$AFTER")" -eq 0
	number_is "wss: records from clients" "$(jq .in_records "$AFTER")" -ge 200
	number_is "wss: records from the server" "$(jq .out_records "$AFTER")" -ge 200
	number_is "wss: synchronization lost" \
		"$(jq '.sync_lost_in + .sync_lost_out' "$AFTER")" -eq 0
	off_link wss
}

all_up() { [ "$(status a '[.services[] | select(.state == "up")] | length')" = 4 ]; }

start() {
	must lab_up a client1
	say_files
	must lab_conf a b # a group has two; the other one never starts
	must link_insert client1
	must link_plain sw p-a
	must link_queue sw p-a
	must openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=game \
		-keyout "$LAB_DIR/key.pem" -out "$LAB_DIR/cert.pem" 2>/dev/null
	lab_spawn a lws "$WS_BUILD/frames_server" --port 8765 --seed "$SEED"
	lab_spawn a py "$WS/frames_server.py" --port 8766 --seed "$SEED"
	lab_spawn a tls "$WS/frames_server.py" --port 8767 --seed "$SEED" \
		--cert "$LAB_DIR/cert.pem" --key "$LAB_DIR/key.pem"
	lab_spawn a raw "$WS_BUILD/frames_raw_server" --port 8768 --seed "$SEED"
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_wait 10 all_up
	must mkfifo "$LAB_DIR/talk.in"
	exec {TALK_IN}<>"$LAB_DIR/talk.in"
}

start
straight clean "drop=0" 300 200000
straight repeated "dup=20" 150 100000
straight cut "split=60" 50 2000
straight "cut and repeated" "split=200,dup=10" 40 20000
big
secret
bad reordered "reorder=3,dup=2"
bad lossy "drop=2"
bad "lossy, all twice" "drop=2,dup=100"
bad "all of it" "drop=1,dup=2,reorder=1,delay=1-5,split=1000"
number_is "steps lost on bad links" "$LOST_IN" -ge 10
number_is "frames compared" "$FRAMES" -ge 100000
test_end
