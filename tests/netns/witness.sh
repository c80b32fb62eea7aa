# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A group of two nodes, a and b, and a witness, w.

# Of profile fast it is 30 ms. A daemon that gets no processor for so long loses the VIP, and these
# machines have other things to do. GRANT=30ms measures it.
GRANT=${GRANT:-200ms}

in_touch() { status_is "$1" .grants.in_force true && status_is "$1" .grants.in_touch "$2"; }
all_in_touch() { in_touch a 3 && in_touch b 3; }
# A witness that was just started answers, but grants nothing for five seconds.
witness_grants() {
	status_is "$1" '.grants.others[] | select(.witness) | .granted_ms > 0' true
}

# witness_nodes [CONF [COMMAND]]: starts all three; a owns, with the grant of the witness. COMMAND
# runs when a and b have their files, before anything is started.
witness_nodes() {
	local node
	export LAB_CONF_EXTRA
	LAB_CONF_EXTRA="grant = $GRANT
$(lab_witness_conf w)
${1:-}"
	must lab_up a b w
	must lab_conf a b
	must "${2:-true}"
	for node in a b; do
		must lab_game "$node"
		must lab_daemon "$node"
	done
	must lab_witness w
	for node in a b; do must lab_wait 20 hokm_ready "$node"; done
	must lab_wait 20 all_in_touch
	must lab_wait 20 owns a
	must lab_wait 20 witness_grants a
}
# The same, with players and observers.
witness_group() {
	witness_nodes "$@"
	must observe_start
}
