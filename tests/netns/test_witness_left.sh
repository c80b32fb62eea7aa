#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# What a witness leaves in the kernel when its file changes. Its process is killed, or restarted,
# and the next one has another name, or another bpffs. Then the former program must not answer for
# it any more: it is taken away, and the next process is silent first, and answers by its kernel.
# And what it does when program, pins or address go.
#
#   killed     the file is changed while no process runs
#   restarted  the file is changed before the signal of a restart
#   gone       program and folder of pins are taken away together: the process puts both back
#   unmounted  the bpffs is unmounted: the process reports it, and pins all again when it is back
#   moved      its address moves to another interface: the next process moves the program there
#   removed    `witness --remove` takes away what was left under another name
#   namesake   the witness of another group has the same name: it does not take this program, also
#              while this one has no process
#   shared     the same in another network namespace, which shares the bpffs
#   setup      `setup --remove` takes all away, also with a file that is wrong, which stays
#
# A program of a witness with another address or port stays: that is another witness.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

SECRET=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
FILE=
OTHER=
SAID=
LOG_FROM=1
witness_says() { tail -n "+$LOG_FROM" "$LAB_DIR/log/w.witness" | grep -qF -- "$1"; }
# file NAME NODE [ADDRESS]: with the bpffs of that node of the lab.
file() {
	cat >"$FILE" <<-END
		secret = "$SECRET"
		profile = fast
		bpffs = "$LAB_DIR/$2/bpf"
		vip = "192.168.1.100"
		node a { address = "$(lab_addr a)" }
		node b { address = "$(lab_addr b)" }
		witness $1 { address = "${3:-$(lab_addr w)}" }
	END
	chmod 600 "$FILE"
}
start() {
	[ ! -e "$LAB_DIR/log/w.witness" ] || LOG_FROM=$(($(wc -l <"$LAB_DIR/log/w.witness") + 1))
	lab_spawn w witness "$HOKM" witness -c "$FILE"
}
ends_by() { lab_kill w witness "$1" && lab_wait 10 lab_gone w witness; }
program() { lab_run w ip -d link show dev eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\) .*/\1/p'; }
has_program() { [ -n "$(program)" ]; }
has_no_program() { [ -z "$(program)" ]; }
folders() { (cd "$LAB_DIR" && echo */bpf/hokm-xdp-witness/*); }
folder_is() { [ "$(folders)" = "$1" ]; }

# begins WORDS FOLDER
begins() {
	within 10 "$1: its kernel answers" witness_says "answers in XDP"
	within 10 "$1: it is silent first" witness_says "silent for"
	holds "$1: there are its pins alone" folder_is "$2"
}

killed() {
	must ends_by KILL
	file other w
	must start
	begins "killed, another name" w/bpf/hokm-xdp-witness/other
	must ends_by KILL
	file other b
	must start
	begins "killed, another bpffs" b/bpf/hokm-xdp-witness/other
}

restarted() {
	file third b
	must ends_by USR1
	holds "restarted, another name: no program is left" has_no_program
	must start
	begins "restarted, another name" b/bpf/hokm-xdp-witness/third
	file third w
	must ends_by USR1
	holds "restarted, another bpffs: no program is left" has_no_program
	must start
	begins "restarted, another bpffs" w/bpf/hokm-xdp-witness/third
	must ends_by USR1
	holds "restarted with the same file: the program stays" has_program
	must start
	within 10 "restarted with the same file: its kernel answers" witness_says "answers in XDP"
	echo 'wrong = yes' >>"$FILE"
	must ends_by USR1
	holds "restarted with a wrong file: the program stays" has_program
	file third w
	must start
	within 10 "a file that is right: its kernel answers" witness_says "answers in XDP"
}

# Its process stands still meanwhile: else it may see the one before the other.
gone() {
	local link pin=$LAB_DIR/w/bpf/hokm-xdp-witness/third/link_ingress
	link=$(lab_run w bpftool -j link show pinned "$pin" | jq .id)
	must lab_kill w witness STOP
	must lab_run w bpftool link detach id "$link"
	must rm -r "$LAB_DIR/w/bpf/hokm-xdp-witness"
	holds "gone: there is no program" has_no_program
	must lab_kill w witness CONT
	within 5 "gone: the program is back" has_program
	within 5 "gone: its pin is back" test -e "$pin"
}

# Another agent unmounts the bpffs.
unmounted() {
	local bpffs=$LAB_DIR/w/bpf
	must umount "$bpffs"
	within 10 "unmounted: the witness reports it, and what to do" \
		witness_says "mount -t bpf -o mode=0700 bpf $bpffs;"
	holds "unmounted: its kernel goes on" has_program
	must mount -t bpf bpf "$bpffs"
	within 10 "mounted again: its pins are back" \
		test -e "$bpffs/hokm-xdp-witness/third/link_ingress"
	holds "mounted again: it was reported once" test "$(grep -c 'pins of the witness are gone' \
		"$LAB_DIR/log/w.witness")" = 1
}

moved() {
	must lab_run w ip link add other type veth peer name other-peer
	must lab_run w ip link set other up
	must lab_run w ip addr del "$(lab_addr w)/24" dev eth0
	must lab_run w ip addr add "$(lab_addr w)/24" dev other
	within 5 "moved: the process ends" lab_gone w witness
	holds "moved: it says why" witness_says "is on other, its XDP program on eth0"
	must start
	within 10 "moved: its kernel answers there" witness_says "on other, answers in XDP"
	within 5 "moved: the program of eth0 is gone" has_no_program
	must lab_run w ip addr del "$(lab_addr w)/24" dev other
	must lab_run w ip addr add "$(lab_addr w)/24" dev eth0
	within 5 "moved back: the process ends" lab_gone w witness
	must lab_run w ip link del other
}

removed() {
	local id
	must start
	within 10 "removed: it answers" witness_says "answers in XDP"
	must ends_by KILL
	file fourth w
	holds "removed: it is done" lab_run w "$HOKM" witness --remove -c "$FILE"
	holds "removed: no program is left" has_no_program
	holds "removed: no pin" folder_is "*/bpf/hokm-xdp-witness/*"
	must start
	within 10 "another address: it answers" witness_says "answers in XDP"
	must ends_by KILL
	id=$(program)
	file fifth w
	echo 'pulse { port = 8799 }' >>"$FILE"
	holds "another port: --remove is done" lab_run w "$HOKM" witness --remove -c "$FILE"
	holds "another port: that program stays" test "$(program)" = "$id"
	must lab_run w ip addr add 192.168.1.77/24 dev eth0
	file fifth w 192.168.1.77
	holds "another address: --remove is done" lab_run w "$HOKM" witness --remove -c "$FILE"
	holds "another address: that program stays" test "$(program)" = "$id"
}

# other_file MODE NODE: that of another group, whose witness has the same name, on this node.
other_file() {
	OTHER=$LAB_DIR/other.conf
	sed "s/^witness sixth .*/witness sixth {\naddress = \"$(lab_addr "$2")\"\nmode = $1\n}/
		s/^\(node b .*\)\"$(lab_addr b)\"/\1\"192.168.1.88\"/" "$FILE" >"$OTHER"
	echo 'pulse { port = 8799 }' >>"$OTHER"
	chmod 600 "$OTHER"
}
# other NODE [OPTION]: what it said is in $SAID.
other() { SAID=$(lab_run "$1" timeout 20 "$HOKM" witness -c "$OTHER" "${@:2}" 2>&1); }
other_is_refused() { ! other "$1" && [[ $SAID == *"are of another witness: give this one"* ]]; }
keeps_program() { [ "$(program)" = "$1" ] && folder_is w/bpf/hokm-xdp-witness/sixth; }

namesake() {
	local id mode
	must lab_run w "$HOKM" witness --remove-all
	file sixth w
	must start
	within 10 "namesake: the first one answers" witness_says "answers in XDP"
	id=$(program)
	for mode in auto xdp; do
		other_file "$mode" w
		holds "namesake: the second one is refused, mode $mode" other_is_refused w
		holds "namesake: the first one keeps its program, mode $mode" keeps_program "$id"
	done
	holds "namesake: --remove of the second one is done" other w --remove
	holds "namesake: the first one keeps its program after --remove" keeps_program "$id"
	other_file user w
	must lab_spawn w other "$HOKM" witness -c "$OTHER"
	within 10 "namesake: the second one answers in user space" \
		grep -q "answers in user space" "$LAB_DIR/log/w.other"
	holds "namesake: the first one keeps its program beside it" keeps_program "$id"
	must lab_kill w other TERM
	must lab_wait 10 lab_gone w other
	other_schema
	must ends_by KILL
	other_file auto w
	holds "namesake: refused while the first one has no process" other_is_refused w
	holds "namesake: the first one keeps its program without a process" keeps_program "$id"
}

# Pins of another map schema, whose process runs.
other_schema() {
	local pin=$LAB_DIR/w/bpf/hokm-xdp-witness/sixth/meta own
	own=$(lab_run w bpftool -j map lookup pinned "$pin" key 0 0 0 0 |
		jq -r '.value | join(" ")')
	# shellcheck disable=SC2086 # bytes
	must lab_run w bpftool map update pinned "$pin" key 0 0 0 0 value 0x63 ${own#* }
	must lab_run w "$HOKM" witness --remove-all
	holds "another schema: the program of a process that runs stays" has_program
	# shellcheck disable=SC2086 # bytes
	must lab_run w bpftool map update pinned "$pin" key 0 0 0 0 value $own
}

shared() {
	local id
	id=$(program)
	other_file auto b
	holds "shared: the other namespace is refused" other_is_refused b
	holds "shared: --remove there is done" other b --remove
	holds "shared: the program stays" keeps_program "$id"
	must lab_run w "$HOKM" witness --remove-all
}

# take_back: `setup --remove`, without a bpffs at its usual place.
take_back() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	ANSWER=$(lab_run w unshare -m sh -c \
		'mount -t bpf bpf /sys/fs/bpf && exec setsid -w "$@"' - \
		"$HOKM" setup --remove --yes --config "$FILE" 2>&1)
}
refuses() { ! take_back; }
answer_has() { [[ $ANSWER == *"$1"* ]]; }

setup() {
	must lab_run w "$HOKM" witness --remove-all
	holds "setup: a program with another address goes without a file" has_no_program
	file sixth w
	must start
	within 10 "setup: its kernel answers" witness_says "answers in XDP"
	holds "setup: beside a process it is refused" refuses
	holds "setup: it says what to do" answer_has "runs: stop it first"
	holds "setup: the program stays" has_program
	must ends_by KILL
	holds "setup: it is done" take_back
	holds "setup: no program is left" has_no_program
	holds "setup: no pin" folder_is "*/bpf/hokm-xdp-witness/*"
	must start
	within 10 "setup: its kernel answers once more" witness_says "answers in XDP"
	must ends_by KILL
	echo 'wrong = yes' >>"$FILE"
	holds "setup: a wrong file is an error" refuses
	holds "setup: it says which key" answer_has "wrong: there is no such key"
	holds "setup: the file stays" test -e "$FILE"
	holds "setup: no program is left of a wrong file" has_no_program
}

must lab_up b w
FILE=$LAB_DIR/w/hokm-xdp.conf
file first w
must start
begins "at first" w/bpf/hokm-xdp-witness/first
killed
restarted
gone
unmounted
moved
removed
namesake
shared
setup
test_end
