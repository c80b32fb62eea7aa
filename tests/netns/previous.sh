# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The program of an earlier version, built from the history of the repository. The file `previous`
# beside this one says which.
#
#   PREVIOUS        the tag or commit
#   PREVIOUS_PINS   same or other: whether both versions take over each other's pins
#   PREVIOUS_HOKM   its program; build/previous/COMMIT keeps it

read -r PREVIOUS PREVIOUS_PINS < <(grep -v '^#' "$TESTS_DIR/previous")

previous_git() { git -c safe.directory='*' -C "$LAB_ROOT" "$@"; }

# previous_find: which commit that is. Fails where the history is not there: a tree that was
# unpacked from an archive, or a clone of the newest commits only.
previous_find() {
	local commit
	commit=$(previous_git rev-parse --verify --quiet "$PREVIOUS^{commit}" 2>/dev/null) ||
		return 1
	PREVIOUS_DIR=$LAB_ROOT/build/previous/$commit
	PREVIOUS_HOKM=$PREVIOUS_DIR/hokm-xdp
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

# Only what the program needs, without debug information. Its version gets a suffix, as long as no
# release has another number than this tree.
previous_make() {
	local top=$LAB_ROOT/build/previous tree
	[ ! -x "$PREVIOUS_HOKM" ] || return 0
	rm -rf "$top"/tree.*
	tree=$(mktemp -d "$top/tree.XXXXXX") &&
		previous_git archive "$PREVIOUS" Makefile bpf include user vmlinux |
		tar -x -C "$tree" &&
		sed -i "/define HOKM_VERSION/s/\"\$/~${PREVIOUS_DIR: -40:7}\"/" \
			"$tree/user/base/version.h" || return 1
	if ! env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL nice make -C "$tree" -j"$(nproc)" \
		WERROR= OPT=-O1 DEBUG_INFO= build/hokm-xdp >"$top/log" 2>&1; then
		tail -n 30 "$top/log"
		return 1
	fi
	rm -rf "$PREVIOUS_DIR" && mkdir -p "$PREVIOUS_DIR" &&
		cp "$tree/build/hokm-xdp" "$PREVIOUS_DIR/" && rm -rf "$tree"
}
