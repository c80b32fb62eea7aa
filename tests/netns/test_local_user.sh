#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Another user of the machine can neither read the secrets of a running node nor command it: by
# its files, its pins, its socket, its FIFO or its processes. Root makes each attempt first, and
# may. The user is the one that the children of the daemon run as, so nothing but their own guard
# keeps that user from looking into them.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

FIFO=$LAB_DIR/a/changes
export LAB_CONF_EXTRA="$PATIENT hooks { fifo = \"$FIFO\" } listen { port = 8768 }"

# A process may be traced, as by a debugger: PTRACE_SEIZE, which does not stop it.
TRACE='import ctypes, sys
sys.exit(ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0) != 0)'
as_nobody() { lab_run a setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
# only_root WORDS CMD...
only_root() {
	local words=$1
	shift
	holds "$words: root may" quietly lab_run a "$@"
	holds "$words: another user may not" refuses "$@"
}
quietly() { "$@" >/dev/null 2>&1 </dev/null; }
refuses() { ! quietly as_nobody "$@"; }
children() { pgrep -P "$1"; }

must lab_up a b
must lab_conf a b
must sed -i 's/hooks {.*} listen/listen/' "$LAB_DIR/b/hokm-xdp.conf" # the FIFO is that of a
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must ctl_ok a drain # an order, for the state file
must lab_wait 20 owns b
# The folder of the lab lets in everybody, so that each thing must guard itself.
must as_nobody test -x "$LAB_DIR/a"
EPOCH=$(status b .epoch)
must test -n "$EPOCH"
PID=$(pgrep -f "hokm-xdp run -c $LAB_DIR/a/hokm-xdp.conf" | head -n 1)
must test -n "$PID"

only_root "the configuration" cat "$LAB_DIR/a/hokm-xdp.conf"
only_root "the state file" cat "$LAB_DIR/a/orders"
only_root "the folder of the pins" ls "$(lab_pins a)"
only_root "a pinned map" bpftool map dump pinned "$(lab_pins a)/cfg"
only_root "the FIFO" test -r "$FIFO"
only_root "the socket: looking" "$HOKM" ctl -s "$LAB_DIR/a/hokm.sock" status
only_root "the socket: an order" "$HOKM" ctl -s "$LAB_DIR/a/hokm.sock" log-level info
for pid in $PID $(children "$PID"); do
	name=$(tr -d '\n' </proc/"$pid"/comm)
	for file in environ maps auxv; do
		only_root "$name, its $file" cat "/proc/$pid/$file"
	done
	only_root "$name, its files" ls "/proc/$pid/fd"
	only_root "$name, a debugger" python3 -c "$TRACE" "$pid"
done
only_root "the daemon, a signal" kill -0 "$PID"
holds "no secret is in an argument" \
	test -z "$(tr '\0' ' ' <"/proc/$PID/cmdline" | grep -F "$LAB_SECRET")"
holds "nothing moved: the peer owns" owns b
holds "nothing moved: in the same epoch" status_is b .epoch "$EPOCH"
test_end
