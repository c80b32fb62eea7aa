#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Clients go without a word, and others connect from the same address and ports, as behind a NAT
# gateway. The VIP has moved meanwhile: the sockets of the first ones are on node a, those of the
# others on node b. When the VIP comes back, node a must not take the packets of the others for its
# own. It ends the sockets whose clients have gone, and counts no player twice.

COUNT=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

sockets() { lab_run "$1" ss -Htn state established "sport = :$LAB_PORT" | grep -c ':400'; }
sockets_are() { [ "$(sockets "$1")" -eq "$2" ]; }
said() { [ "$(tail -n 1 "$LAB_DIR/clients.out")" = "$1" ]; }
# Which of two connections is the later one is known to three seconds.
all_old() {
	lab_ctl a conns --json --limit 1000 | jq -e '
		[.conns[] | select(.client | contains(":400")) | .age_ms]
		| length == 10 and min > 3500' >/dev/null
}
asked() {
	echo "$1" >"$LAB_DIR/clients.in"
	lab_wait 20 said "$1 $COUNT"
}

test_nodes a b
must lab_wait 20 owns a
must mkfifo "$LAB_DIR/clients.in"
exec {CLIENTS_IN}<>"$LAB_DIR/clients.in"
LAB_STDIN=$LAB_DIR/clients.in LAB_STDOUT=$LAB_DIR/clients.out must lab_spawn client clients \
	"$TESTS_DIR/../stub/port_again.py" "$LAB_VIP" "$LAB_PORT" "$(lab_addr client)" 40000 $COUNT
within 20 "the first clients are there" said "old $COUNT"
within 20 "they have been there for a while" all_old
must ctl_ok a failover
must lab_wait 20 owns b
must lab_run client nft 'table ip silent {
	chain out {
		type filter hook output priority 0
		tcp dport '$LAB_PORT' tcp flags & (fin | rst) != 0 drop
	}
}'
holds "others connect from the same ports" asked again
must lab_run client nft delete table ip silent
within 10 "the owner has their sockets" sockets_are b $COUNT
within 10 "node a ends the sockets of the first ones" sockets_are a 0
within 10 "and counts them no more" status_is a '.services[0].players' 0
must ctl_ok b failover
must lab_wait 20 owns a
holds "the VIP is back: the others are served" asked ping
within 10 "by node b" sockets_are b $COUNT
test_end
