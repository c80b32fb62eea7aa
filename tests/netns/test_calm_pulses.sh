#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# A calm backup asks less often, and wakes up as rarely: at profile standard each 30 ms, while the
# owner asks each 10 ms. As soon as a member does not answer, or the owner ceases to ask though its
# kernel answers, it asks each 10 ms.

PROFILE=standard
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

asks_each() { status_is "$1" .pulse_ms "$2"; }

# ticks NODE: so far.
ticks() { status "$1" .turns.pulse; }
# The owner has beaten so often since OWNER ticks.
owner_beat() { [ $(($(ticks a) - OWNER)) -ge "$1" ]; }

test_nodes a b
within 20 "the primary owns" owns a
within 30 "a calm backup asks each 30 ms" asks_each b 30
holds "the owner asks each 10 ms" asks_each a 10

# On a machine that is never late it is 34 of 100.
OWNER=$(ticks a) BACKUP=$(ticks b)
must lab_wait 60 owner_beat 300
number_is "ticks of the backup for 100 of the owner" \
	$((($(ticks b) - BACKUP) * 100 / ($(ticks a) - OWNER))) -lt 70

must lab_kill a daemon STOP
within 5 "the owner's daemon is stopped: the backup asks each 10 ms" asks_each b 10
within 20 "the owner's daemon is stopped: the backup owns" owns b
must lab_kill a daemon CONT
within 30 "it goes on: the primary owns again" owns a
within 30 "it goes on: the backup is calm" asks_each b 30

must ip -n "$(lab_ns sw)" link set p-a down
within 5 "the owner is cut off: the backup asks each 10 ms" asks_each b 10
must ip -n "$(lab_ns sw)" link set p-a up
within 60 "the cable is back: the primary owns again" owns a
within 30 "the cable is back: the backup is calm" asks_each b 30
test_end
