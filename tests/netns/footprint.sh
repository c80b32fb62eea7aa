# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Everything that the daemon may change on a node, as text. The difference from before is what a
# daemon left behind. The lock file is left out: it stays on purpose, because two daemons could
# both hold the lock if it were removed. So is the folder of notifications, whose queue and history
# outlive the daemon.

# Prints the footprint. It uses neither `tc` nor `ip netns`, because both make folders in bpffs.
footprint() {
	local node=$1 ns dir=$LAB_DIR/$1 name
	ns=$(lab_ns "$node")
	find "$dir" \( -path "$dir/bpf" -o -name '*.notify' \) -prune \
		-o ! -name '*.lock' -print | sort
	find "$dir/bpf" -path "$dir/bpf/hokm-xdp*" | sort
	ip -n "$ns" -o addr show
	ip -n "$ns" -o -d link show eth0
	ip -n "$ns" route show table all | sort
	lab_run "$node" bpftool net show
	for name in eth0/arp_ignore eth0/arp_announce all/arp_ignore all/arp_announce; do
		echo "$name $(lab_run "$node" cat "/proc/sys/net/ipv4/conf/$name")"
	done
	ip netns pids "$ns" | sort
}

# footprint_take NODE [NAME]: records the present footprint.
footprint_take() { footprint "$1" >"$LAB_DIR/$1.footprint${2:-}"; }
same_footprint() { footprint "$1" | cmp -s - "$LAB_DIR/$1.footprint${2:-}"; }

# as_before WORDS NODE [NAME]: the footprint is the recorded one, within a short time: the kernel
# frees programs a little later.
as_before() {
	if lab_wait 10 same_footprint "$2" "${3:-}"; then
		ok "$1: nothing is left behind"
	else
		not_ok "$1: something is left behind"
		footprint "$2" | diff "$LAB_DIR/$2.footprint${3:-}" -
	fi
}
