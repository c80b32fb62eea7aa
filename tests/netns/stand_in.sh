# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Two nodes whose third member is the gateway: the client's machine. A daemon of these machines gets
# no processor for longer than a grant of profile fast, so the grants are longer.

# stand_in_lab KEYS: with these keys beside, or none. LAB_CONF_EXTRA has all of them afterwards.
stand_in_lab() {
	local node
	export LAB_CONF_EXTRA
	LAB_CONF_EXTRA="$PATIENT
$1
grant = \"200ms\"
arbiter = gateway
gateway = \"$(lab_addr client)\""
	must lab_up a b
	must lab_conf a b
	for node in a b; do
		must lab_game "$node"
		must lab_daemon "$node"
	done
}
