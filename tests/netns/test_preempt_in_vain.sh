#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A third node is started with the greatest priority, and the files of the two others do not have it
# yet. It hears their adverts and preempts the owner, which does not know it and goes on. Only the
# third node can see that two nodes own: it gives the VIP back within seconds and does not try
# again, neither when the owner changes. When the others have read the new file, it preempts.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# third_file FROM NODE: the file of NODE, which is that of FROM with the third node.
third_file() {
	local to=$LAB_DIR/$2/hokm-xdp.conf
	{
		sed "s|$LAB_DIR/$1/|$LAB_DIR/$2/|" "$LAB_DIR/$1/hokm-xdp.conf"
		printf 'node third { address = "%s" priority = 120 }\n' \
			"$(lab_addr c)"
	} >"$to.new" && chmod 600 "$to.new" && mv "$to.new" "$to"
}
preempted() { event c state "backup -> master: this node's priority is above"; }
# Five times as long as preempt_delay of profile fast.
backup_for_long() { [ $(($(lab_now_ms) - GAVE_MS)) -gt 5000 ] && state_is c backup; }

test_pair
must lab_node_up c
must lab_wait 10 lab_carrier c
must mkdir -p "$LAB_DIR/c"
must third_file a c
must lab_game c
must lab_daemon c
must lab_wait 20 lab_ready c
within 20 "the third node preempts, and nobody knows it" preempted
within 10 "it gives the VIP back" reason_is c one-way
holds "it is backup then" state_is c backup
within 10 "the owner answers alone" sole_owner a
within 10 "the players are well" calm
GAVE_MS=$(lab_now_ms)
within 20 "attempts that two owners disturbed are over" backup_for_long
observe_mark given
must ctl_ok a failover
within 10 "the VIP moves between the two others" owner_is b
GAVE_MS=$(lab_now_ms)
within 20 "the third node stays backup for long" backup_for_long
observe_mark stayed
unbroken "it does not try again" 1

# Nor is it the first when the owner's daemon ends: the backup does not know it either.
must lab_kill b daemon KILL
within 20 "the owner's daemon is dead: the backup owns" owns a
GAVE_MS=$(lab_now_ms)
within 20 "the third node stays backup for long" backup_for_long
must lab_daemon b
must lab_wait 20 hokm_ready b
within 10 "all is well" sole_owner a
observe_mark first
number_is "the owner's daemon is dead: rounds with two owners" \
	"$(field "$REPLY_ARP" two_owner_rounds)" -eq 0

for node in a b; do
	must third_file "$node" "$node"
	must ctl_ok "$node" reload
done
within 20 "the others have read the new file: it preempts" owns c
within 10 "it answers alone" sole_owner c
within 10 "the players are well" calm
observe_mark joined
number_is "joined: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "joined: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
