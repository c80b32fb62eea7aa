#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The kernel of the backup takes as long as it likes to add an address, because others hold its lock
# for network settings (slow_rtnl.c). The owner's node dies. The backup takes over all the same: its
# daemon goes on sending adverts and keeps the lease, clients are served, and ctl answers. An
# upgrade, whose exec would wait for the thread in the kernel, is refused. When the kernel answers,
# the address is there. Then the interface is removed and made again, and the lock keeps the thread
# of the loop from all that takes it.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

FREE=$LAB_DIR/rtnl.free
HELD=$LAB_DIR/rtnl.held
MORE_ADVERTS=20

visits() { lab_run client curl -sf -m 5 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
adverts_go_on() { status_test b .vrrp.sent -ge "$1"; }

refused() { lab_ctl b upgrade 2>&1 | grep -F -- "$1" >/dev/null; }

must lab_up a b
must lab_conf a b
for node in a b; do must lab_game "$node"; done
must lab_daemon a
lab_spawn b daemon env RTNL_FREE="$FREE" RTNL_HELD="$HELD" \
	LD_PRELOAD="$LAB_BUILD/tests/netns/slow_rtnl.so" \
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
holds "an upgrade is refused with a message" refused "the kernel does not answer a thread"
holds "nothing has moved" test "$(status b .epoch)" = "$epoch"
touch "$FREE"
within 20 "the kernel answers: the address is there" has_vip b
holds "the backup still owns" owns b

# The thread of the loop asks the kernel nothing that takes the lock: it would not come back.
touch "$HELD"
must ip -n "$(lab_ns b)" link del eth0
within 20 "without its interface the backup is in fault" state_is b fault
must lab_cable b
must lab_address b
within 20 "with a new one it owns again" owns b
within 20 "the client is served" visits
rm "$HELD"
test_end
