#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 55 s
#
# keepalived as the peer, VRRP version 2 with PASS, adverts every second. Each of the two is owner
# and backup, stops, is killed and comes back, and at the end of each step exactly one has the
# VIP. Adverts of a keepalived with the wrong password or of another virtual router are counted
# and change nothing.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/keepalived.sh
. "$(dirname "$0")/keepalived.sh"

# shellcheck disable=SC2034 # read by keepalived.sh
PEER_VERSION=2 PEER_ADVERT_MS=1000 PEER_PASS=labpass1

keepalived_first() {
	keepalived_above 1s
	must peer_conf a 110 wrongpas
	ignores "wrong password" auth
	must peer_conf a 110 "$PEER_PASS" 77 192.168.1.24
	ignores "another VRID" vrid
	only_owner "after all that" b a
	above_ends
}

hokm_first() { hokm_above 1s; }

side_by_side keepalived hokm
must lab_up a b
must watch_start
"${PART}_first"
test_end
