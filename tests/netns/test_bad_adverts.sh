#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Adverts that are malformed, unauthenticated or forged, once with VRRP version 2 and PASS and
# once with version 3. Each is counted by its reason and changes nothing. The client sends those
# that the XDP guard must drop, with its own address and with the addresses of the peers. The
# backup sends those that the daemon must judge, because only a peer passes the guard.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/bad_input.sh
. "$(dirname "$0")/bad_input.sh"

PASS=labpass1
# CARP has the protocol number of VRRP, version 2, and 36 bytes: here 5 words stand for its counter
# and its authentication, of which it says that they are 7.
# shellcheck disable=SC2054 # the commas are between addresses
CARP=(version=2 priority=0 count=7 vips=10.1.2.3,10.4.5.6,10.7.8.9,10.9.8.7,10.6.5.4)
ADDR_A=$(lab_addr a) ADDR_B=$(lab_addr b)

# Correct but for the sender: a node that accepted one would lose the VIP.
forged() {
	local priority
	for priority in 255 254 0; do
		counted "priority $priority from no peer, at the owner" \
			counter a drop_vrrp_source -- \
			client advert "${GOOD[@]}" priority=$priority
		counted "priority $priority from no peer, at the backup" \
			counter b drop_vrrp_source -- \
			client advert "${GOOD[@]}" priority=$priority
		counted "priority $priority as the backup, other MAC" counter a drop_vrrp_mac -- \
			client --src "$ADDR_B" advert "${GOOD[@]}" priority=$priority
		counted "priority $priority as the owner, other MAC" counter b drop_vrrp_mac -- \
			client --src "$ADDR_A" advert "${GOOD[@]}" priority=$priority
	done
	counted "as the backup, unicast, other MAC" counter a drop_vrrp_mac -- \
		client --src "$ADDR_B" --dst "$ADDR_A" --dmac \
		"$(lab_mac a)" advert "${GOOD[@]}" priority=254
	counted "CARP with our VRID" counter a drop_vrrp_source -- \
		client advert "${CARP[@]}"
	counted "own adverts that come back" counter a drop_vrrp_source -- \
		client --src "$ADDR_A" advert "${GOOD[@]}" priority=254
	counted "wrong TTL" counter a drop_vrrp_ttl -- b --ttl 254 advert "${GOOD[@]}" priority=254
	counted "TTL 1" counter a drop_vrrp_ttl -- b --ttl 1 advert "${GOOD[@]}" priority=254
}

cut_short() {
	local bytes
	for bytes in 0 1 2 7; do
		counted "$bytes bytes long" counter a drop_vrrp_short -- \
			b advert "${GOOD[@]}" priority=254 cut=$bytes
	done
	counted "first fragment" counter a drop_vrrp_short -- \
		b advert "${GOOD[@]}" priority=254 fragment=1
	counted "later fragment" counter a drop_vrrp_short -- \
		b advert "${GOOD[@]}" priority=254 fragment=2
	for bytes in 8 11; do
		counted "$bytes bytes long" discards a checksum -- \
			b advert "${GOOD[@]}" priority=254 cut=$bytes
	done
	counted "more addresses claimed than there are" discards a short -- \
		b advert "${GOOD[@]}" priority=254 count=4
}

malformed() {
	local other=$((5 - VERSION))
	counted "version $other" discards a version -- \
		b advert "${GOOD[@]}" priority=254 version=$other
	counted "version 15" discards a version -- b advert "${GOOD[@]}" priority=254 version=15
	counted "type 0" discards a type -- b advert "${GOOD[@]}" priority=254 type=0
	counted "type 2" discards a type -- b advert "${GOOD[@]}" priority=254 type=2
	counted "unknown VRID" discards a vrid -- b advert "${GOOD[@]}" priority=254 vrid=77
	counted "VRID 0" discards a vrid -- b advert "${GOOD[@]}" priority=254 vrid=0
	counted "wrong checksum" discards a checksum -- \
		b advert "${GOOD[@]}" priority=254 checksum=bad
	counted "no address" discards a count -- b advert "${GOOD[@]}" priority=254 vips=
	counted "255 addresses claimed" discards a count -- \
		b advert "${GOOD[@]}" priority=254 count=255
	counted "interval 0" discards a interval -- b advert "${GOOD[@]}" priority=254 interval=0
	counted "CARP with our VRID, from a peer" discards a \
		"$([ "$VERSION" = 2 ] && echo short || echo version)" -- b advert "${CARP[@]}"
	[ "$VERSION" = 2 ] || return 0
	counted "another interval" discards a interval -- \
		b advert "${GOOD[@]}" priority=254 interval=7
	counted "no authentication" discards a auth-type -- b advert "${GOOD[@]}" priority=254 pass=
	counted "unknown authentication" discards a auth-type -- \
		b advert "${GOOD[@]}" priority=254 auth=2
	counted "no password" discards a auth -- b advert "${GOOD[@]}" priority=254 auth=1 pass=
	counted "wrong password" discards a auth -- b advert "${GOOD[@]}" priority=254 pass=labpass2
	counted "shorter password" discards a auth -- \
		b advert "${GOOD[@]}" priority=254 pass=labpass
	counted "wrong password, priority 0" discards a auth -- \
		b advert "${GOOD[@]}" priority=0 pass=wrong
}

# Adverts of the owner that are strange and count all the same.
strange() {
	counted "priority 255 of the owner" discards b priority -- \
		a advert "${GOOD[@]}" priority=255
	[ "$VERSION" = 3 ] || return 0
	counted "another interval of the owner" discards b other-interval -- \
		a advert "${GOOD[@]}" priority=110 interval=70
}

# Adverts of other forms that are in use.
other_forms() {
	counted "with a trailer" status a .vrrp.trailers -- \
		b advert "${GOOD[@]}" priority=1 trailer=32
	[ "$VERSION" = 3 ] || return 0
	counted "pseudo-header" status a '.vrrp.checksums."pseudo-header"' -- \
		b advert "${GOOD[@]}" priority=1 checksum=pseudo
	counted "pseudo-header of the group, unicast" \
		status a '.vrrp.checksums."pseudo-header of the group"' -- \
		b --dst "$ADDR_A" --dmac "$(lab_mac a)" \
		advert "${GOOD[@]}" priority=1 checksum=group
}

# Each sender is named once.
in_log() { grep -qF -- "$2" "$LAB_DIR/log/$1.daemon"; }
# named WORDS TEXT [NODE]
named() {
	local node=${3:-a}
	within 10 "$1: named" in_log "$node" "$2"
	number_is "$1: named in the log" "$(grep -cF -- "$2" "$LAB_DIR/log/$node.daemon")" -eq 1
}

# The backup is gone; the client sends adverts in its name, with its MAC address too.
in_a_dead_peers_name() {
	local mac=$1
	counted "as the dead peer, MAC $mac" discards a unproven -- client \
		--src "$ADDR_B" --smac "$mac" advert "${GOOD[@]}" priority=254
	holds "as the dead peer, MAC $mac: the only owner stays" owns a
}
two_owners() { lab_ctl a events --recent 1000 --kind peer | grep -c '(two-owners)'; }
heard_of() { [ "$(two_owners)" -gt 0 ]; }
heard_the_end() { event a peer '(one-owner)'; }
# burst MAC: an owner is reported at two adverts, half an interval apart.
burst() {
	local i
	for i in 1 2 3 4 5 6 7 8 9; do
		must send_once client --src "$ADDR_B" --smac "$1" \
			advert "${GOOD[@]}" priority=$((100 + i)) >/dev/null
		lab_nap 0.1
	done
}
# An alarm that anybody can raise names that, and comes once.
false_alarm() {
	burst "$(lab_mac client)"
	number_is "adverts of another MAC: reports of two owners" "$(two_owners)" -eq 0
	burst "$(lab_mac b)"
	within 10 "adverts of the dead peer's MAC: reported" heard_of
	holds "adverts of the dead peer's MAC: the log says that they may be forged" \
		log_says a "or an attacker forges them: ask backup itself before you stop one"
	holds "adverts of the dead peer's MAC: and the event does" \
		event a peer "or an attacker forges its adverts"
	within 15 "adverts of the dead peer's MAC: the end is reported" heard_the_end
	burst "$(lab_mac b)"
	number_is "adverts of the dead peer's MAC: reports within a minute" "$(two_owners)" -eq 1
	holds "adverts in the dead peer's name: the only owner stays" owns a
}
peer_is_silent() { status_is a '.peers[0].pulsing' false; }

for VERSION in 2 3; do
	GOOD=("version=$VERSION")
	export LAB_CONF_EXTRA="$PATIENT vrrp { version = $VERSION }"
	if [ $VERSION = 2 ]; then
		GOOD+=("pass=$PASS")
		LAB_CONF_EXTRA="$PATIENT vrrp { version = 2 password = \"$PASS\" }"
	fi
	echo "# version $VERSION"
	test_pair
	heard=$(status a .vrrp.received)
	remember
	forged
	unmoved "forged"
	remember
	cut_short
	malformed
	strange
	unmoved "malformed"
	number_is "the owner took none of them" "$(status a .vrrp.received)" -eq "$heard"
	# The counterproof: without its fault such an advert is accepted. This one has such a low
	# priority that it changes nothing.
	counted "a good one is taken" status a .vrrp.received -- b advert "${GOOD[@]}" priority=1
	counted "other VIPs" discards a addrs -- \
		b advert "${GOOD[@]}" priority=1 vips=192.168.1.99
	other_forms
	named "foreign group" "$(lab_addr client) sends adverts with our VRID"
	named "own adverts" "adverts of this node come back ($ADDR_A)"
	named "priority 255" "advert from $ADDR_A is strange: reason=priority" b
	[ $VERSION = 2 ] || named "another interval" \
		"advert from $ADDR_A is strange: reason=other-interval" b
	named "forged MAC" "advert from $ADDR_B: dropped: advert with an alive peer's"
	remember
	must ip -n "$(lab_ns b)" link set eth0 down
	must lab_wait 20 peer_is_silent
	in_a_dead_peers_name "$(lab_mac client)"
	in_a_dead_peers_name "$(lab_mac b)"
	false_alarm
	observe_mark dead-peer
	number_is "as the dead peer: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "as the dead peer: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
	[ "$TEST_FAILED" = 0 ] || exit 1
	observe_stop
	must lab_down
done
test_end
