#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# Another program removes the local routes of the VIP at the owner again and again, first the one of
# the interface, then that of lo. Each time the route is put back and counted, and the node hands
# the VIP over as for the address. What the kernel itself removes counts for nothing: the routes of
# the interface go with its last address.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# 72 is the mark of the daemon's routes.
has_route() {
	lab_run "$1" ip route show table local type local proto 72 | grep -q "$LAB_VIP dev $2 "
}
del_route() {
	has_route "$1" "$2" &&
		lab_run "$1" ip route del local "$LAB_VIP" dev "$2" table local proto 72
}
removing() {
	del_route "$1" "$2"
	owns "$3"
}
put_back() { status "$1" .put_back.routes; }

# hands_over OWNER PEER INTERFACE
hands_over() {
	local words="$3" before
	before=$(put_back "$1")
	observe_mark removed
	within 15 "$words: the peer owns" removing "$1" "$3" "$2"
	number_is "$words: it was put back" $(($(put_back "$1") - before)) -ge 5
	within 5 "$words: with this reason" event "$1" state path-lost
	within 5 "$words: the log says why" log_says "$1" \
		"local route of the VIP of eth0 was removed by another program 5 times"
	within 5 "$words: it is there" has_route "$1" "$3"
	within 10 "$words: the players are well" calm
	observe_mark back
	unbroken "$words" 1
}

# The last address goes and comes back, at the backup.
by_the_kernel() {
	local before address
	before=$(put_back b)
	address="$(lab_addr b)/24"
	for _ in 1 2 3 4 5 6; do
		ip -n "$(lab_ns b)" -batch - <<-END || return 1
			addr del $address dev eth0
			addr add $address brd + dev eth0
		END
		within 5 "kernel: the route of the interface is put back" has_route b eth0
	done
	number_is "kernel: counted as removed by others" $(($(put_back b) - before)) -eq 0
	holds "kernel: the node takes part" state_is b backup
}

test_pair
must by_the_kernel
hands_over a b eth0
within 60 "when it has stayed, the node owns again" owns a
within 10 "the players are well" calm
hands_over a b lo
test_end
