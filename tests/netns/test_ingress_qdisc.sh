#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# Another program puts the qdisc `ingress` in the place of clsact, as scripts that limit a rate do.
# The owner cannot attach its egress filter: it names the cause, and hands the VIP over; no player
# is lost. When the qdisc is gone all is as before. A daemon that finds it at its start ends.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

CAUSE="another program set the qdisc \`ingress\`"
has_egress() { lab_run a bpftool net show dev eth0 | grep -q 'clsact/egress hokm_egress'; }
lacks_egress() {
	local shown
	shown=$(lab_run "$1" bpftool net show dev eth0) && [[ $shown == *tc:* ]] &&
		[[ $shown != *hokm_egress* ]]
}
# The daemon may put clsact back between the two.
take_the_place() {
	lab_run "$1" tc qdisc del dev eth0 clsact 2>/dev/null
	lab_run "$1" tc qdisc add dev eth0 handle ffff: ingress 2>/dev/null
}
leave_the_place() { lab_run "$1" tc qdisc del dev eth0 ingress; }
preferred() { owns a && owner_is a && calm; }

test_pair
observe_mark limited
must lab_wait 10 take_the_place a
within 10 "ingress: the owner names the cause" log_says a "$CAUSE"
within 10 "ingress: so does an event" event a upkeep "$CAUSE"
within 20 "ingress: the backup owns" owner_is b
within 10 "ingress: for this reason" event a state path-lost
holds "ingress: status names the part" \
	grep -q 'egress filter is gone and cannot be put back' <<<"$(lab_ctl a status)"
holds "ingress: our filter sees no incoming packets" lacks_egress a
within 20 "ingress: the players are well" calm
must leave_the_place a
within 20 "no ingress: the filter is back" has_egress
within 60 "no ingress: the primary owns again" preferred
observe_mark end
# A moment without clsact may lose a packet, as test_upkeep.sh says.
number_is "ingress: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "ingress: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
echo "# $REPLY_PLAYERS"

must lab_stop b daemon
must lab_run b tc qdisc add dev eth0 ingress
if lab_run b timeout 15 "$HOKM" run -c "$LAB_DIR/b/hokm-xdp.conf" 2>"$LAB_DIR/refused"; then
	not_ok "start: it started"
else
	number_is "start: exit code" $? -eq 69
fi
holds "start: it says what to do" grep -q "tc qdisc del dev eth0 ingress" "$LAB_DIR/refused"
must leave_the_place b
must lab_daemon b
within 20 "start: without the qdisc it starts" hokm_ready b
test_end
