#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# A node of a calm group looks at its peers less often: at profile standard each 30 ms. The owner
# sends its probes each 10 ms all the same. A calm backup sends them as rarely as it looks, and
# wakes up as rarely. As soon as a member does not answer, or the owner ceases to ask though its
# kernel answers, all is done each 10 ms. So it is where VRRP's timers decide, and with a witness,
# where grants do.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
side_by_side timers witness

# paces NODE LOOKS PROBES: the node looks, and sends probes, each so many ms.
paces() { status_is "$1" '"\(.look_ms) \(.pulse_ms)"' "$2 $3"; }
group_is_calm() { paces a 30 10 && paces b 30 30; }

# numbers NODE: ticks, and quiet ones, so far.
numbers() { status "$1" '"\(.turns.pulse) \(.quiet_ticks)"'; }
# The owner has beaten so often since OWNER.
owner_beat() {
	local now
	now=$(numbers a) && [ $((${now% *} - ${OWNER% *})) -ge "$1" ]
}

# A late tick ends the calm for a second, so only a window counts that is calm at both ends, and in
# which the owner's ticks were not late. On a machine that is never late the share is 34.
window() {
	local now window
	for window in {1..20}; do
		must lab_wait 60 group_is_calm
		OWNER=$(numbers a) BACKUP=$(numbers b)
		must lab_wait 60 owner_beat 300
		now=$(numbers b)
		TICKS=$((${now% *} - ${BACKUP% *})) QUIET=$((${now#* } - ${BACKUP#* }))
		now=$(numbers a)
		SHARE=$((TICKS * 100 / (${now% *} - ${OWNER% *})))
		echo "# window $window: $TICKS ticks of b, $QUIET quiet, $SHARE for 100 of a"
		! group_is_calm || [ "$SHARE" -ge 60 ] || return 0
	done
	return 1
}

case $PART in
timers)
	test_nodes a b
	within 20 "the primary owns" owns a
	;;
witness) GRANT=100ms witness_nodes ;;
esac
within 60 "a calm group looks each 30 ms, and its owner asks each 10 ms" group_is_calm
holds "a calm backup beats less often than its owner" window
number_is "quiet ticks of 100 of a calm backup" $((QUIET * 100 / TICKS)) -ge 40

must lab_kill a daemon STOP
within 5 "the owner's daemon is stopped: the backup looks and asks each 10 ms" paces b 10 10
within 20 "the owner's daemon is stopped: the backup owns" owns b
must lab_kill a daemon CONT
within 30 "it goes on: the primary owns again" owns a
within 60 "it goes on: the group is calm" group_is_calm

must ip -n "$(lab_ns sw)" link set p-b down
for node in a b; do
	within 5 "the backup is cut off: $node looks and asks each 10 ms" paces $node 10 10
done
must ip -n "$(lab_ns sw)" link set p-b up
within 60 "the cable is back: the group is calm" group_is_calm
test_end
