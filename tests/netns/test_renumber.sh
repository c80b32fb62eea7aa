#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The primary gets another address. While it owns the VIP the backup refuses a file in which the
# primary has another address: it would not hear the owner any more, and both would own. After
# failover the steps of docs/operation.md bring the primary to the new address, and back
# to the VIP, and no player notices. With unicast adverts the owner refuses a file without a peer
# that runs: that peer would hear no advert any more, and own too.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

OLD=$(lab_addr a)
NEW=192.168.1.36
conf_of() { echo "$LAB_DIR/$1/hokm-xdp.conf"; }
rewrite() { sed -i "s/\"$OLD\"/\"$NEW\"/" "$(conf_of "$1")"; }
seen_at() { status_is "$1" '.peers[0] | .address + " \(.pulsing)"' "$2 true"; }
# refused NODE WORDS NUMBER: so many lines of its log report that it refused a file for these words.
refused() {
	[ "$(grep -c "reload refused.*has no node with the address of peer $2" \
		"$LAB_DIR/log/$1.daemon")" = "$3" ]
}
BEGAN_MS=
probed() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 500 ]; }

test_pair
observe_mark begin
rewrite b
must ctl_refused b reload
within 10 "the backup refuses the file, and says why" refused b "primary, which owns the VIP" 1
BEGAN_MS=$(lab_now_ms)
must lab_wait 10 probed
holds "the backup stays backup" owns_not b
observe_mark refused
unbroken "refused"

must ctl_ok a failover
within 10 "the backup owns" owner_is b
echo rejoin >&"$PLAYERS_IN"
within 20 "the players are on the backup" players_on b
within 20 "the players are well" calm
must lab_stop a daemon
rewrite a
# Who deletes the first address of a network may lose the others with it.
must ip -n "$(lab_ns a)" addr del "$OLD/24" dev eth0
must ip -n "$(lab_ns a)" addr add "$NEW/24" brd + dev eth0
observe_mark moved
must ctl_ok b reload
within 10 "the owner takes the file" event b config reloaded
must lab_daemon a
within 20 "the primary runs with its new address" hokm_ready a
within 20 "the owner sees it there" seen_at b "$NEW"
must ctl_ok a ready
within 20 "the primary owns again" owner_is a
within 10 "the players are well again" calm
observe_mark renumbered
unbroken "renumbered" 1

# Now with unicast adverts. The mode of adverts needs a restart.
for NODE in a b; do
	must lab_stop $NODE daemon
	echo 'vrrp { mode = unicast }' >>"$(conf_of $NODE)"
	must lab_daemon $NODE
done
for NODE in a b; do must lab_wait 20 hokm_ready $NODE; done
within 20 "unicast: the primary owns" owns a
must lab_wait 20 calm
observe_mark unicast
must sed -i "s/\"$(lab_addr b)\"/\"192.168.1.37\"/" "$(conf_of a)"
must ctl_refused a reload
within 10 "unicast: the owner refuses a file without the backup" refused a "backup, which runs" 1
BEGAN_MS=$(lab_now_ms)
must lab_wait 10 probed
observe_mark refused
unbroken "unicast"
test_end
