#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Players use MPTCP, and each opens a second path after a planned move. The join reaches the new
# owner, whose kernel does not know its token and refuses it. The SYN is sent to the holder, which
# takes it. Nobody suspects a server for it, and no player is disturbed.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

[ "$(sysctl -n net.mptcp.enabled 2>/dev/null)" = 1 ] || {
	echo "this kernel has no MPTCP"
	exit 77
}

COUNT=5
SECOND_ADDR=192.168.1.51
STUB=$TESTS_DIR/../stub

players() {
	LAB_STDOUT=$LAB_DIR/players lab_spawn client players "$STUB/mptcp.py" listeners.py \
		--addr "$LAB_VIP" --port "$LAB_PORT" --count $COUNT --seconds 150
}
playing() { [ "$(lab_ctl a conns --json --state established --target local | jq .total)" = "$1" ]; }
undisturbed() { [ "$(wc -l <"$LAB_DIR/players")" = 1 ]; }
replicated() { status_is b '.peers[0].replica.connections' $COUNT; }
second_path() {
	ip -n "$(lab_ns client)" addr add $SECOND_ADDR/24 dev eth0 &&
		ip -n "$(lab_ns client)" mptcp endpoint add $SECOND_ADDR dev eth0 subflow
}
# mib NODE NAME NUMBER: the kernel of the node has counted so many.
mib() {
	local n=MPTcpExt$2
	[ "$(lab_run "$1" nstat -asz "$n" | awk -v n="$n" '$1 == n {print $2}')" = "$3" ]
}
suspicions() {
	echo $(($(status a '.services[0].trips') + $(status b '.services[0].trips') +
		$(counter a suspects) + $(counter b suspects)))
}

must lab_up a b
must lab_conf a b
for node in a b; do
	echo good >"$LAB_DIR/$node/mode"
	must lab_spawn "$node" game "$STUB/mptcp.py" bad_server.py "$(lab_name "$node")" \
		"$LAB_PORT" "$LAB_DIR/$node/mode"
	must lab_daemon "$node"
done
for node in a b; do must lab_wait 30 service_is "$node" up; done
must lab_wait 20 owns a
must players
within 20 "players come" playing $COUNT
within 10 "they are replicated" replicated
before=$(suspicions)
must ctl_ok a failover
must lab_wait 20 owns b
must second_path
within 10 "each join is taken" mib client MPJoinSynAckRx $COUNT
within 10 "by the holder" mib a MPJoinAckRx $COUNT
within 10 "its second paths are there" playing $((2 * COUNT))
number_is "joins that the new owner sent on" "$(counter b rst_join)" -ge $COUNT
number_is "SYNs refused because no server listens" "$(counter b refused)" -eq 0
number_is "suspicions" $(($(suspicions) - before)) -eq 0
holds "no player is disturbed" undisturbed
holds "the new owner owns" owns b
test_end
