#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# On a link that loses and reorders segments, the kernel sees headers out of order (frames.sh): it
# must count the loss of synchronization, count no frame that was not sent, and regain
# synchronization. The counts of the other connections are exact.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/frames.sh
. "$TESTS_DIR/frames.sh"

LOST_IN=0 # over all settings

# The last segments may still be on their way, or come again: each condition is asked for with a
# new dump.
in_step() { compare_conns && [ "$(of_reply out_of_step)" = 0 ]; }
all_found_again() {
	compare_counters "$1" between &&
		[ "$(of_reply sync_lost_in)" = "$(of_reply sync_regained_in)" ]
}

# harmed WORDS SERVICE CLIENT OPTION...: on a link that does not keep the order.
harmed() {
	local words=$1 service=$2 exact
	counters_of "$service" "$BEFORE"
	must talk "${@:3}"
	within 20 "$words: the spared are exact, none has too many, all are synchronized" in_step
	echo "# $words: $REPLY"
	exact=$(of_reply exact)
	number_is "$words: connections that were spared" "$exact" -ge 1
	within 20 "$words: the counters lie where they must, each step lost is found again" \
		all_found_again "$service"
	echo "# $words: $REPLY"
	number_is "$words: steps lost from the server, seen before the link" \
		"$(of_reply sync_lost_out)" -eq 0
	LOST_IN=$((LOST_IN + $(of_reply sync_lost_in)))
	count_frames
	must talk_over
	must lab_wait 60 still
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

frames_start
bad reordered "reorder=3,dup=2"
bad lossy "drop=2"
bad "lossy, all twice" "drop=2,dup=100"
bad "all of it" "drop=1,dup=2,reorder=1,delay=1-5,split=1000"
number_is "steps lost on bad links" "$LOST_IN" -ge 10
number_is "frames compared" "$FRAMES" -ge 20000
test_end
