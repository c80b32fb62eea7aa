#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Others disturb both nodes at the same moment, or one node twice in a second, as an agent does that
# is rolled out to all machines. The backup owns two VIPs, has players of its own, and steers others
# to the primary. VIPs, routes, MAC addresses and pins: no connection breaks, no attempt fails, and
# there is one owner at every moment. So it is when the files of both are read again and again.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/silence.sh
. "$TESTS_DIR/silence.sh"

SECOND=192.168.1.24
export LAB_CONF_EXTRA="$PATIENT
vip = { \"$LAB_VIP\", \"$SECOND\" }"

in_node() { ip -n "$(lab_ns "$1")" "${@:2}"; }
# Of both VIPs, on the interface and on lo.
has_routes() { [ "$(in_node "$1" route show table local proto 0x48 | wc -l)" = 4 ]; }
del_vips() {
	in_node b -batch - <<-END
		addr del $LAB_VIP/32 dev eth0
		addr del $SECOND/32 dev eth0
	END
}
has_vips() {
	local vip
	for vip in "$LAB_VIP" $SECOND; do
		[ -n "$(in_node b -o addr show dev eth0 to $vip)" ] || return 1
	done
}
del_routes() { in_node "$1" route flush table local proto 0x48; }
new_mac() {
	LAB_MAC[$1]=$2 # so the observers know it too
	in_node "$1" link set eth0 address "$2"
}
knows_mac() { status_is "$1" .peers[0].mac "${LAB_MAC[$2]}"; }
del_pins() { rm "$(lab_pins "$1")"/*; }
pins_are() { [ "$(find "$(lab_pins "$1")" -type f | wc -l)" = "$2" ]; }
reload() { lab_kill "$1" daemon HUP; }

# both CMD NODE-ARGUMENTS: at the same moment.
both() {
	"$1" a "${@:2}" &
	"$1" b "${@:2}"
	wait $!
}
vips_twice() {
	del_vips && lab_wait 5 has_vips && del_vips
}
macs() { new_mac a 02:00:00:00:1a:01 && new_mac b 02:00:00:00:1b:01; }
reloads() {
	local i
	for i in {1..20}; do reload a && reload b || return 1; done
}
vips_back() { has_vips; }
routes_back() { has_routes a && has_routes b; }
macs_known() { knows_mac a b && knows_mac b a; }
pins_back() { pins_are a "$PINS" && pins_are b "$PINS"; }
took_file() { event a config reloaded && event b config reloaded; }

# disturbed WORDS BACK CMD...: nobody notices, and BACK holds afterwards.
disturbed() {
	local words=$1 back=$2
	shift 2
	ask_audience carried mark
	observe_mark disturbed
	must "$@"
	within 10 "$words: all is back" "$back"
	within 10 "$words: the nodes see each other" both_see
	within 10 "$words: the players are well" calm
	within 10 "$words: all moves of the steered players are answered" answered
	observe_mark end
	number_is "$words: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$words: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	number_is "$words: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	plays_on "$words, steered" carried
	holds "$words: the same owner" owns b
}

carried 20 20
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is b
within 10 "both have the routes" routes_back
PINS=$(find "$(lab_pins a)" -type f | wc -l)
disturbed "VIPs, twice" vips_back vips_twice
disturbed "routes of both" routes_back both del_routes
disturbed "MAC addresses of both" macs_known macs
disturbed "pins of both" pins_back both del_pins
disturbed "twenty reloads of both" took_file reloads
test_end
