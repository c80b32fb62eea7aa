# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# hokm-ownerwatch on nodes of the lab: who owns, as their kernels report it. Its lines about each
# overlap and gap are in LAB_DIR/log/sw.owners. Who sources this file has tools/demo/observe.sh too.

# owners_start NODE...: before or after their daemons. Its priority is above that of the daemons, so
# that it does not look away while they work; it takes a few microseconds at a time.
owners_start() {
	local node nodes=()
	mkfifo "$LAB_DIR/owners.in" "$LAB_DIR/owners.out" || return 1
	exec {OWNERS_IN}<>"$LAB_DIR/owners.in" {OWNERS_OUT}<>"$LAB_DIR/owners.out"
	for node in "$@"; do nodes+=("$node=$(lab_pins "$node")"); done
	LAB_STDIN=$LAB_DIR/owners.in LAB_STDOUT=$LAB_DIR/owners.out lab_spawn sw owners \
		chrt --fifo 60 "$LAB_BUILD/hokm-ownerwatch" "${nodes[@]}"
}

owners_stop() {
	lab_kill sw owners KILL
	lab_wait 10 lab_gone sw owners
	exec {OWNERS_IN}>&- {OWNERS_OUT}>&-
	rm -f "$LAB_DIR"/owners.{in,out}
}

# ask_owners COMMAND: the answer is in REPLY_OWNERS.
ask_owners() {
	echo "$1" >&"$OWNERS_IN"
	observe_read "$OWNERS_OUT" || { echo "lab: hokm-ownerwatch does not answer" >&2; exit 1; }
	REPLY_OWNERS=${REPLY%\}*}\}
}

# owners_are NAMES: at this moment; a+b for two of them, nothing for nobody.
owners_are() {
	ask_owners status
	field_is "$REPLY_OWNERS" owners "$1"
}
