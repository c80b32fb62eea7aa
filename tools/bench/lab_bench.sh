# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the benchmarks in the lab share that run one lab: the option --json FILE, the end of the lab
# on every way out, and the end with a message.

JSON=/dev/null
[ "${1:-}" != --json ] || JSON=${2:?a file}

trap 'lab_down' EXIT
trap 'exit 130' INT TERM

give_up() {
	echo "bench: $*" >&2
	tail -n 8 "$LAB_DIR"/log/*.daemon >&2
	exit 1
}
