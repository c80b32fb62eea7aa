#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# `ctl upgrade` under fifty players: the installed binary takes over in the same process. No player
# notices, the owner stays the owner, the process keeps its id, and two in a row work as well as
# one. A binary that does not accept the configuration or the pinned maps changes nothing, nor does
# one that lacks capabilities. A binary with other BPF programs replaces them under the players.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/upgrade.sh
. "$TESTS_DIR/upgrade.sh"

export LAB_CONF_EXTRA="$PATIENT notify log { type = syslog }"
CONF=$LAB_DIR/a/hokm-xdp.conf
# set_schema BYTE: the schema version of the pins, as another build would have written it.
set_schema() {
	local meta value
	meta=$(lab_pins a)/meta
	value=$(bpftool -j map lookup pinned "$meta" key 0 0 0 0 | jq -r '.value[1:] | join(" ")')
	# shellcheck disable=SC2086 # one word a byte
	bpftool map update pinned "$meta" key 0 0 0 0 value "$1" $value
}
schema() { bpftool -j map lookup pinned "$(lab_pins a)/meta" key 0 0 0 0 | jq -r '.value[0]'; }
# The new binary starts without CAP_NET_RAW, as in a unit with a bounding set that lacks it.
without_raw() {
	lab_run a setpriv --bounding-set -net_raw "$PROGRAM" accepts "$CONF" 2>&1 |
		grep "missing capabilities: cap_net_raw" >/dev/null
}
# The new daemon could not make the control socket again.
# shellcheck disable=SC2016 # expanded by the inner shell
in_read_only_folder() {
	lab_run a unshare --mount --propagation private sh -c \
		'mount --rbind "$1" "$1" && mount -o remount,ro,bind "$1" &&
			exec "$2" accepts "$3"' \
		- "$LAB_DIR/a" "$PROGRAM" "$CONF" 2>&1 |
		grep "no file can be made in $LAB_DIR/a,.* it is read-only" >/dev/null
}
# A start would make the folder of the control socket again, but not the one above it.
accepts_socket() {
	sed "s|^socket = .*|socket = \"$1\"|" "$CONF" >"$LAB_DIR/socket.conf" &&
		chmod 600 "$LAB_DIR/socket.conf" &&
		lab_run a "$PROGRAM" accepts "$LAB_DIR/socket.conf" >"$LAB_DIR/accepts" 2>&1
}
nowhere_for_the_socket() {
	! accepts_socket "$LAB_DIR/no/where/hokm.sock" &&
		grep -q "in $LAB_DIR/no/where,.* the folder above it is gone" "$LAB_DIR/accepts"
}
realtime() { chrt -p "$(lab_pid a daemon)" | grep -q SCHED_FIFO; }

# The children of the daemon: those that it started itself, and none that nobody waits for.
agent_and_notifier() {
	[ "$(ps -o stat= -o args= --ppid "$(lab_pid a daemon)" | grep -cv '^Z')" = 2 ]
}
no_zombie() { ! ps -o stat= --ppid "$(lab_pid a daemon)" | grep -q '^Z'; }

# upgrade WORDS TIMES: the second argument counts the upgrades so far.
upgrade() {
	local pid
	pid=$(lab_pid a daemon)
	holds "$1: it says that the new daemon runs" upgrade_says "upgraded: hokm-xdp "
	holds "$1: the process is the same" test "$(lab_pid a daemon)" = "$pid"
	within 10 "$1: another daemon runs in it" upgraded "$2"
	within 10 "$1: it has its real-time class" realtime
	within 10 "$1: it has one agent and one notifier" agent_and_notifier
	within 10 "$1: no child of the former daemon is left" no_zombie
}

# refused WORDS MESSAGE: and the daemon goes on.
refused() {
	local began
	began=$(status a .uptime_ms)
	holds "$1: refused with a message" upgrade_says "$2"
	number_is "$1: the daemon goes on (ms up)" "$(status a .uptime_ms)" -ge "$began"
}

must lab_up a b
must lab_conf a b
for node in a b; do must lab_game $node; done
must install_it "$HOKM"
must lab_daemon a
must lab_daemon b
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
FACTS=$(facts)
ID=$(programs)
observe_mark upgrade

must install_it "$HOKM"
upgrade "upgrade" 1
must install_it "$HOKM"
upgrade "and once more" 2
holds "both loaded no program" test "$(programs)" = "$ID"

holds "it adopted the lease" reason_is a adopted

install_it "$(type -P false)"
refused "a binary that says nothing" "it ended without a word"
install_it "$HOKM"
cp "$CONF" "$LAB_DIR/good.conf"
echo 'no_such_key = 1' >>"$CONF"
refused "a file with an error" "there is no such key here"
sed 's/^node primary/node other/' "$LAB_DIR/good.conf" >"$CONF"
refused "a file of another node" "for which nothing is pinned"
cp "$LAB_DIR/good.conf" "$CONF"
SCHEMA=$(schema)
set_schema 0x63
refused "another map schema" "belong to another version (schema 99"
set_schema "$SCHEMA"
holds "a binary that lacks a capability does not accept" without_raw
holds "nor one that finds the folder of the socket read-only" in_read_only_folder
holds "nor one that cannot make it again" nowhere_for_the_socket
holds "one that can does" accepts_socket "$LAB_DIR/away/hokm.sock"

holds "the owner and its epoch are as they were" test "$(facts)" = "$FACTS"
within 10 "the players are well" calm
holds "and where they were" players_on a
observe_mark upgraded
unbroken upgrade
holds "only this node answers ARP" sole_owner a

# Loading programs takes longer than adopting them: on a busy machine the VIP may move meanwhile.
must other_build "$HOKM" "$LAB_DIR/other"
install_it "$LAB_DIR/other"
upgrade "another build" 3
holds "it loaded its own programs" test "$(programs)" != "$ID"
within 20 "the players are well" calm
observe_mark another
number_is "another build: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "another build: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
holds "the next daemon stops as any other" lab_kill a daemon TERM
within 10 "it ends" lab_gone a daemon
test_end
