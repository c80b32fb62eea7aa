#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The system that all machines have: Debian 12 with the packages that hokm-xdp needs, made by
# debootstrap once, in build/system/base, and never written to afterwards. machine.sh sources this
# file. Run by itself (`make system-base`) it makes the system, so that no test waits for it.

MACHINE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MACHINE_CACHE=${LAB_BUILD:-$MACHINE_ROOT/build}/system
MACHINE_BASE=$MACHINE_CACHE/base
MACHINE_PACKAGES=systemd,systemd-sysv,dbus,iproute2,procps,libbpf1,libelf1,libnl-3-200
MACHINE_PACKAGES+=,libnl-route-3-200,libcurl4,libconfuse2,libjansson4,libcap2,libseccomp2,libssl3
MACHINE_PACKAGES+=,libwebsockets17,libc-ares2,nftables

# The debootstrap is complete when the file of its packages is there.
machine_base() {
	local done=$MACHINE_CACHE/packages
	[ "$(cat "$done" 2>/dev/null)" != "$MACHINE_PACKAGES" ] || return 0
	mkdir -p "$MACHINE_CACHE/cache"
	rm -rf --one-file-system "$MACHINE_BASE" "$done"
	debootstrap --variant=minbase --cache-dir="$MACHINE_CACHE/cache" \
		--include="$MACHINE_PACKAGES" bookworm "$MACHINE_BASE" \
		>"$MACHINE_CACHE/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$MACHINE_CACHE/debootstrap.log"; return 1; }
	echo "$MACHINE_PACKAGES" >"$done"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH
	machine_base
fi
