# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# `ctl upgrade` of node a, whose daemon runs from a file of its own: what is installed there, and
# what runs.

PROGRAM=$LAB_DIR/a/hokm-xdp
LAB_PROGRAM["a"]=$PROGRAM

# A new file takes the name, as `make install` does it.
install_it() { cp "$1" "$PROGRAM.new" && mv "$PROGRAM.new" "$PROGRAM"; }
# other_build FROM TO: the same binary with another BPF object: a byte of the padding in the head of
# the ELF file inside differs, and with it the build id.
other_build() {
	python3 - "$1" "$2" <<-'EOF' && chmod 755 "$2"
		import sys
		image = bytearray(open(sys.argv[1], "rb").read())
		at = image.index(b"\x7fELF", 4)
		while image[at + 18:at + 20] != b"\xf7\0":
		    at = image.index(b"\x7fELF", at + 4)
		image[at + 15] ^= 1
		open(sys.argv[2], "wb").write(image)
	EOF
}
upgrade_says() { lab_ctl a upgrade 2>&1 | grep -F -- "$1" >/dev/null; }
# So many upgrades so far.
upgraded() { [ "$(grep -c 'it was' "$LAB_DIR/log/a.daemon")" = "$1" ]; }
programs() { bpftool -j prog show pinned "$(lab_pins a)/prog_ingress" | jq .id; }
# What must not change, as both nodes see it.
facts() { status a '"\(.owner) \(.epoch)"' && status b '"\(.state) \(.epoch)"'; }
