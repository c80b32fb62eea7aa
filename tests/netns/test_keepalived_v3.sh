#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 35 s
#
# keepalived as the peer, VRRP version 3, adverts every half second. Each of the two is owner and
# backup, stops, is killed and comes back, and at the end of each step exactly one has the VIP.
# hokm-xdp as backup is configured with a tenth of a second, so that it must learn the owner's
# interval or it would take the VIP at once. Adverts of a keepalived that uses version 2 are
# counted and change nothing.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/keepalived.sh
. "$(dirname "$0")/keepalived.sh"

# shellcheck disable=SC2034 # read by keepalived.sh
PEER_VERSION=3 PEER_ADVERT_MS=500

keepalived_first() {
	keepalived_above 100ms
	must peer_conf a 110 "" "" "" 2
	ignores "version 2" version
	above_ends
}

hokm_first() { hokm_above 500ms; }

side_by_side keepalived hokm
must lab_up a b
must watch_start
"${PART}_first"
test_end
