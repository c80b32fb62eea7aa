#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# VRID, mode of the adverts and ports of pulses and replication are changed on both nodes by the
# steps of docs/operation.md: the backup is stopped, the owner starts anew by `ctl upgrade`, the
# backup is started. The VIP stays where it is, and no player notices. A reload is refused, and so
# is an upgrade beside a peer that runs. The messages name these steps: nodes that are restarted one
# after the other both own meanwhile.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$(dirname "$0")/cuts.sh"

conf_of() { echo "$LAB_DIR/$1/hokm-xdp.conf"; }
unseen_but_replicates() {
	status_is "$1" '.peers[0] | .pulsing or (.replica.connected | not)' false
}
sees_peer() { status_is "$1" '.peers[0] | .pulsing and .replica.warm' true; }
hears_adverts() { status_test "$1" .vrrp.received -gt 0; }
vrid_is() { status_is "$1" .vrid "$2"; }

test_pair
observe_mark begin
for NODE in a b; do
	echo 'vrrp { vrid = 26 mode = unicast } pulse { port = 9766 } replication { port = 9767 }' \
		>>"$(conf_of $NODE)"
done
must ctl_refused b reload
within 10 "a reload is refused, and names the steps" log_says b "Change what the nodes share"
# An upgrade takes what only a restart changes, but not beside a peer.
refused_beside() {
	holds "$1: an upgrade is refused while the peer runs" ctl_refused "$1" upgrade
	within 10 "$1: it says why, and names the steps" log_says "$1" "upgrade refused, nothing \
changed: $HOKM: vrrp.vrid is another one in the file, and peer $2 runs, or stopped a moment ago; \
see \"Change what"
}
refused_beside a backup
refused_beside b primary
must cut "$PULSES"
within 10 "the owner gets no pulses, and replication" unseen_but_replicates a
holds "without pulses: an upgrade is refused still" ctl_refused a upgrade
must uncut
within 20 "the owner sees its peer again" sees_peer a
holds "the owner is the same" owns a
holds "and the backup, too" state_is b backup

must lab_stop b daemon
# One that has just stopped may count for a moment.
within 10 "the upgrade is accepted" ctl_ok a upgrade
within 10 "the owner has the new VRID" vrid_is a 26
holds "it is still owner" owns a
must lab_daemon b
for NODE in a b; do within 20 "$NODE sees its peer" sees_peer $NODE; done
within 10 "the backup hears the adverts" hears_adverts b
holds "the backup is no owner" owns_not b
observe_mark changed
unbroken "changed"

must ctl_ok a failover
within 10 "the backup owns after a failover" owner_is b
within 10 "the players are well" calm
observe_mark moved
unbroken "failover" 1
test_end
