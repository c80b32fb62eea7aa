#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 30 s
#
# Tracking is exact: on a link that only cuts and repeats segments, synchronization is never lost,
# and the kernel counts every frame that the ends count (frames.sh).

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/frames.sh
. "$TESTS_DIR/frames.sh"

# exact WORDS SERVICE CLIENT OPTION...: on a link that keeps the order every count is equal.
exact() {
	local words=$1 service=$2 dropped
	dropped=$(link_dropped a client1)
	counters_of "$service" "$BEFORE"
	must talk "${@:3}"
	within 10 "$words: each connection has the ends' number of frames" compare_conns
	echo "# $words: $REPLY"
	number_is "$words: connections that lost their step" "$(of_reply lost)" -eq 0
	must talk_over
	within 10 "$words: the counters are the ends' by opcode" compare_counters "$service"
	echo "# $words: $REPLY"
	number_is "$words: times a step was lost" \
		$(($(of_reply sync_lost_in) + $(of_reply sync_lost_out))) -eq 0
	count_frames
	number_is "$words: frames dropped by the lab itself" \
		$(($(link_dropped a client1) - dropped)) -eq 0
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

frames_start
straight clean "drop=0" 300 200000
straight repeated "dup=20" 150 100000
straight cut "split=60" 50 2000
straight "cut and repeated" "split=200,dup=10" 40 20000
big
secret
number_is "frames compared" "$FRAMES" -ge 80000
test_end
