#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Starts that must fail. Each exits with the code of its kind (sysexits.h), prints on stderr what
# is wrong and what to do, and leaves the node as it was: the same pins, addresses, routes, XDP
# programs, tc filters, sysctls and processes as before. At the end a good start succeeds.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/footprint.sh
. "$TESTS_DIR/footprint.sh"

EX_USAGE=64 EX_NOINPUT=66 EX_UNAVAILABLE=69 EX_OSERR=71 EX_NOPERM=77 EX_CONFIG=78
CONF=$LAB_DIR/a/hokm-xdp.conf
BAD=$TESTS_DIR/../conf/bad
OTHER=$LAB_DIR/other.conf # the configuration that a case changes

# in_words TEXT WORD...: TEXT contains each of them.
in_words() {
	local text=$1 word
	shift
	for word in "$@"; do
		[[ $text == *"$word"* ]] || { echo "# '$word' is not in: $text"; return 1; }
	done
}

# refused WORDS EXIT-CODE MESSAGE... -- CMD...: runs CMD on node a.
refused() {
	local words=$1 code=$2 messages=() text status
	shift 2
	while [ "$1" != -- ]; do
		messages+=("$1")
		shift
	done
	shift
	footprint_take a
	text=$(lab_run a timeout -k 1 15 "$@" 2>&1 >/dev/null)
	status=$?
	number_is "$words: exit code" $status -eq "$code"
	holds "$words: stderr says what and why" in_words "$text" "${messages[@]}"
	as_before "$words" a
}

# start_refused WORDS EXIT-CODE MESSAGE... [-- OPTION...]: runs `hokm-xdp run` with the file
# OTHER.
start_refused() {
	local args=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	refused "${args[@]}" -- "$HOKM" run -c "$OTHER" "$@"
}

# conf_with LINE...: writes the good configuration and these lines into OTHER.
conf_with() {
	cp "$CONF" "$OTHER" && printf '%s\n' "$@" >>"$OTHER"
}
# conf_where SED-EXPRESSION
conf_where() { sed "$1" "$CONF" >"$OTHER"; }

command_line() {
	refused "unknown option" $EX_USAGE "--nonsense" -- "$HOKM" run --nonsense
	refused "a word too many" $EX_USAGE "nonsense" "unexpected argument" -- "$HOKM" run nonsense
	refused "unknown command" $EX_USAGE "there is no command \`nonsense\`" -- "$HOKM" nonsense
	refused "a command of ctl" $EX_USAGE "hokm-xdp ctl status" -- "$HOKM" status
}

configuration() {
	local file
	for file in "$BAD"/*.conf; do
		refused "broken file ${file##*/}" $EX_CONFIG "${file##*/}:" -- \
			"$HOKM" run -c "$file"
	done
	refused "no file" $EX_NOINPUT "$OTHER.not: the configuration cannot be read" \
		"No such file" -- \
		"$HOKM" run -c "$OTHER.not"
	refused "unreadable file" $EX_NOPERM "$CONF: the configuration cannot be read" \
		"Permission denied" -- \
		setpriv --reuid nobody --regid nogroup --clear-groups "$HOKM" run -c "$CONF"
	conf_with 'agent_user = "hx-nobody-is-called-so"'
	start_refused "unknown agent user" $EX_UNAVAILABLE "hx-nobody-is-called-so"
	conf_with 'ctl_group = "hx-no-group-is-called-so"'
	start_refused "unknown ctl group" $EX_UNAVAILABLE "hx-no-group-is-called-so" "groupadd"
	conf_where "s|^socket.*|socket = \"$LAB_DIR/nowhere/deeper/hokm.sock\"|"
	start_refused "no folder for the socket" $EX_UNAVAILABLE "$LAB_DIR/nowhere/deeper" \
		"No such file"
}

interface() {
	cp "$CONF" "$OTHER"
	must ip -n "$(lab_ns a)" addr add "$LAB_VIP/24" dev eth0
	start_refused "VIP set by hand" $EX_UNAVAILABLE "VIP $LAB_VIP is an address of eth0" \
		"did not set" "ip address del $LAB_VIP/24 dev eth0" "--adopt-address"
	must ip -n "$(lab_ns a)" addr del "$LAB_VIP/24" dev eth0
	must ip -n "$(lab_ns a)" addr add "$LAB_VIP/32" dev lo
	start_refused "VIP set by hand on lo" $EX_UNAVAILABLE "VIP $LAB_VIP is an address of lo" \
		"did not set" "ip address del $LAB_VIP/32 dev lo"
	lab_spawn a daemon "$HOKM" run --adopt-address -c "$CONF"
	within 10 "--adopt-address: the node owns the VIP" owns a
	within 10 "--adopt-address: the log says what it took over" \
		log_says a "took over the address $LAB_VIP/32 of lo"
	holds "--adopt-address: nobody else's address is left" \
		test "$(lab_run a ip -o addr show to "$LAB_VIP" | awk '{ print $2 }')" = eth0
	must lab_stop a daemon
}

permission() {
	cp "$CONF" "$OTHER"
	chown nobody "$OTHER"
	refused "as nobody" $EX_NOPERM "missing capabilities: cap_" "run as root" -- \
		setpriv --reuid nobody --regid nogroup --clear-groups "$HOKM" run -c "$OTHER"
	chown root "$OTHER"
	refused "without CAP_BPF" $EX_NOPERM "missing capabilities: cap_bpf;" -- \
		setpriv --bounding-set -bpf "$HOKM" run -c "$CONF"
	refused "without CAP_NET_ADMIN and CAP_NET_RAW" $EX_NOPERM \
		"missing capabilities: cap_net_admin, cap_net_raw;" -- \
		setpriv --bounding-set -net_admin,-net_raw "$HOKM" run -c "$CONF"
}

# There it has all capabilities, and may use no BPF.
user_namespace() {
	refused "in a user namespace" $EX_NOPERM "the kernel refuses BPF" "user namespace" -- \
		unshare --user --map-root-user "$HOKM" run -c "$CONF"
}

# A start that has too few files, and one that may raise what it has.
limits() {
	refused "32 open files" 1 "may open no more than 32 files" "LimitNOFILE=" -- \
		prlimit --nofile=32 "$HOKM" run -c "$CONF"
	lab_spawn a daemon prlimit --nofile=32:1024 "$HOKM" run -c "$CONF"
	within 20 "32 open files, and more are allowed: the daemon runs" service_is a up
	must lab_stop a daemon
	conf_where 's|service game {|& check exec { command = "/bin/true" }|'
	lab_spawn a daemon prlimit --nproc=1 "$HOKM" run -c "$OTHER"
	within 20 "no more processes for the agent: the log says what to raise" \
		log_says a "no more processes may run: raise TasksMax= of the unit, or LimitNPROC="
	must lab_stop a daemon
}

# Runs in a separate mount namespace, in which the folder of the socket is of another file system.
socket_folder() {
	mkdir "$LAB_DIR/small"
	conf_where "s|^socket.*|socket = \"$LAB_DIR/small/hokm.sock\"|"
	refused "read-only folder of the socket" 1 "$LAB_DIR/small/hokm.sock.lock" \
		"it is read-only" "key socket" -- \
		unshare --mount --propagation private sh -c \
		'mount -t tmpfs -o ro none "$1" && shift && exec "$@"' - "$LAB_DIR/small" \
		"$HOKM" run -c "$OTHER"
	refused "full folder of the socket" 1 "$LAB_DIR/small/hokm.sock.lock" \
		"it is full" "df -i" -- \
		unshare --mount --propagation private sh -c \
		'mount -t tmpfs -o nr_inodes=1 none "$1" && shift && exec "$@"' - \
		"$LAB_DIR/small" "$HOKM" run -c "$OTHER"
	must rmdir "$LAB_DIR/small"
}

# Its leases would hold for a day longer than the packet path counts them.
another_clock() {
	refused "a time namespace" $EX_NOPERM "CLOCK_BOOTTIME" "86400" "time namespace" -- \
		unshare --time --fork --boottime 86400 "$HOKM" run -c "$CONF"
	# Its kernel would go by another clock than the process that tells it when to grant.
	conf_where "s/$(lab_addr a)/192.168.1.60/"
	echo "witness w { address = $(lab_addr a) mode = xdp }" >>"$OTHER"
	refused "a witness in a time namespace" $EX_UNAVAILABLE "CLOCK_BOOTTIME" "86400" \
		"time namespace" -- \
		unshare --time --fork --boottime 86400 "$HOKM" witness -c "$OTHER"
	must sed -i 's/ mode = xdp//' "$OTHER"
	lab_spawn a witness unshare --time --fork --boottime 86400 \
		"$HOKM" witness -c "$OTHER"
	within 10 "a witness in a time namespace: without mode = xdp its process answers" \
		grep -qF "answers in user space" "$LAB_DIR/log/a.witness"
	must lab_alive a witness
	must kill "$(ps -o pid= --ppid "$LAB_PID")"
	must lab_wait 10 lab_gone a witness
}

# Runs in a separate mount namespace; its mounts end with it.
without_btf() {
	refused "kernel without BTF" $EX_OSERR "no BTF" "/sys/kernel/btf/vmlinux" \
		"CONFIG_DEBUG_INFO_BTF" -- \
		unshare --mount --propagation private sh -c \
		'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - "$HOKM" run -c "$CONF"
}

without_bpffs() {
	mkdir "$LAB_DIR/plain"
	conf_where "s|^bpffs.*|bpffs = \"$LAB_DIR/plain\"|"
	start_refused "no bpffs in the folder" $EX_UNAVAILABLE "$LAB_DIR/plain is not a bpffs" \
		"mount -t bpf -o mode=0700 bpf $LAB_DIR/plain"
	holds "no bpffs in the folder: nothing was made there" rmdir "$LAB_DIR/plain"
	start_refused "no folder for bpffs" $EX_UNAVAILABLE "no bpffs at $LAB_DIR/plain" \
		"mount -t bpf -o mode=0700 bpf $LAB_DIR/plain"
}

foreign_id() { lab_run a bpftool -j net show dev eth0 | jq '.[0].xdp[0].id // empty'; }
runs_xdp() { lab_run a bpftool prog show id "$(foreign_id)" | grep -q " name $1 "; }
foreign_xdp() {
	local id
	footprint_take a .clean
	must unshare --mount --propagation private nsenter --net="/run/netns/$(lab_ns a)" -- \
		ip link set dev eth0 xdp object "$LAB_PASS" sec xdp
	id=$(foreign_id)
	cp "$CONF" "$OTHER"
	start_refused "foreign XDP program" $EX_UNAVAILABLE \
		"eth0 already has an XDP program that is not ours: id $id, name hokm_lab_pass" \
		"--replace"
	holds "foreign XDP program: it is in its place" test "$(foreign_id)" = "$id"
	lab_spawn a daemon "$HOKM" run --replace -c "$CONF"
	within 10 "--replace: the daemon runs" service_is a up
	holds "--replace: our program runs" runs_xdp hokm_ingress
	must lab_stop a daemon
	as_before "--replace, then stopped" a .clean
}

# killed: kills a daemon, which leaves everything behind.
killed() {
	must lab_daemon a
	must lab_wait 20 service_is a up
	must lab_kill a daemon KILL
	must lab_wait 20 lab_gone a daemon
	must lab_wait 20 no_agent
}
# The agents of a killed daemon end by themselves.
no_agent() { [ "$(ip netns pids "$(lab_ns a)" | wc -w)" = 1 ]; }

cleaned() {
	holds "$1: cleanup is done" lab_run a "$HOKM" cleanup -c "$CONF"
	as_before "$1, cleanup" a .clean
}

wait_advice() {
	[[ "$(lab_run a "$HOKM" cleanup --wait -c "$CONF" 2>&1)" == *"$1"* ]]
}
pins_advice() { [[ "$(lab_run a "$HOKM" accepts "$CONF" 2>&1)" == *"$1"* ]]; }
pins() {
	killed
	must rm "$(lab_pins a)/own"
	holds "half of the pins are gone: the advice is a start" \
		pins_advice "one that is started replaces them"
	holds "half of the pins are gone: cleanup --wait leaves them" \
		wait_advice "it stays, for it may serve players"
	holds "half of the pins are gone: and their folder" test -d "$(lab_pins a)"
	must lab_daemon a
	within 20 "half of the pins are gone, programs attached: the daemon runs" owns a
	holds "half of the pins are gone, programs attached: it is logged" \
		log_says a "are incomplete (18 of 19 maps), but their programs are attached"
	must lab_kill a daemon KILL
	must lab_wait 20 lab_gone a daemon
	must lab_wait 20 no_agent
	cleaned "half of the pins are gone"
	killed
	# shellcheck disable=SC2046 # one word a byte
	must bpftool map update pinned \
		"$(lab_pins a)/meta" key 0 0 0 0 value hex 63 00 00 00 01 00 00 00 \
		$(printf '00 %.0s' {1..48})
	start_refused "pins of another schema" $EX_UNAVAILABLE "another version (schema 99" \
		"hokm-xdp cleanup"
	cleaned "pins of another schema"
	must mkdir -p "$(lab_pins a)"
	must bpftool map create "$(lab_pins a)/cfg" type array key 4 value 8 entries 1 name cfg
	must lab_daemon a
	within 10 "remains of a start that was cut short: the daemon runs" service_is a up
	within 10 "remains of a start that was cut short: they are logged" \
		log_says a "left by a start that did not finish"
	must lab_stop a daemon
	as_before "remains of a start that was cut short" a .clean
}

must lab_up a
must lab_conf a b
must lab_game a
command_line
configuration
interface
permission
user_namespace
limits
socket_folder
another_clock
without_btf
without_bpffs
foreign_xdp
pins
must lab_daemon a
within 10 "a good start: the node owns" owns a
within 10 "a good start: the VIP is its address" has_vip a
must lab_stop a daemon
as_before "a good start, then stopped" a .clean
test_end
