#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 35 s
#
# An unresponsive provider of DNS makes the owner's daemon no later. The daemon itself measures how
# late it does its work (user/daemon/late.h). The distribution of PULSES pulses is compared with
# that of as many pulses before:
#
#   idle     the record is right, and no job runs
#   silent   the provider takes a request and never answers
#   drip     it sends a byte a second
#
# In each of the last two one job waits from the beginning to the end. The limits have room for a
# machine with other work: a job on the daemon's own thread would make it TIMEOUT late, and one that
# the thread only looks at from time to time would be seen in nine of ten pulses.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/dns_stub.sh
. "$TESTS_DIR/dns_stub.sh"

A=203.0.113.26 B=203.0.113.27
PULSES=1000 # 10 s
DNS_TIMEOUT=60s
KINDS="pulse vrrp turn"
RATIO=4 MOST_MS=20 WORST_MS=1000

control() { echo "{${1:-}}" >"$STUB/new" && mv "$STUB/new" "$STUB/control.json"; }
dns() { lab_ctl "$1" dns "${@:2}" >/dev/null; }
dns_is() { status_is "$1" '.dns.records[0].state' "$2"; }
asked() { [ "$(stub .requests)" -gt "$1" ]; }
look() { ask a status .late && [ -n "$ANSWER" ] && echo "$ANSWER" >"$1"; }
beaten() { status_test a '.late.pulse.places | add' -ge "$1"; }
epoch() { status "$1" .epoch; }
silences() { lab_ctl "$1" events --recent 1000 --kind peer | grep -c '(peer-silent)'; }

# late WINDOW: how late each kind of work was while PULSES pulses were sent, as lines
# "KIND the limit that nine of ten kept, the limit that all kept", in us.
late() {
	local before=$STUB/before after=$STUB/after
	lab_wait 10 look "$before" &&
		lab_wait 120 beaten $(($(jq '.pulse.places | add' "$before") + PULSES)) &&
		lab_wait 10 look "$after" &&
		jq -nr --slurpfile b "$before" --slurpfile a "$after" '
			def upto($n): [foreach .[] as $x (0; . + $x)] |
				[.[] >= $n] | index(true) as $i | pow(2; $i);
			$a[0] | keys[] as $k |
			[.[$k].places, $b[0][$k].places] | transpose | map(.[0] - .[1]) |
			add as $all | select($all > 0) |
			"\($k) \(upto($all * 0.9)) \(upto($all))"' >"$STUB/$1"
}
# limit WINDOW KIND PLACE
limit() { awk -v kind="$2" -v at="$3" '$1 == kind { print $at }' "$STUB/$1"; }

# hang WINDOW: while the provider fails so.
hang() {
	local before kind
	before=$(stub .requests)
	control "\"fail\": \"$2\""
	holds "$1: a job is ordered" dns a start
	within 10 "$1: the provider was asked" asked "$before"
	must late "$1"
	holds "$1: the job waits still" dns_is a running
	number_is "$1: requests" "$(stub .requests)" -eq $((before + 1))
	for kind in $KINDS; do
		number_is "$1: $kind, nine of ten, us late at most" "$(limit "$1" "$kind" 2)" -le \
			$(($(limit idle "$kind" 2) * RATIO + MOST_MS * 1000))
		number_is "$1: $kind, all, us late at most" "$(limit "$1" "$kind" 3)" -le \
			$(($(limit idle "$kind" 3) * RATIO + WORST_MS * 1000))
	done
	control
	holds "$1: the job is replaced" dns a start
	within 10 "$1: the record is right" dns_is a right
}

must lab_up a b
must start_stub
must stub_conf_two_nodes $A $B "propagation = 0s"
must lab_game a
must lab_daemon a
must lab_wait 20 owns a
must lab_game b
must lab_daemon b
must lab_wait 20 hokm_ready a
must lab_wait 20 hokm_ready b
within 20 "the record is right" dns_is a right

changes=$(stub .changes) epoch_a=$(epoch a) silences_a=$(silences a) silences_b=$(silences b)
must late idle
hang silent timeout
hang drip drip
holds "a owns" owns a
number_is "no ownership has changed: epoch" "$(epoch a)" -eq "$epoch_a"
number_is "a missed no pulse of b" "$(silences a)" -eq "$silences_a"
number_is "b missed no pulse of a" "$(silences b)" -eq "$silences_b"
holds "nothing was written" test "$(stub .changes)" = "$changes"
for window in idle silent drip; do
	echo "# $window: $(tr '\n' ';' <"$STUB/$window")"
done
test_end
