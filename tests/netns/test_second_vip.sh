#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A second VIP comes and goes by reload, on one node after the other and in both orders. While the
# lists differ nobody but the owner answers for it, and it only if its own list has the VIP. The
# first VIP stays where it is. That the lists differ is reported once by the adverts, and shown by
# name in the status of both nodes for as long as it lasts.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# A peer that gets no CPU for a second must not lose the VIP here.
export LAB_CONF_EXTRA="$PATIENT vrrp { advert = 1s preempt_delay = 500ms }"
SECOND=192.168.1.28
conf_of() { echo "$LAB_DIR/$1/hokm-xdp.conf"; }

# The watcher of the second VIP takes the place of that of the first.
watch() {
	mkfifo "$LAB_DIR"/arp.in "$LAB_DIR"/arp.out
	exec {ARP_IN}<>"$LAB_DIR/arp.in" {ARP_OUT}<>"$LAB_DIR/arp.out"
	LAB_STDIN=$LAB_DIR/arp.in LAB_STDOUT=$LAB_DIR/arp.out \
		lab_spawn client arp "$LAB_BUILD/hokm-arpwatch" --addr "$SECOND" --interval 5
}
# The group vip differs, as the node sees it, with the list of this node and that of its peer.
differs() { status_is "$1" '.peers[0].differs[] | select(.name == "vip") | .text' "$2"; }
agree() { status_is "$1" '.peers[0].differs' "[]"; }
nobody() { ! lab_run client arping -q -c 2 -w 1 -I eth0 "$SECOND" >/dev/null; }
knows() { [ -n "$(lab_run "$1" ip route show table local "$SECOND")" ]; }
knows_not() { ! knows "$1"; }

# add NODE / remove NODE: returns when the node has read its file.
add() {
	echo "vip = { \"$LAB_VIP\", \"$SECOND\" }" >>"$(conf_of "$1")"
	must lab_kill "$1" daemon HUP
	within 10 "$1 has the second VIP" knows "$1"
}
remove() {
	sed -i '/^vip = /d' "$(conf_of "$1")"
	must lab_kill "$1" daemon HUP
	within 10 "$1 has the second VIP no more" knows_not "$1"
}

test_nodes a b
must lab_wait 20 owns a
EPOCH=$(status a .epoch)
must watch

add b
holds "the backup has it first: nobody answers" nobody
within 10 "the owner names what differs" \
	differs a "vip: the lists of VIPs differ: here $LAB_VIP, there $LAB_VIP $SECOND"
within 10 "and so does the backup" \
	differs b "vip: the lists of VIPs differ: here $LAB_VIP $SECOND, there $LAB_VIP"
within 10 "an event says it" event a peer "backup: vip: the lists of VIPs differ"
add a
within 10 "then the owner: it answers alone" sole_owner a
for node in a b; do within 10 "$node: nothing differs any more" agree $node; done
within 10 "an event says it too" event a peer "backup: the settings of the nodes agree again"
remove a
holds "the owner loses it first: nobody answers" nobody
remove b
holds "then the backup: nobody answers" nobody

add a
within 10 "the owner has it first: it answers alone" sole_owner a
add b
within 10 "then the backup: the owner answers alone" sole_owner a
remove b
within 10 "the backup loses it first: the owner answers alone" sole_owner a
holds "the first VIP did not move" test "$(status a .epoch)" = "$EPOCH"

holds "failover while the lists differ: the order is taken" ctl_ok a failover
within 10 "the first VIP moves" owns b
holds "nobody answers for the second one" nobody
add b
within 10 "until the new owner has it: it answers alone" sole_owner b

for node in a b; do
	number_is "$node reports the differing lists so often" \
		"$(grep -c 'other addresses\|reason=addrs' "$LAB_DIR/log/$node.daemon")" -le 1
done
ask_arp status
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
