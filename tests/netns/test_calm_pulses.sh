#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# A node of a calm group looks at its peers less often: at profile standard each 30 ms. The owner
# sends its probes each 10 ms all the same. A calm backup sends them as rarely as it looks, and
# wakes up as rarely. As soon as a member does not answer, or the owner ceases to ask though its
# kernel answers, all is done each 10 ms.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# paces NODE LOOKS PROBES: the node looks, and sends probes, each so many ms.
paces() { status_is "$1" '"\(.look_ms) \(.pulse_ms)"' "$2 $3"; }
group_is_calm() { paces a 30 10 && paces b 30 30; }

# ticks NODE: so far.
ticks() { status "$1" .turns.pulse; }
# The owner has beaten so often since OWNER ticks.
owner_beat() { [ $(($(ticks a) - OWNER)) -ge "$1" ]; }

test_nodes a b
within 20 "the primary owns" owns a
within 60 "a calm group looks each 30 ms, and its owner asks each 10 ms" group_is_calm

# On a machine that is never late it is 34 of 100.
OWNER=$(ticks a) BACKUP=$(ticks b)
must lab_wait 60 owner_beat 300
number_is "ticks of the backup for 100 of the owner" \
	$((($(ticks b) - BACKUP) * 100 / ($(ticks a) - OWNER))) -lt 80

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
