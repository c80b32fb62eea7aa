#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program of an earlier version, built from the history of the repository. The file `previous`
# beside this one says which.
#
#   PREVIOUS        the tag or commit
#   PREVIOUS_PINS   same or other: whether both versions take over each other's pins
#   PREVIOUS_HOKM   its program; build/previous/COMMIT keeps it
#
# Where the history is not there (a tree that was unpacked from an archive, a clone of the newest
# commits only) this tree stands in: the same program with the number of another version. The test
# reports that. It shows the steps of an upgrade then, and nothing about other bytes.
#
# Run as a program it builds that version. `make previous` does so for tests/run, because a test has
# no time for it.

: "${TESTS_DIR:=$(dirname "${BASH_SOURCE[0]}")}" "${LAB_ROOT:=$(cd "$TESTS_DIR/../.." && pwd)}"

read -r PREVIOUS PREVIOUS_PINS < <(grep -v '^#' "$TESTS_DIR/previous")

previous_git() { git -c safe.directory='*' -C "$LAB_ROOT" "$@"; }

PREVIOUS_PARTS=(Makefile bpf include user vmlinux)

# previous_find: which commit that is.
previous_find() {
	if PREVIOUS_COMMIT=$(
		previous_git rev-parse --verify --quiet "$PREVIOUS^{commit}" 2>/dev/null
	); then
		PREVIOUS_DIR=$LAB_ROOT/build/previous/$PREVIOUS_COMMIT
	else
		echo "# $PREVIOUS is not in the history of this tree: this program stands in for it"
		PREVIOUS_COMMIT=
		PREVIOUS_DIR=$LAB_ROOT/build/previous/same
	fi
	PREVIOUS_HOKM=$PREVIOUS_DIR/hokm-xdp
}
# Its source, as an archive.
previous_source() {
	if [ -n "$PREVIOUS_COMMIT" ]; then
		previous_git archive "$PREVIOUS_COMMIT" "${PREVIOUS_PARTS[@]}"
	else
		tar -c -C "$LAB_ROOT" "${PREVIOUS_PARTS[@]}"
	fi
}

# previous_build: prints what the compilers say when it fails. A second caller waits for the first.
previous_build() {
	local lock status
	mkdir -p "$LAB_ROOT/build/previous" &&
		exec {lock}>"$LAB_ROOT/build/previous/lock" && flock "$lock" || return 1
	previous_make
	status=$?
	exec {lock}>&-
	return $status
}

# A commit does not change, the source of this tree does.
previous_is_built() {
	[ -x "$PREVIOUS_HOKM" ] && { [ -n "$PREVIOUS_COMMIT" ] || [ -z "$(cd "$LAB_ROOT" &&
		find "${PREVIOUS_PARTS[@]}" -newer "$PREVIOUS_HOKM" -print -quit)" ]; }
}

# Only what the program needs, without debug information. Its version gets a suffix, as long as no
# release has another number than this tree.
previous_make() {
	local top=$LAB_ROOT/build/previous tree
	! previous_is_built || return 0
	rm -rf "$top"/tree.*
	tree=$(mktemp -d "$top/tree.XXXXXX") &&
		previous_source | tar -x -C "$tree" &&
		sed -i "/define HOKM_VERSION/s/\"\$/~${PREVIOUS_COMMIT:0:7}\"/" \
			"$tree/user/base/version.h" || return 1
	if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$tree" -j"$(nproc)" \
		WERROR= OPT=-O1 DEBUG_INFO= build/hokm-xdp >"$top/log" 2>&1; then
		tail -n 30 "$top/log"
		return 1
	fi
	rm -rf "$PREVIOUS_DIR" && mkdir -p "$PREVIOUS_DIR" &&
		cp "$tree/build/hokm-xdp" "$PREVIOUS_DIR/" && rm -rf "$tree"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	previous_find
	previous_build
fi
