#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A cable is out for 0.7 s: longer than Master_Down, and shorter than the kernel may take to say
# that the carrier is lost (a second). First it is the owner's cable, then that of the backup. Each
# time the node reads the state of its link itself, in time: it does not own, and when the cable is
# back no two nodes answer ARP.
#
# The kernel says at once that a virtual cable is out, because it looks like a device on top of
# another one. With one index at both ends it does not: it is as late as with a network card.

PLAYERS=4
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# After a change of any link the kernel takes in lost carriers only a second later.
busy_kernel() {
	ip -n "$(lab_ns sw)" -batch - <<-END
		link set other down
		link set other up
	END
}
card() {
	ip -n "$(lab_ns "$1")" link del eth0 && lab_cable "$1" $((100 + LAB_HOST[$1])) &&
		lab_address "$1" && lab_wait 20 lab_carrier "$1"
}
settled() { owns a && state_is b backup && hokm_ready a && hokm_ready b; }
lost_links() { grep -c 'interface eth0 lost its link' "$LAB_DIR/log/$1.daemon"; }

# flap NODE NUMBER
flap() {
	local before
	must lab_wait 30 settled
	before=$(lost_links "$1")
	must busy_kernel
	must lab_link "$1" down
	lab_nap 0.7
	must lab_link "$1" up
	number_is "cable of $1, $2: the node read that its link is lost" \
		$(($(lost_links "$1") - before)) -eq 1
}

must lab_up a b
must card a
must card b
must ip -n "$(lab_ns sw)" link add other type veth peer name others
must ip -n "$(lab_ns sw)" link set others up
# The switch may forward nothing for a second after the cable is back: a node waits until it hears.
LAB_START_DELAY=40s must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
must lab_wait 30 settled
must observe_start
must lab_wait 20 calm
observe_mark flaps
for i in 1 2 3; do flap a $i; done
for i in 1 2 3; do flap b $i; done
must lab_wait 30 settled
observe_mark end
number_is "rounds of the observer" "$(field "$REPLY_ARP" rounds)" -ge 500
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
test_end
