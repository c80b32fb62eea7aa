#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The BPF tests on Debian 12's own kernel, the oldest that is promised, under qemu's software
# emulation: no KVM, no disk, no network. The newest linux-image-6.1.0-N-cloud package is downloaded
# by apt (which verifies it), unpacked and not installed, and kept in build/kernel; its initramfs is
# busybox, the test programs and their shared libraries. Serial console out, exit codes by markers.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
cache=$top/build/kernel
boot_timeout_s=1700 # on idle processors only, the virtual machine may wait for long

skip()
{
	echo "skip: $*"
	exit 77
}

newest_package()
{
	apt-cache search -n '^linux-image-6\.1\.0-[0-9]+-cloud-amd64$' | awk '{ print $1 }' |
		sort -V | tail -n 1
}

# download PACKAGE: into the current folder. Lists older than the archive name packages it has no
# more.
download()
{
	apt-get download -q "$1" || { apt-get update -q && apt-get download -q "$1"; }
}

# Prints the path of the kernel image, after a download if it is not there.
fetch_kernel()
{
	local package work
	command -v apt-get >/dev/null || return 1
	package=$(newest_package)
	if [ -z "$package" ]; then
		apt-get update -q >&2 || return 1
		package=$(newest_package)
	fi
	[ -n "$package" ] || return 1
	if [ ! -e "$cache/$package/vmlinuz" ]; then
		work=$(mktemp -d "$cache/download.XXXXXX")
		if ! (cd "$work" && download "$package" >&2 && dpkg-deb -x ./*.deb tree &&
			mkdir -p "$cache/$package" &&
			cp tree/boot/vmlinuz-* "$cache/$package/vmlinuz"); then
			rm -rf "$work"
			return 1
		fi
		rm -rf "$work"
	fi
	echo "$cache/$package/vmlinuz"
}

# copy_programs ROOT: with the shared libraries they need, each once, at the paths where they look
# for them. Debug information is left out: nothing there reads it.
copy_programs()
{
	local lib
	cp "${tests[@]}" "$1/tests/"
	strip --strip-debug "$1"/tests/*
	ldd "${tests[@]}" | sed -n 's|^.*[[:space:]]\(/[^ ]*\) (0x.*|\1|p' | sort -u |
		while read -r lib; do
			mkdir -p "$1${lib%/*}"
			cp -L "$lib" "$1$lib"
		done
}

write_init()
{
	cat >"$1/init" <<-'INIT'
		#!/bin/busybox sh
		busybox mount -t proc proc /proc
		busybox mount -t sysfs sysfs /sys
		busybox mount -t devtmpfs devtmpfs /dev
		busybox mount -t bpf bpf /sys/fs/bpf
		busybox mount -t tmpfs tmpfs /tmp
		busybox mount -t tmpfs tmpfs /run
		echo "HOKM-KERNEL $(busybox uname -r)"
		ulimit -l unlimited
		export HOKM_FLOOD=100000
		# The verifier runs once for all tests that change nothing of the programs.
		export HOKM_FIX_PINS=/sys/fs/bpf
		for t in /tests/test_*; do
			"$t" 2>&1
			echo "HOKM-EXIT $(busybox basename "$t") $?"
		done
		echo HOKM-DONE
		busybox poweroff -f
	INIT
	chmod 0755 "$1/init"
}

build_initramfs()
{
	local root=$1
	mkdir -p "$root"/{bin,proc,sys,dev,tmp,run,tests,etc}
	cp "$(command -v busybox)" "$root/bin/busybox"
	copy_programs "$root"
	write_init "$root"
	(cd "$root" && find . | cpio -o -H newc --quiet) >"$2"
}

# judge LOG: every test ran to its end, and well.
judge()
{
	local t failed=0
	for t in "${tests[@]}"; do
		if ! grep -q "^HOKM-EXIT ${t##*/} 0$" "$1"; then
			echo "failed under the 6.1 kernel: ${t##*/}"
			failed=1
		fi
	done
	if ! grep -q '^HOKM-DONE$' "$1"; then
		echo "the virtual machine did not come to its end within $boot_timeout_s s"
		failed=1
	fi
	return "$failed"
}

tests=()
for t in "$top"/build/tests/bpf/test_*; do
	# On lo they need clsact, which is a module there, and modules are not in the initramfs.
	if [ -x "$t" ] && [ -f "$t" ] && [[ $t != *_lo ]]; then
		tests+=("$t")
	fi
done
if [ ${#tests[@]} -eq 0 ]; then
	echo "no BPF test is built: make bpf-tests"
	exit 1
fi
[ "$(uname -m)" = x86_64 ] || skip "the virtual machine is x86-64, this machine is $(uname -m)"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed"
command -v busybox >/dev/null || skip "busybox is not installed"
command -v cpio >/dev/null || skip "cpio is not installed"

mkdir -p "$cache"
kernel=$(fetch_kernel) || skip "no Debian 6.1 kernel package here and none could be downloaded"
work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
build_initramfs "$work/root" "$work/initramfs"

# What protects a kernel from its users costs a quarter of the time here: the tests run as root.
# What qemu ends with says nothing about the tests: the markers in its output do.
# Without the last one, a machine that gets a processor now and then sees no tick while it tests its
# timer, and ends its boot with a panic.
options="console=ttyS0 quiet loglevel=1 panic=-1 rdinit=/init mitigations=off init_on_alloc=0"
options+=" no_timer_check"
timeout --foreground -k 5 "$boot_timeout_s" qemu-system-x86_64 -accel tcg,thread=multi -cpu max \
	-smp 2 -m 1024 -nographic -no-reboot -nodefaults -serial stdio -monitor none \
	-kernel "$kernel" -initrd "$work/initramfs" \
	-append "$options" </dev/null |
	tr -d '\r' | tee "$work/log" || true
judge "$work/log"
