#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 60 s
#
# A node of a calm group sends its probes, and looks at its peers, less often: at profile standard
# each 30 ms, the owner too. As soon as a member does not answer, or the owner ceases to ask though
# its kernel answers, all is done each 10 ms. So it is where VRRP's timers decide, and with a
# witness, where grants do.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/pace.sh
. "$TESTS_DIR/pace.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
side_by_side timers witness

# numbers NODE: ms since its start, ticks, and quiet ones, so far.
numbers() { status "$1" '"\(.uptime_ms) \(.turns.pulse) \(.quiet_ticks)"'; }

# beaten NODE TICKS: it has had so many.
beaten() { [ "$(status "$1" .turns.pulse)" -ge "$2" ]; }

# A late tick ends the calm for a second, so only a window counts that is calm at both ends, and in
# which the ticks were not late. A node that is never late has 33 ticks a second.
# A request makes the next tick a whole one, so meanwhile the other node is asked.
# window NODE OTHER: puts the quiet ones of 100 ticks into QUIET.
window() {
	local window ticks from to end
	for window in {1..20}; do
		must lab_wait 60 group_is_calm
		read -r -a from <<<"$(numbers "$1")"
		end=$(($(status "$2" .turns.pulse) + 60))
		must lab_wait 60 beaten "$2" "$end"
		read -r -a to <<<"$(numbers "$1")"
		ticks=$((to[1] - from[1]))
		RATE=$((ticks * 1000 / (to[0] - from[0])))
		QUIET=$(((to[2] - from[2]) * 100 / ticks))
		echo "# window $window of $1: $ticks ticks, $RATE a second, $QUIET of 100 quiet"
		! group_is_calm || [ "$RATE" -ge 60 ] || return 0
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
within 60 "a calm group asks each 30 ms" group_is_calm
holds "a calm owner beats less often" window a b
number_is "quiet ticks of 100 of a calm owner" "$QUIET" -ge 40
holds "a calm backup beats less often" window b a
number_is "quiet ticks of 100 of a calm backup" "$QUIET" -ge 40

must lab_kill a daemon STOP
within 5 "the owner's daemon is stopped: the backup asks each 10 ms" paces b 10
within 20 "the owner's daemon is stopped: the backup owns" owns b
must lab_kill a daemon CONT
within 30 "it goes on: the primary owns again" owns a
within 60 "it goes on: the group is calm" group_is_calm

must ip -n "$(lab_ns sw)" link set p-b down
for node in a b; do
	within 5 "the backup is cut off: $node asks each 10 ms" paces $node 10
done
must ip -n "$(lab_ns sw)" link set p-b up
within 60 "the cable is back: the group is calm" group_is_calm
test_end
