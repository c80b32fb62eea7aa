#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The kernel of the backup takes as long as it likes to add an address, because others hold its lock
# for network settings (slow_rtnl.c). The owner's node dies. The backup takes over all the same: its
# daemon goes on sending adverts and keeps the lease, clients are served, and ctl answers. When the
# kernel answers, the address is there.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

FREE=$LAB_DIR/rtnl.free
MORE_ADVERTS=20

visits() { lab_run client curl -sf -m 5 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
adverts_go_on() { [ "$(status b .vrrp.sent)" -ge "$1" ]; }

must lab_up a b
must lab_conf a b
for node in a b; do must lab_game "$node"; done
must lab_daemon a
lab_spawn b daemon env RTNL_FREE="$FREE" LD_PRELOAD="$LAB_BUILD/tests/netns/slow_rtnl.so" \
	"$LAB_BUILD/hokm-xdp" run -c "$LAB_DIR/b/hokm-xdp.conf"
for node in a b; do within 20 "$node is ready" hokm_ready "$node"; done
must lab_wait 20 owns a
within 10 "a client is served by the owner" visits

must lab_node_dead a
within 20 "the owner's node is dead: the backup owns" owns b
holds "the kernel has not added the address" has_no_vip b
epoch=$(status b .epoch)
within 20 "the client is served by the backup" visits
within 20 "adverts go on" adverts_go_on $(($(status b .vrrp.sent) + MORE_ADVERTS))
holds "it still owns" owns b
holds "it has not lost the lease meanwhile" test "$(status b .epoch)" = "$epoch"
touch "$FREE"
within 20 "the kernel answers: the address is there" has_vip b
holds "the backup still owns" owns b
test_end
