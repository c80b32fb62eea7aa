#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 60 s
#
# Two nodes and a witness whose kernel answers, at profile fast, with fifty players. Nothing moves
# in any of these cases, and where the witness decides, it decides without its process.
#
#   frozen   its process is stopped for ten seconds; the nodes are cut from each other meanwhile
#   killed   its process is killed; the next one knows the promises: it is not silent, and decides
#   restart  the process ends by SIGUSR1, as in a restart of the unit, and the next one goes on
#   reload   a file with one node more is taken, a wrong one and another address are refused
#   removed  program and pins are taken away under the process: it puts them back
#   stopped  SIGTERM takes program and pins away
#   lost     the map goes with a killed process: the next one is silent first
#   foreign  the interface has a program of others: it is named, and the process answers
#   user     mode = user takes away what a killed process left, and mode = xdp refuses to start
#
# At no time the witness changes an address, a route or a sysctl of its machine.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

# The whole log of all processes of the witness, and that since the last mark.
witness_log() { tail -n "+$LOG_FROM" "$LAB_DIR/log/w.witness"; }
witness_says() { witness_log | grep -qF -- "$1"; }
mark_log() { LOG_FROM=$(($(wc -l <"$LAB_DIR/log/w.witness") + 1)); }
LOG_FROM=1

program_of_w() {
	lab_run w ip -d link show dev eth0 | sed -n 's/.*prog\/xdp id [0-9]* name \([^ ]*\).*/\1/p'
}
has_program() { [ "$(program_of_w)" = hokm_witness ]; }
has_no_program() { [ -z "$(program_of_w)" ]; }
has_pins() { [ -e "$(lab_witness_pins w)/grants" ] && [ -e "$(lab_witness_pins w)/link_ingress" ]; }
has_no_pins() { [ ! -e "$(lab_witness_pins w)" ] && [ ! -e "$LAB_DIR/w/bpf/hokm-xdp-witness" ]; }
answers_in() { status_is a '.grants.others[] | select(.witness) | .answers_in' "$1"; }
verdict_is() { status_is a '.grants.others[] | select(.witness) | .verdict' "$1"; }
# all_along SECONDS CMD...: it holds whenever it is asked.
all_along() {
	local end=$(($(lab_now_ms) + $1 * 1000))
	shift
	while [ "$(lab_now_ms)" -lt "$end" ]; do
		"$@" || return 1
		lab_nap 0.1
	done
}
# What it granted before its end runs on for a moment: its last answer counts.
grants_now() {
	status_is a '.grants.others[] | select(.witness)
		| .verdict == "granted" and .granted_ms > 0' true
}
decides() { owns a && grants_now; }

# apart WORDS: while the nodes are cut from each other the owner needs the witness.
apart() {
	must cut "$(cut_between a b)"
	within 10 "$1: the backup hears no owner" in_touch b 2
	within 10 "$1: Master_Down is over" status_is b '.peers[0].seen_ms >= 600' true
	holds "$1: the owner stays" owns a
	must uncut
	within 10 "$1: together again" all_in_touch
}

begin() { observe_mark "$1" && mark_log; }
unmoved() { # WORDS
	observe_mark moved
	unbroken "$1"
	holds "$1: the owner stays" owns a
}
start_again() {
	mark_log
	must lab_witness w
}

frozen() {
	begin frozen
	must lab_kill w witness STOP
	apart frozen
	holds "frozen: it grants for ten seconds" all_along 10 decides
	must lab_kill w witness CONT
	unmoved frozen
}

killed() {
	begin killed
	must lab_kill w witness KILL
	must lab_wait 10 lab_gone w witness
	holds "killed: it grants without a process" all_along 2 decides
	apart killed
	start_again
	within 10 "killed: the next process knows the promises" \
		witness_says "the promises of an earlier run are known"
	apart "killed and started"
	unmoved killed
}

restart() {
	begin restart
	must lab_kill w witness USR1
	must lab_wait 10 lab_gone w witness
	holds "restart: the program stays" has_program
	start_again
	within 10 "restart: the next process knows the promises" \
		witness_says "the promises of an earlier run are known"
	holds "restart: it grants" all_along 1 decides
	unmoved restart
}

# with_file SED-EXPRESSION: the witness reads its file again, changed by this.
with_file() {
	mark_log
	must lab_witness_file w a
	must sed -i "$1" "$LAB_DIR/w/hokm-xdp.conf"
	must lab_kill w witness HUP
}

reload() {
	begin reload
	with_file '1i node third { address = "192.168.1.28" }'
	within 10 "reload: one node more is taken" witness_says "was read again: 3 nodes"
	apart reload
	with_file 's/^secret/secrets/'
	within 10 "reload: a wrong file is refused" witness_says "is wrong, nothing changes"
	with_file 's/192.168.1.29/192.168.1.61/'
	within 10 "reload: another address is refused" witness_says "reload refused: witness"
	with_file 's/^profile.*/&\nvrrp { vrid = 77 }/'
	within 10 "reload: another VRID is refused" witness_says "reload refused: vrrp.vrid"
	holds "reload: it grants" all_along 1 decides
	with_file ''
	within 10 "reload: the file as before is taken" witness_says "was read again: 2 nodes"
	unmoved reload
}

removed() {
	local link
	begin removed
	link=$(lab_run w bpftool -j link show pinned "$(lab_witness_pins w)/link_ingress" | jq .id)
	must lab_run w bpftool link detach id "$link"
	within 10 "removed: the program is back" has_program
	within 10 "removed: the log has it" \
		witness_says "put back what was removed: the XDP program"
	must rm -r "$(lab_witness_pins w)"
	within 10 "removed: the pins are back" has_pins
	within 10 "removed: the owner has its grant" decides
	unmoved removed
}

stopped() {
	begin stopped
	must lab_stop w witness
	holds "stopped: no program is left" has_no_program
	holds "stopped: no pin is left" has_no_pins
	within 10 "stopped: the owner knows" in_touch a 2
	start_again
	within 10 "stopped: the next one is silent first" witness_says "silent for"
	within 20 "stopped: it grants again" grants_now
	unmoved stopped
}

lost() {
	begin lost
	must lab_kill w witness KILL
	must lab_wait 10 lab_gone w witness
	must rm -r "$LAB_DIR/w/bpf/hokm-xdp-witness"
	within 10 "lost: the program went with its pins" has_no_program
	start_again
	within 10 "lost: it is silent" verdict_is silent
	within 10 "lost: its log has it" witness_says "silent for"
	within 20 "lost: it grants again" grants_now
	unmoved lost
}

foreign() {
	begin foreign
	must lab_stop w witness
	must lab_foreign on
	start_again
	within 10 "foreign: the program is named" witness_says "that is not this witness's: id"
	within 10 "foreign: the process answers" witness_says "answers in user space"
	within 10 "foreign: the nodes know" answers_in user
	within 10 "foreign: it is silent first" verdict_is silent
	within 20 "foreign: it grants" grants_now
	holds "foreign: there is no pin" has_no_pins
	mark_log
	must lab_kill w witness HUP
	within 10 "foreign: it cannot reload" witness_says "reload refused"
	apart foreign
	must lab_stop w witness
	must lab_foreign off
	unmoved foreign
}
lab_foreign() {
	case $1 in
	on)
		unshare --mount --propagation private nsenter --net="/run/netns/$(lab_ns w)" -- \
			ip link set dev eth0 xdp object "$LAB_PASS" sec xdp
		;;
	off) lab_run w ip link set dev eth0 xdp off ;;
	esac
}

# start_in MODE: with the key witness.mode, and with few open files, of which it may have more.
start_in() {
	mark_log
	must lab_witness_file w a
	must sed -i "s/\\(192.168.1.29\"\\)/\\1 mode = $1/" "$LAB_DIR/w/hokm-xdp.conf"
	lab_spawn w witness prlimit --nofile=16:4096 "$HOKM" witness -c "$LAB_DIR/w/hokm-xdp.conf"
}

user() {
	begin user
	start_in xdp
	must lab_wait 10 verdict_is silent
	within 20 "user: xdp grants" grants_now
	holds "user: the nodes know" answers_in xdp
	must lab_kill w witness KILL
	must lab_wait 10 lab_gone w witness
	start_in user
	within 10 "user: the process answers" witness_says "answers in user space"
	holds "user: no program is left" has_no_program
	within 10 "user: it is silent first" verdict_is silent
	within 20 "user: it grants" grants_now
	must lab_stop w witness
	must lab_foreign on
	start_in xdp
	within 10 "user: xdp does not start beside another program" lab_gone w witness
	must lab_foreign off
	start_in auto
	must lab_wait 10 verdict_is silent
	must lab_wait 20 grants_now
	must lab_kill w witness KILL
	must lab_wait 10 lab_gone w witness
	holds "user: --remove takes away what a killed one left" \
		lab_run w "$HOKM" witness --remove -c "$LAB_DIR/w/hokm-xdp.conf"
	holds "user: no program" has_no_program
	holds "user: no pin" has_no_pins
	unmoved user
}

# What a node sets and a witness does not.
settings() {
	lab_run w sh -c 'grep -rs . /proc/sys/net/ipv4/conf; ip -o addr; ip route show table all'
}
note_settings() { SETTINGS=$(settings) && [ -n "$SETTINGS" ]; }
as_before() { [ "$(settings)" = "$SETTINGS" ]; }

witness_group "" note_settings
must lab_wait 20 calm
must lab_wait 20 owner_is a
holds "no address, route or sysctl is another one" as_before
holds "its kernel answers" has_program
holds "the log has it" witness_says "answers in XDP"
holds "the nodes know" answers_in xdp
holds "status says it" eval 'lab_ctl a status | grep -q "witness (witness, answers in XDP) grants"'
frozen
killed
restart
reload
removed
stopped
lost
foreign
user
holds "no address, route or sysctl is another one at the end" as_before
test_end
