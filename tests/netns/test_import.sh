#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A pair with keepalived becomes one with hokm-xdp, one node after the other, by the configuration
# that `hokm-xdp import` makes of the primary's keepalived.conf. At no time do two nodes own the
# VIP, and it is never without an owner for longer than VRRP needs when an owner leaves.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/keepalived.sh
. "$(dirname "$0")/keepalived.sh"

# Skew_Time of the backup (0.6 s), and what a busy machine may add to it.
SILENT_MS=2500

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

must lab_up a b
for node in a b; do must lab_game $node; done
must lab_keepalived_conf a 110
must lab_keepalived_conf b 100
for node in a b; do must lab_keepalived $node; done
must watch_start
within 30 "keepalived owns on a" has_vip a
within 30 "both check scripts have passed" keepalived_ready a
within 30 "on the backup too" keepalived_ready b
within 10 "ARP shows one owner" sole_owner a
ask_arp "mark begin"

holds "the configuration is imported" imported
holds "the check script is kept, with its shell or without" \
	grep -q 'http://127.0.0.1' "$LAB_DIR/imported.conf"
holds "the report names what is not the same" \
	grep -q '^changed .*state BACKUP' "$LAB_DIR/log/report"

must lab_stop b keepalived
must lab_daemon b
must lab_wait 20 lab_ready b
within 30 "hokm-xdp on b hears the owner" heard b 2
within 30 "and is its backup" state_is b backup
within 30 "the imported check passes there" service_is b up
must lab_stop a keepalived
within 20 "keepalived has left: b owns" owns b
must lab_daemon a
within 60 "hokm-xdp on a owns" owns a
within 10 "ARP shows it" sole_owner a
within 10 "it knows b as a node with hokm-xdp" status_is a '.peers[0].pulsing' true
ask_arp "mark end"
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
number_is "longest time without an owner, ms" \
	"$(whole "$REPLY_ARP" silent_ms)" -le $SILENT_MS
test_end
