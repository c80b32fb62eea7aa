#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A pair with keepalived becomes one with hokm-xdp, one node after the other, by the configuration
# that `hokm-xdp import` makes of the primary's keepalived.conf. At no time do two nodes own the
# VIP, and no move leaves it without an owner for as long as VRRP's Skew_Time (0.6 s).

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/keepalived.sh
. "$(dirname "$0")/keepalived.sh"

# The longest time without an owner in a move: 125 ms, and what a busy machine adds to them. The
# owner leaves several times, and the median counts. Skew_Time would make it 609 ms and more. The
# other moves are seen once each, and the observer is an ordinary process.
SILENT_MS=300
ONCE_MS=500
LEAVES=3

# imported: the new configuration, and what the lab adds to each configuration.
imported() {
	local node made=$LAB_DIR/imported.conf
	lab_run a "$HOKM" import -o "$made" --self "$(lab_addr a)" --peer "$(lab_addr b)" \
		--peer-priority 100 --port "$LAB_PORT" "$LAB_DIR/a/keepalived.conf" \
		>"$LAB_DIR/log/report" || return 1
	for node in a b; do
		{
			grep -v '^instance' "$made"
			cat <<-END
				max_connections = 32768
				linger = 0s
				bpffs = "$LAB_DIR/$node/bpf"
				socket = "$LAB_DIR/$node/hokm.sock"
				state_file = "$LAB_DIR/$node/orders"
			END
		} >"$LAB_DIR/$node/hokm-xdp.conf"
		chmod 600 "$LAB_DIR/$node/hokm-xdp.conf"
	done
}

# moved WORDS OWNER: the move that began at the mark before is over.
moved() {
	within 10 "$1: ARP shows the owner" sole_owner "$2"
	within 20 "$1: the players are back" calm
	observe_mark "next"
	echo "# $1: $REPLY_ARP"
	echo "# $1: $REPLY_PLAYERS"
}
one_at_most() {
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
}
moves_within() {
	moved "$1" "$2"
	one_at_most "$1"
	number_is "$1: longest time without an owner, ms" \
		"$(whole "$REPLY_ARP" silent_ms)" -le $ONCE_MS
}

# The owner's keepalived leaves: hokm-xdp on b owns, for it has nobody to wait for.
keepalived_leaves() {
	must lab_stop a keepalived
	within 20 "keepalived has left: b owns" owns b
	holds "keepalived has left: the reason" reason_is b priority-zero
	moved "keepalived has left" b
	one_at_most "keepalived has left"
	GAPS+=("$(whole "$REPLY_ARP" silent_ms)")
}

must lab_up a b
for node in a b; do must lab_game $node; done
must lab_keepalived_conf a 110
must lab_keepalived_conf b 100
for node in a b; do must lab_keepalived $node; done
within 30 "keepalived owns on a" has_vip a
within 30 "both check scripts have passed" keepalived_ready a
within 30 "on the backup too" keepalived_ready b
must observe_start
within 20 "players play" calm
within 10 "ARP shows one owner" sole_owner a

holds "the configuration is imported" imported
holds "the check script is kept, with its shell or without" \
	grep -q 'http://127.0.0.1' "$LAB_DIR/imported.conf"
holds "the report names what is not the same" \
	grep -q '^changed .*state BACKUP' "$LAB_DIR/log/report"

observe_mark "backup"
must lab_stop b keepalived
must lab_daemon b
must lab_wait 20 lab_ready b
within 30 "hokm-xdp on b hears the owner" heard b 2
within 30 "and is its backup" state_is b backup
within 30 "the imported check passes there" service_is b up
moves_within "the backup is new" a

GAPS=()
for ((i = 1; i <= LEAVES; i++)); do
	keepalived_leaves
	[ $i -lt $LEAVES ] || break
	# Two own while its advert travels, as VRRP has it: this is no part of the migration.
	must lab_keepalived a
	within 30 "keepalived is back: a owns" has_vip a
	moved "keepalived is back" a
done
number_is "keepalived has left: median time without an owner, ms" "$(median "${GAPS[@]}")" \
	-le $SILENT_MS

must lab_daemon a
within 60 "hokm-xdp on a owns" owns a
within 10 "it knows b as a node with hokm-xdp" status_is a '.peers[0].pulsing' true
moves_within "the former owner is new" a
test_end
