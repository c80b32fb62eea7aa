#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Another agent unmounts the bpffs of the owner. Nothing stops, but the end of the daemon would be
# that of its programs. So the node hands the VIP over, says what to do, and makes nothing in the
# folder below. When the bpffs is mounted again all is pinned again. No player notices.

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

BPFFS=$LAB_DIR/a/bpf
pins_are() { [ "$(find "$(lab_pins a)" -type f 2>/dev/null | wc -l)" = "$1" ]; }
has_xdp() { ip -n "$(lab_ns a)" -d link show dev eth0 | grep -q 'prog/xdp'; }

test_pair
pins=$(find "$(lab_pins a)" -type f | wc -l)
observe_mark unmounted
must umount "$BPFFS"
within 10 "the peer owns" owns b
within 10 "and answers" owner_is b
within 10 "with this reason" event a state path-lost
within 10 "status says why" status_is a .obstacle "pin is gone"
holds "the log says what to do" log_says a "mount -t bpf bpf /sys/fs/bpf"
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
test_end
