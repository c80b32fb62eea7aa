#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A second daemon in the network namespace of one that runs: its file names another control socket,
# another bpffs, another name, another address, another interface. It is refused, with the process
# and the file of the first one, and so is a `cleanup` with such a file. The first one goes on, and
# its restart and its upgrade find nobody in their way. A user who takes the name of the lock keeps
# no daemon from starting. The other node of the pair runs in a namespace of its own all the time.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

CONF=$LAB_DIR/a/hokm-xdp.conf
OTHER_SOCKET="s|^socket.*|socket = \"$LAB_DIR/other.sock\"|
	s|^state_file.*|state_file = \"$LAB_DIR/other.orders\"|"
OTHER_BPFFS="s|^bpffs.*|bpffs = \"$LAB_DIR/bpf2\"|"

# file NAME SED-EXPRESSION...: writes NAME.conf from the file of node a.
file() {
	sed "$2" "$CONF" >"$LAB_DIR/$1.conf" && chmod 600 "$LAB_DIR/$1.conf"
}
# In a mount namespace in which there is a second bpffs.
beside() {
	lab_run a timeout -k 1 20 unshare --mount --propagation private sh -c \
		'mount -t bpf bpf "$1" && shift && exec "$@"' - "$LAB_DIR/bpf2" "$@"
}
names_it() { grep -qF "process $1, configuration $CONF" "$LAB_DIR/refused"; }
# refused WORDS FILE: neither a daemon nor `cleanup` does anything with this file.
refused() {
	local verb put_back
	put_back=$(status a .put_back)
	must lab_alive a daemon
	for verb in run cleanup; do
		beside "$HOKM" $verb -c "$LAB_DIR/$2.conf" 2>"$LAB_DIR/refused"
		number_is "$1, $verb: exit code" $? -eq 69
		holds "$1, $verb: it names process and file" names_it "$LAB_PID"
	done
	holds "$1: the first one owns" owns a
	holds "$1: it had nothing to put back" status_is a .put_back "$put_back"
}

test_pair
must mkdir "$LAB_DIR/bpf2"
must file socket "$OTHER_SOCKET"
must file bpffs "$OTHER_SOCKET; $OTHER_BPFFS"
must file name "$OTHER_SOCKET; $OTHER_BPFFS; s/^node primary/node renamed/"
must file vip "$OTHER_SOCKET; $OTHER_BPFFS; s/^node primary/node renamed/
	\$a vip = 192.168.1.24
	\$a vrrp { vrid = 77 }"
must ip -n "$(lab_ns a)" link add eth1 type veth peer name eth1p
must ip -n "$(lab_ns a)" addr add 192.168.77.1/24 dev eth1
must ip -n "$(lab_ns a)" link set eth1 up
must ip -n "$(lab_ns a)" link set eth1p up
must file interface "$OTHER_SOCKET; $OTHER_BPFFS
	s/$(lab_addr a)/192.168.77.1/; s/$(lab_addr b)/192.168.77.2/"
observe_mark began
refused "another socket" socket
refused "another bpffs" bpffs
refused "another name" name
refused "another VIP and VRID" vip
refused "another address and interface" interface
within 10 "the players are well" calm
observe_mark refused
unbroken "beside second daemons"

# What is no second daemon.
observe_mark upgrade
holds "an upgrade is done" ctl_ok a upgrade
within 10 "upgraded: the node owns" owns a
refused "another bpffs, after the upgrade" bpffs
must lab_kill a daemon KILL
must lab_daemon a
within 10 "killed and started again: the node owns" owns a
refused "another bpffs, after the restart" bpffs
within 10 "the players are well" calm
observe_mark restarted
number_is "connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0

# The name is free while no daemon runs, and anybody may take it.
must lab_stop a daemon
lab_spawn a squatter setpriv --reuid nobody --regid nogroup --clear-groups python3 -c '
import signal, socket
s = socket.socket(socket.AF_UNIX)
s.bind("\0hokm-xdp")
print("taken", flush=True)
signal.pause()'
must lab_wait 10 grep -q taken "$LAB_DIR/log/a.squatter"
must lab_daemon a
within 20 "a user has the name of the lock: the daemon runs" owns a
within 5 "the log names the user" \
	log_says a "a process of user $(id -u nobody) has the socket @hokm-xdp"
must file name "$OTHER_SOCKET; s/^node primary/node renamed/"
lab_run a timeout -k 1 20 "$HOKM" run -c "$LAB_DIR/name.conf" 2>"$LAB_DIR/refused"
number_is "without the lock, another name: exit code" $? -eq 69
holds "without the lock, another name: the pins say it" \
	grep -q "a daemon runs on this machine under another name" "$LAB_DIR/refused"
holds "the node owns" owns a
test_end
