# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Players that only listen (tests/stub/listeners.py), and when the network notified them that
# their connection is gone.

# listeners_start NODE COUNT [SECONDS] [OPTION...]: starts them on NODE and waits until all are
# connected.
listeners_start() {
	local node=$1 count=$2 seconds=${3:-30}
	shift 2
	[ $# -eq 0 ] || shift
	LISTENERS_OUT=$LAB_DIR/listeners.$node
	: >"$LISTENERS_OUT"
	LAB_STDOUT=$LISTENERS_OUT lab_spawn "$node" listeners "$TESTS_DIR/../stub/listeners.py" \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count "$count" --seconds "$seconds" "$@"
	lab_wait 40 listeners_said 1 && [ "$(jq -s '.[0].up' "$LISTENERS_OUT")" = "$count" ]
}
listeners_said() { [ "$(wc -l <"$LISTENERS_OUT")" -ge "$1" ]; }
# listeners_end SECONDS: waits for their last line.
listeners_end() { lab_wait "$1" listeners_said 2; }
# listeners_told JQ-FILTER: a value of the last line.
listeners_told() { jq -sr ".[1]$1" "$LISTENERS_OUT"; }

# event_ms NODE KIND WORDS: the wall clock, in ms, of the newest event with these words.
event_ms() {
	lab_ctl "$1" events --recent 1000 --kind "$2" --json | jq -rs --arg words "$3" '
		def ms: (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
		[.[] | select(.text | contains($words))] | last | .time | ms'
}
