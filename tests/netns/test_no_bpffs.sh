#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 40 s
#
# Another agent unmounts the bpffs of the owner. Nothing stops, but the end of the daemon would be
# that of its programs. So the node says what to do, and makes nothing in the folder below. It hands
# the VIP over where the peer steers the players back to it, so that no player notices. Where a
# switch lets no steered frame pass, each of them would be lost by that: the node keeps the VIP.
#
# The peer has lost its bpffs before, and takes no part. When the game of the owner ends, it does.
# When the bpffs is mounted again all is pinned again.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

BPFFS=$LAB_DIR/a/bpf
pins_are() { [ "$(find "$(lab_pins a)" -type f 2>/dev/null | wc -l)" = "$1" ]; }
fault_by() { state_is "$1" fault && reason_is "$1" path-lost; }
steerable() { status_is "$1" '.peers[0].steerable' "$2"; }
# A second later than the failure the node would have left.
long_after() { [ $(($(lab_now_ms) - BEGAN_MS)) -gt 3000 ]; }
has_xdp() { ip -n "$(lab_ns a)" -d link show dev eth0 | grep -q 'prog/xdp'; }

test_pair
pins=$(find "$(lab_pins a)" -type f | wc -l)
observe_mark unmounted
must umount "$BPFFS"
within 10 "the peer owns" owns b
within 10 "and answers" owner_is b
within 10 "with this reason" event a state path-lost
within 10 "status says why" status_is a .obstacle "pin is gone"
holds "the log says what to do" log_says a "mount -t bpf -o mode=0700 bpf $BPFFS;"
holds "the program is where it was" has_xdp
within 10 "the players are well" calm
holds "and where they were" players_on a
holds "nothing was made in the folder" rmdir "$BPFFS"
must mkdir "$BPFFS"
must mount -t bpf bpf "$BPFFS"
within 10 "mounted again: all is pinned again" pins_are "$pins"
within 10 "the players are well" calm
observe_mark end
unbroken "bpffs" 1

within 60 "it takes part again, and owns" owns a
must antispoof
within 10 "cut: the owner knows that it cannot steer" steerable a false
within 10 "cut: the peer too" steerable b false
must umount "$BPFFS"
within 10 "cut: status says why" status_is a .obstacle "pin is gone"
BEGAN_MS=$(lab_now_ms)
must lab_wait 20 long_after
holds "cut: the owner keeps the VIP" owns a
holds "cut: and its players" players_on a
must umount "$LAB_DIR/b/bpf"
within 10 "both: the peer takes no part" fault_by b
must lab_wait 20 owns a
must lab_kill a game KILL
within 20 "both: the game of the owner ends, and the peer owns" owns b
within 20 "both: the players are well there" calm
holds "both: on the peer" players_on b
for node in a b; do
	rmdir "$LAB_DIR/$node/bpf" && mkdir "$LAB_DIR/$node/bpf" &&
		mount -t bpf bpf "$LAB_DIR/$node/bpf"
done
within 10 "mounted again: all is pinned again" pins_are "$pins"
test_end
