# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of replication share: cheap servers and clients (hokm-echo, hokm-churn), the
# comparison of a node's connections with the replica that the other node has of them
# (hokm-replicadiff), and a link between the nodes that loses replication messages
# (tools/lab/lose.bpf.c).

LAB_LOSE=${LAB_LOSE:-$LAB_BUILD/lab/lose.bpf.o}
SERVICE='service game { check tcp { timeout = "5s" } }' # a busy machine may need it

# The sequence numbers of a client that is answered once, and only acknowledged later, change
# without data from the server.
lab_echo() { lab_spawn "$1" game "$LAB_BUILD/hokm-echo" --once "$LAB_PORT"; }

# echo_pair: starts servers and daemons in a lab that has its configuration; waits until the
# primary owns and both replicas are complete.
echo_pair() {
	local node
	for node in a b; do
		must lab_echo $node
		must lab_daemon $node
	done
	for node in a b; do must lab_wait 20 hokm_ready $node; done
	within 10 "the primary owns" owns a
	both_warm "start"
}

# repl NODE JQ-FILTER: a value of what NODE reports about the replication link to its peer.
repl() { status "$1" ".peers[0].replica | $2"; }
warm() { [ "$(repl "$1" "[.connected, .warm, .peer_warm] | all")" = true ]; }
cold() { [ "$(repl "$1" .warm)" = false ]; }
unconnected() { [ "$(repl "$1" .connected)" = false ]; }

# both_warm WORDS
both_warm() {
	within 15 "$1: the primary knows the backup's connections" warm a
	within 15 "$1: the backup knows the primary's" warm b
}

# knows NODE OTHER [N]: the replica on NODE has exactly the connections of OTHER, at least N.
knows() {
	"$LAB_BUILD/hokm-replicadiff" --quiet --at-least "${3:-0}" \
		"$(lab_pins "$2")/conns" "$(lab_pins "$1")/replica" >/dev/null
}

# knows_all WORDS N_A N_B: within ten seconds each node has exactly the connections of the other,
# entry by entry. Sequence numbers are renewed by a walk once a second.
knows_all() {
	knows_soon "$1" b a "$2"
	knows_soon "$1" a b "$3"
}

knows_soon() {
	local words diff
	words="$1: the replica on $(lab_name "$2") equals the connections of $(lab_name "$3")"
	words="$words, $4 or more"
	if lab_wait 10 knows "$2" "$3" "$4"; then
		ok "$words"
	else
		diff=$("$LAB_BUILD/hokm-replicadiff" "$(lab_pins "$3")/conns" \
			"$(lab_pins "$2")/replica")
		not_ok "$words ($(tail -n 1 <<<"$diff"))"
		echo "$diff"
	fi
}

# entries NODE: the number of connections of its peer in the replica map of NODE.
entries() { bpftool -j map dump pinned "$(lab_pins "$1")/replica" | jq length; }
entries_are() { [ "$(entries "$1")" = "$2" ]; }

# hold NAME N [SECONDS]: opens connections that stay until let_go NAME. They send for SECONDS,
# then they are silent.
hold() {
	lab_spawn client "$1" "$LAB_BUILD/hokm-churn" --hold "$2" --seconds "${3:-0}" --stay 300 \
		"$LAB_VIP:$LAB_PORT"
	lab_wait 30 grep -qs "\"held\":$2}" "$LAB_DIR/log/client.$1"
}
let_go() { lab_stop client "$1"; }

# unbroken_hold WORDS NAME: closes them; all must still have been open.
unbroken_hold() {
	must let_go "$2"
	number_is "$1: of those that stayed are broken" \
		"$(sed -n 's/.*"ended":true,"broken":\([0-9]*\).*/\1/p' "$LAB_DIR/log/client.$2")" \
		-eq 0
}

# churn WORDS RATE SECONDS [OPTION...]: opens and closes connections; all must be served.
churn() {
	local words=$1 rate=$2 seconds=$3 out
	shift 3
	out=$(lab_run client "$LAB_BUILD/hokm-churn" --rate "$rate" --seconds "$seconds" "$@" \
		"$LAB_VIP:$LAB_PORT")
	number_is "$words: connections that came and went" "$(field "$out" "done")" -ge \
		$((rate * seconds * 9 / 10))
	number_is "$words: connections that failed" "$(field "$out" failed)" -eq 0
}

# way PROGRAM [NODE...]: the program that the switch runs on frames of these nodes, of both by
# default: hokm_lab_pass, hokm_lose_some, hokm_lose_all.
way() {
	local node program=$1 object=$LAB_LOSE
	[ "$program" != hokm_lab_pass ] || object=$LAB_PASS
	shift
	[ $# -gt 0 ] || set -- a b
	for node in "$@"; do
		unshare --mount --propagation private nsenter --net="/run/netns/$(lab_ns sw)" -- \
			ip -force link set dev "p-$node" xdp object "$object" program "$program" ||
			return 1
	done
}
