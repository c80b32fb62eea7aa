# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Programs that do for a whole test what would else need a new program each time. A helper reads a
# line, answers with text, and reads the next line. It starts with the first line, in the namespace
# "sw", and ends with the lab. Its pipes are in LAB_DIR:
#
#   NAME.in     lines to it
#   NAME.out    its answers: eight digits, which are the bytes of the text, and the text
#   NAME.turn   one byte: a shell that has read it may write a line, and puts it back afterwards

# helper_tell NAME LINE: puts the answer of NAME.py into ANSWER.
helper_tell() {
	local pipe=$LAB_DIR/$1 in out turn byte status=0
	ANSWER=
	[ -p "$pipe.in" ] || helper_start "$1" || return 1
	exec {in}<>"$pipe.in" {out}<>"$pipe.out" {turn}<>"$pipe.turn"
	if read -r -N 1 -t 30 -u "$turn" byte && printf '%s\n' "$2" >&"$in" &&
		helper_read "$out"; then
		printf %s "$byte" >&"$turn"
	else
		# A late answer must not be taken for that to the next line, which gets new pipes.
		rm -f "$pipe".{in,out,turn}
		lab_kill sw "$1" KILL
		status=1
	fi
	exec {in}>&- {out}>&- {turn}>&-
	return $status
}

# helper_read FD: one answer. A shell reads byte by byte what has no known length or a time limit,
# and that takes 30 ms of a processor for a whole status: only the length is waited for.
helper_read() {
	local LC_ALL=C size # bytes, not characters
	IFS= read -r -N 8 -t 30 -u "$1" size || return 1
	[ "$size" = 00000000 ] || IFS= read -r -N "$((10#$size))" -u "$1" ANSWER
}

helper_start() {
	lab_exists sw && mkfifo "$LAB_DIR/$1".{turn,out,in} 2>/dev/null &&
		lab_spawn sw "$1" nice -n "${LAB_BELOW:-0}" "$TESTS_DIR/$1.py" serve \
			"$LAB_DIR/$1".{in,out,turn}
}

# ask NODE VERB FILTER: puts into ANSWER what `hokm-xdp ctl VERB --json | jq -r FILTER` would print;
# nothing when the daemon does not answer.
ask() { helper_tell ask "$LAB_DIR/$1/hokm.sock"$'\t'"$2"$'\t'"${3//[$'\n\t']/ }"; }
