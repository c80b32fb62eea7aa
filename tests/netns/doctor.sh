# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Faults, and what `hokm-xdp doctor` names first of them.

doctor() { lab_run "$1" "$HOKM" doctor -c "$LAB_DIR/$1/hokm-xdp.conf" "${@:2}"; }
# The result of `doctor --json` is kept for who reads why a condition did not hold.
examine() { ANSWER=$(doctor "$1" --json) || [ $? = 1 ]; }
first() { jq -r 'first(.findings[].id) // "nothing"' <<<"$ANSWER"; }
names_first() { examine "$1" && [ "$(first)" = "$2" ]; }
no_fault() {
	examine "$1" &&
		jq -e 'all(.findings[]; .severity == "note")' <<<"$ANSWER" >/dev/null
}
# fault WORDS NODE ID
fault() { within 30 "$1: $3 is named first" names_first "$2" "$3"; }
mended() { within 30 "$1, mended: nothing is left" no_fault "$2"; }
# evidence WORDS TEXT: of the finding that was named first.
evidence() { holds "$1" grep -qF -- "$2" <<<"$(jq -r '.findings[0].evidence' <<<"$ANSWER")"; }

filter() { # NODE RULE
	lab_run "$1" nft "table inet fault {
		chain input { type filter hook input priority filter; $2 }
	}"
}
filter_gone() { lab_run "$1" nft delete table inet fault; }
edit() { sed -i "$2" "$LAB_DIR/$1/hokm-xdp.conf"; }
daemon_stop() { # NODE
	must lab_kill "$1" daemon TERM
	must lab_wait 20 lab_gone "$1" daemon
}
daemon_again() { # NODE
	daemon_stop "$1"
	must lab_daemon "$1"
}
