# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the namespace tests share: the lab (drawn in tools/lab/lab.sh), the observers of the demo,
# and the two lines that a test prints and tests/run counts: `ok WORDS` and `not ok WORDS`.
#
# A test sources this file, calls test_pair or parts of it, states with `holds` what must be true,
# and ends with test_end. The trap always takes the lab down, and a lab that is not clean fails
# the test. Tests wait for conditions, never for a fixed time.

set -u
# A test asks again and again until a condition holds: it runs below the nodes and the kernel's
# threads.
LAB_BELOW=3
renice -n $LAB_BELOW -p $$ >/dev/null
TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tools/lab/lab.sh
. "$TESTS_DIR/../../tools/lab/lab.sh"
# shellcheck source=tools/demo/observe.sh
. "$TESTS_DIR/../../tools/demo/observe.sh"
# shellcheck source=tools/demo/stacks.sh
. "$TESTS_DIR/../../tools/demo/stacks.sh"
# shellcheck source=tests/netns/helper.sh
. "$TESTS_DIR/helper.sh"

PROFILE=${PROFILE:-fast}
PLAYERS=${PLAYERS:-50}
export LAB_PROFILE=$PROFILE
# A check of profile fast has 250 ms, and two that fail make the service DOWN, which ends its
# players: a busy machine does that to a server that is well. A test of what checks do sets
# LAB_CONF_EXTRA itself.
PATIENT_CHECKS='service game { check websocket { timeout = "5s" } check http { timeout = "5s" } }'
PATIENT=
[ "$PROFILE" != fast ] || PATIENT="$PATIENT_CHECKS passive { timeout = \"5s\" }"
export LAB_CONF_EXTRA=${LAB_CONF_EXTRA-$PATIENT}
TEST_FAILED=0
ANSWER= # of the last question (helper.sh)
HOKM=$LAB_BUILD/hokm-xdp

ok() { echo "ok $*"; }
not_ok() {
	echo "not ok $*"
	TEST_FAILED=1
}

# holds WORDS CMD...: one line of the result.
holds() {
	local words=$1
	shift
	if "$@"; then
		ok "$words"
	else
		not_ok "$words (failed: $*)"
		last_answers
	fi
}
# What was asked for last, for who reads why a condition did not hold.
last_answers() {
	echo "# the last answers: ${ANSWER:0:400}"
	printf '# %s\n' ${REPLY_PLAYERS:+"$REPLY_PLAYERS"} ${REPLY_ARP:+"$REPLY_ARP"} \
		${REPLY_AUDIENCE:+"$REPLY_AUDIENCE"}
}

# within SECONDS WORDS CMD...: the same for a condition that may take SECONDS.
within() {
	local seconds=$1 words=$2
	shift 2
	holds "$words" lab_wait "$seconds" "$@"
}

# number_is WORDS VALUE OP LIMIT: compares a measured number and prints it when it is wrong.
number_is() {
	if [ -n "$2" ] && test "$2" "$3" "$4"; then
		ok "$1: $2"
	else
		not_ok "$1: '$2' is not $3 $4"
	fi
}

# median NUMBER...: what a busy machine does to one run of several is no result.
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

show_logs() {
	local log node
	for node in a b c; do
		[ -S "$LAB_DIR/$node/hokm.sock" ] || continue
		echo "--- $node: status and events"
		lab_ctl "$node" status 2>&1 | head -n 40
		lab_ctl "$node" events --recent 25 2>&1
	done
	for log in "$LAB_DIR"/log/*; do
		[ -s "$log" ] || continue
		echo "--- ${log##*/}"
		tail -n 25 "$log"
	done
}

test_exit() {
	local status=$?
	trap - EXIT
	[ "$status" = 0 ] && [ "$TEST_FAILED" = 0 ] || [ ! -d "$LAB_DIR" ] || show_logs
	lab_down || status=1
	[ "$TEST_FAILED" = 0 ] || status=1
	exit $status
}
trap test_exit EXIT
trap 'exit 130' INT TERM

# must CMD...: a step without which the rest of the test is pointless.
must() {
	"$@" || {
		not_ok "could not go on: $*"
		last_answers
		exit 1
	}
}

test_end() { exit 0; }

# side_by_side PART...: the script runs once more for each part, all at once, each in a lab of its
# own and with its name in PART. Only those runs return from here.
side_by_side() {
	local part runs=() status=0
	[ -z "${PART:-}" ] || return 0
	trap - EXIT
	for part in "$@"; do
		PART=$part LAB_ID=$LAB_ID$part LAB_DIR=$LAB_DIR.$part "$0" &
		runs+=($!)
	done
	trap 'kill "${runs[@]}" 2>/dev/null; wait; exit 130' INT TERM
	for part in "${runs[@]}"; do wait "$part" || status=1; done
	exit $status
}

# status NODE JQ-FILTER: one value of ctl status.
status() { ask "$1" status "$2" && printf '%s\n' "$ANSWER"; }
# status_is NODE JQ-FILTER VALUE
status_is() { ask "$1" status "$2" && [ "$ANSWER" = "$3" ]; }
# status_test NODE JQ-FILTER OPERATOR NUMBER: compares as `test` does. A condition is asked many
# times a second, so these start no subshell.
status_test() { ask "$1" status "$2" && test "$ANSWER" "$3" "$4"; }
state_is() { status_is "$1" .state "$2"; }
owns() { status_is "$1" .owner true; }
owns_not() { status_is "$1" .owner false; }
# hokm_ready NODE: a service and a peer are there; as in the demo, without a new program.
hokm_ready() {
	ask "$1" status . && [[ $ANSWER == *'"pulsing":true'* && $ANSWER == *'"state":"up"'* ]]
}
# counter NODE NAME: a counter of the game service, or of the node.
counter() { ask "$1" counters ".services.game.$2 + .node.$2" && printf '%s\n' "$ANSWER"; }
# counter_test NODE NAME OPERATOR NUMBER
counter_test() {
	ask "$1" counters ".services.game.$2 + .node.$2" && test "$ANSWER" "$3" "$4"
}

# What a node needs before its game and its daemon start: a test may define it anew.
prepare_node() { :; } # NODE

# test_nodes [NODE...]: starts lab, configuration, game servers and daemons.
test_nodes() {
	local node
	[ $# -gt 0 ] || set -- a b
	must lab_up "$@"
	must lab_conf "$@"
	for node in "$@"; do
		must prepare_node "$node"
		must lab_game "$node"
		must lab_daemon "$node"
	done
	for node in "$@"; do must lab_wait 20 hokm_ready "$node"; done
}

# test_pair: two nodes; the primary owns; players and observers run.
test_pair() {
	test_nodes a b
	must lab_wait 20 owns a
	must observe_start
	must lab_wait 20 calm
	must lab_wait 20 owner_is a
}

reason_is() { status_is "$1" .reason "$2"; }
service_is() { status_is "$1" '.services[0].state' "$2"; }
ctl_ok() { lab_ctl "$@" >/dev/null; }
# The daemon refuses, and the command ends with 1.
ctl_refused() {
	local code=0
	lab_ctl "$@" >/dev/null || code=$?
	[ $code = 1 ]
}
has_vip() { [ -n "$(lab_run "$1" ip -o addr show dev eth0 to "$LAB_VIP")" ]; }
has_no_vip() { ! has_vip "$1"; }
# log_says NODE WORDS: the log of the daemon has these words.
log_says() { grep -qF -- "$2" "$LAB_DIR/log/$1.daemon"; }
# event NODE KIND WORDS: an event of this kind has these words.
event() { lab_ctl "$1" events --recent 1000 --kind "$2" | grep -F -- "$3" >/dev/null; }

# unbroken WORDS [CHANGES]: since the mark before the last one no connection broke, no attempt
# failed, and the VIP moved CHANGES times.
unbroken() {
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: attempts made" "$(field "$REPLY_PLAYERS" attempts)" -ge 10
	number_is "$1: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	number_is "$1: wrong move counters" "$(field "$REPLY_PLAYERS" inconsistent)" -eq 0
	number_is "$1: owner changes" "$(field "$REPLY_ARP" changes)" -eq "${2:-0}"
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $1: $REPLY_PLAYERS"
}
