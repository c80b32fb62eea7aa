# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Cuts in the switch: rules of its bridge drop frames on their way from port to port, before they
# reach a node's XDP program.

# shellcheck disable=SC2034 # used by the tests
PULSES='udp dport 8766 drop; udp sport 8766 drop;'
# Pulses in one direction: cut_way FROM TO.
cut_way() { echo "iifname p-$1 oifname p-$2 udp dport 8766 drop;"; }
# All frames between two nodes, or all of one node.
cut_between() { echo "iifname p-$1 oifname p-$2 drop; iifname p-$2 oifname p-$1 drop;"; }
cut_all() { echo "iifname p-$1 drop; oifname p-$1 drop;"; }

# cut RULES
cut() {
	lab_run sw nft "table bridge cut {
		chain forward { type filter hook forward priority filter; $1 }
	}"
}
# recut RULES: these in the place of those before, at one moment.
recut() {
	lab_run sw nft "delete table bridge cut
		table bridge cut {
			chain forward { type filter hook forward priority filter; $1 }
		}"
}
uncut() { lab_run sw nft delete table bridge cut; }

# A node may send with its own addresses only, as with port security and in clouds: what it steers
# has a client's. The VIP is its own address too: it answers clients from there.
antispoof() {
	local own
	own="$(lab_addr a), $(lab_addr b), $LAB_VIP"
	lab_run sw nft "table bridge antispoof {
		chain forward {
			type filter hook forward priority 0; policy accept;
			iifname { p-a, p-b } ip saddr != { $own } drop
		}
	}"
}
antispoof_off() { lab_run sw nft delete table bridge antispoof; }

# cut_for SECONDS RULES: above all other processes, so that the cut takes so long and no longer.
cut_for() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	lab_run sw chrt -f 30 bash -c '
		nft "table bridge cut {
			chain forward { type filter hook forward priority filter; $2 }
		}" && sleep "$1" && nft delete table bridge cut' - "$1" "$2"
}
