#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The lab behind the pages' commands: test_pages.py starts this once and asks over stdin.
#
#   stage NAME        brings the lab to this stage; stages come in the order below
#   run NODE COMMAND  the command on the node, as a page shows it
#
# Each answer ends with a line "=== STATUS". On a node, hokm-xdp and /sys/fs/bpf are the lab's own.

PROFILE=standard
PLAYERS=12
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/../netns/common.sh"

# A folder for PATH in which hokm-xdp finds the node's socket by itself.
make_wrapper() {
	mkdir -p "$LAB_DIR/$1/bin" || return 1
	cat >"$LAB_DIR/$1/bin/hokm-xdp" <<-END
		#!/bin/sh
		[ "\$1" = ctl ] && shift && set -- ctl -s "$LAB_DIR/$1/hokm.sock" "\$@"
		exec "$HOKM" "\$@"
	END
	chmod 755 "$LAB_DIR/$1/bin/hokm-xdp"
}

all_is_well() {
	[ "$(status a '[.services[] | .state == "up" and .suspect_ms == 0] | all')" = true ]
}
successor_known() { [ "$(status a .successor)" = backup ]; }
warm() { [ "$(status b '[.peers[].replica | .warm and .peer_warm] | all')" = true ]; }
has_rows() { [ "$(lab_ctl a conns --stale 100ms --json | jq .total)" -gt 0 ]; }

# The primary starts first, so that each run tells the same story of how it became owner.
stage_steady() {
	must lab_up a b
	must lab_conf a b
	must lab_game a
	must lab_game b
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_daemon b
	must lab_wait 20 hokm_ready b
	must observe_start
	must lab_wait 20 calm
	must lab_wait 20 warm
	must lab_wait 20 successor_known
	make_wrapper a && make_wrapper b
}
stage_frozen() { lab_kill a game STOP && lab_wait 10 has_rows a; }
stage_failover() {
	lab_kill a game CONT
	lab_wait 60 all_is_well && lab_wait 60 owns a && echo rejoin >&"$PLAYERS_IN" &&
		lab_wait 30 players_on a && lab_wait 30 calm
}
stage_moved() { lab_wait 30 owns b && lab_wait 30 owns_not a; }
stage_drain() { :; }

run_on() {
	local node=$1 command=$2
	command=${command//\/sys\/fs\/bpf/$LAB_DIR/$node/bpf}
	lab_run "$node" env PATH="$LAB_DIR/$node/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
		bash -c "$command" 2>&1 |
		sed -e "s|$LAB_DIR/$node/bpf|/sys/fs/bpf|g" -e "s|$LAB_DIR/$node|/etc/hokm-xdp|g"
	return "${PIPESTATUS[0]}"
}

while read -r verb first rest; do
	case $verb in
	stage) "stage_$first" ;;
	run) run_on "$first" "$rest" </dev/null ;;
	esac
	echo "=== $?"
done
exit 0
