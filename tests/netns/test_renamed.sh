#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Another program gives the owner's interface another name, as rules for network devices do that
# come late. The node goes on, and reports it once. Its sysctls are kept up under the new name, and
# restored there when the daemon ends. No player notices.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

arp_ignore() { lab_run a cat /proc/sys/net/ipv4/conf/lan0/arp_ignore; }
arp_ignore_is() { [ "$(arp_ignore)" = "$1" ]; }
is_whole() {
	local text
	text=$(lab_ctl a status) && [[ $text != *"gone and cannot be put back"* ]]
}
# Linux before 6.2 renames no interface that is up.
can_rename() {
	unshare --net sh -c 'ip link add try0 up type veth peer name try1 || exit 3
		ip link set try0 name try2'
}

can_rename
case $? in
0) ;;
3) must false "an interface is made" ;;
*)
	echo "this kernel renames no interface that is up"
	exit 77
	;;
esac
test_pair
put_back=$(status a .put_back.sysctls)
observe_mark renamed
must ip -n "$(lab_ns a)" link set eth0 name lan0
within 10 "the log says it" log_says a "eth0 is named lan0 now"
must lab_run a sysctl -q net.ipv4.conf.lan0.arp_ignore=0
within 10 "a sysctl under the new name is put back" arp_ignore_is 1
within 10 "and counted" status_test a .put_back.sysctls -gt "$put_back"
holds "nothing is gone" is_whole
within 10 "the players are well" calm
observe_mark end
unbroken "renamed"
number_is "reported so often" "$(grep -c 'is named lan0 now' "$LAB_DIR/log/a.daemon")" -eq 1
# With players on it a daemon that stops leaves all as it is.
must observe_stop
must lab_wait 20 status_is a '.services[0].players' 0
must lab_stop a daemon
within 10 "the end: the sysctl is restored" arp_ignore_is 0
test_end
