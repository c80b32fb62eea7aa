#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The lab: nodes, a switch and a client in network namespaces of their own, on one machine.
#
#        a: primary          b: backup          c: third           client
#      192.168.1.26        192.168.1.27       192.168.1.28       192.168.1.50
#    02:00:c0:a8:01:1a   02:00:c0:a8:01:1b  02:00:c0:a8:01:1c  02:00:c0:a8:01:32
#        [eth0]              [eth0]             [eth0]             [eth0]
#           |                   |                  |                  |
#          p-a                 p-b                p-c             p-client
#           +-------------------+--------+---------+------------------+
#                                        |
#                                  br0 (node "sw")            VIP 192.168.1.25
#
# lab_nat_up adds a network of clients behind a router that translates and filters with state:
#
#     br0 -- p-router -- [eth0] router [eth1] -- [eth0] inside
#                  192.168.1.60       10.77.0.1       10.77.0.2
#
# Use it as a library (`. tools/lab/lab.sh`, then the lab_* functions) or by hand:
#   tools/lab/lab.sh up [NODE...] | down | shell NODE | run NODE CMD... | status
#
# What to know
#  - Everything is named after LAB_ID, so that any number of labs live side by side. By hand it is
#    "hxlab"; a script that sources this file gets one of its own.
#  - LAB_DIR holds all files: log/NODE.NAME, pid/NODE.NAME, and one folder a node with its bpffs,
#    configuration and socket. What a node owns is in its namespace and its folder, so that
#    lab_node_dead can take all of it away at once, as a power cut does.
#  - The switch's veth ends carry pass.bpf.o and clients compute their own checksums: without these
#    two, frames sent by XDP_TX arrive late or damaged on veth. Real network cards need neither.
#  - A function that polls or that every lab runs starts no subshell, for one costs 10 ms of a
#    processor: it leaves its result in a variable, and takes what nodes are called from LAB_HOST
#    and LAB_MAC.
#  - Commands enter by `nsenter --net`, because `ip netns exec` hides bpffs by mounting /sys anew.
#  - lab_down ends only processes that the lab started (recorded by pid and start time) or that live
#    in its namespaces, and then proves that nothing is left.

LAB_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_BUILD=${LAB_BUILD:-$LAB_ROOT/build}
LAB_PASS=${LAB_PASS:-$LAB_ROOT/build/lab/pass.bpf.o}
LAB_ID=${LAB_ID:-hx$$}
LAB_DIR=${LAB_DIR:-/run/hokm-lab.$LAB_ID}
LAB_VIP=192.168.1.25
LAB_PORT=8765
LAB_SECRET=lab-secret-0123456789
# The system's own programs come first: a wrapper of python3 before them costs half a second a call.
PATH=/usr/bin:/bin:/usr/sbin:/sbin:$PATH

lab_die() {
	echo "lab: $*" >&2
	return 1
}

lab_ns() { echo "$LAB_ID-$1"; }

# Last byte of the node's address, and the address of its eth0.
declare -A LAB_HOST=([a]=26 [b]=27 [c]=28 [w]=29 [client]=50 [router]=60 [client1]=51 [client2]=52
	[client3]=53 [client4]=54 [client5]=55 [client6]=56 [client7]=57 [client8]=58 [client9]=59)
declare -A LAB_MAC=()
lab_macs() {
	local node
	for node in "${!LAB_HOST[@]}"; do
		printf -v "LAB_MAC[$node]" '02:00:c0:a8:01:%02x' "${LAB_HOST[$node]}"
	done
}
lab_macs
lab_host() {
	[ -n "${LAB_HOST[$1]:-}" ] && echo "${LAB_HOST[$1]}" ||
		lab_die "no node is called '$1': a, b, c, w, router, client, client1 .. client9"
}

# Name that the configuration gives to the node.
lab_name() {
	case $1 in
	a) echo primary ;;
	b) echo backup ;;
	c) echo third ;;
	w) echo witness ;;
	*) echo "$1" ;;
	esac
}

lab_addr() { echo "192.168.1.${LAB_HOST[$1]:-$(lab_host "$1")}"; }
lab_mac() { echo "${LAB_MAC[$1]:-$(lab_host "$1")}"; }
lab_exists() { [ -e "/run/netns/$LAB_ID-$1" ]; }

# lab_run NODE CMD...: in the foreground, in the node.
lab_run() {
	local node=$1
	shift
	nsenter --net="/run/netns/$LAB_ID-$node" -- "$@"
}

# Puts into LAB_START when a process was started, in clock ticks since boot: with the pid it names
# one process for good. Fails for a process that has ended. One whose first thread has ended holds
# files and locks until the last thread has.
lab_start_time() {
	local stat tasks IFS=' ' # whatever the caller parts its words by
	LAB_START=
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	tasks=("/proc/$1/task/"*)
	stat=${stat##*) }
	# shellcheck disable=SC2086 # the words of the line are wanted
	set -- $stat
	[ "$1" != Z ] || [ ${#tasks[@]} -gt 1 ] || return 1
	LAB_START=${20}
}

# lab_spawn NODE NAME CMD...: in the background; log and pid are kept under NODE.NAME.
# It runs with the priority of the lab, which is LAB_BELOW steps above that of the script.
# It reads from LAB_STDIN, /dev/null by default, and writes to LAB_STDOUT, the log by default.
lab_spawn() {
	local node=$1 name=$2 pid
	shift 2
	nice -n "-${LAB_BELOW:-0}" nsenter --net="/run/netns/$LAB_ID-$node" -- "$@" \
		<"${LAB_STDIN:-/dev/null}" 2>>"$LAB_DIR/log/$node.$name" \
		>>"${LAB_STDOUT:-$LAB_DIR/log/$node.$name}" {LAB_NAP}>&- &
	pid=$!
	disown "$pid"
	lab_start_time "$pid" || true
	echo "$pid $LAB_START" >"$LAB_DIR/pid/$node.$name"
}

# Puts the pid of NODE NAME into LAB_PID. Fails when it is not the process that was started.
lab_alive() {
	local pid start
	LAB_PID=
	[ -e "$LAB_DIR/pid/$1.$2" ] || return 1
	read -r pid start <"$LAB_DIR/pid/$1.$2"
	[ -n "$start" ] && lab_start_time "$pid" && [ "$LAB_START" = "$start" ] && LAB_PID=$pid
}
lab_gone() { ! lab_alive "$1" "$2"; }
lab_pid() { lab_alive "$1" "$2" && echo "$LAB_PID"; }

# The threads of a process that are not of SCHED_DEADLINE, into LAB_THREADS. If another process
# moves such a thread to SCHED_FIFO before it ends, Linux 6.18 never gives its time back, and the
# daemons of later tests get none.
lab_threads() {
	local task stat
	LAB_THREADS=()
	for task in /proc/"$1"/task/*/stat; do
		read -r stat 2>/dev/null <"$task" || continue
		# Of the words behind the name in parentheses the 39th is the policy.
		read -ra stat <<<"${stat##*) }"
		task=${task%/stat}
		[ "${stat[38]}" = 6 ] || LAB_THREADS+=("${task##*/}")
	done
}

# lab_kill NODE NAME SIG: a signal to what lab_spawn started. A killed process gets a processor at
# once to die: on a busy machine it could accept connections long after the first of its sockets is
# closed.
lab_kill() {
	local pid thread
	lab_alive "$1" "$2" || return 1
	pid=$LAB_PID
	if [ "$3" = KILL ]; then
		lab_threads "$pid"
		for thread in "${LAB_THREADS[@]}"; do
			chrt --fifo --pid 50 "$thread" 2>/dev/null || true
		done
	fi
	kill -s "$3" "$pid"
}

# lab_stop NODE NAME: SIGTERM, and SIGKILL when that does not help within ten seconds.
lab_stop() {
	lab_kill "$1" "$2" TERM 2>/dev/null || return 0
	lab_wait 10 lab_gone "$1" "$2" || lab_kill "$1" "$2" KILL
	lab_wait 10 lab_gone "$1" "$2"
}

# lab_now_ms: a clock for measuring.
lab_now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}

# lab_nap SECONDS: waits without starting a process. A pipe with both ends open never has data.
exec {LAB_NAP}<> <(:)
lab_nap() { read -r -t "$1" -u "$LAB_NAP" || true; }

# lab_wait SECONDS CMD...: until CMD succeeds; fails when the time is over. It asks every 10 ms
# during the first second and every 50 ms later, because each question takes processor time. An
# answer may be old when it comes, so CMD is asked once more after the time is over.
lab_wait() {
	local now=${EPOCHREALTIME/[.,]/} end later
	end=$((now + $1 * 1000000)) later=$((now + 1000000))
	shift
	until "$@"; do
		now=${EPOCHREALTIME/[.,]/}
		[ "$now" -lt "$end" ] || { "$@"; return; }
		if [ "$now" -lt "$later" ]; then lab_nap 0.01; else lab_nap 0.05; fi
	done
}

lab_node_up() { lab_node_make "$1" || lab_die "could not set up node $1"; }

lab_node_make() {
	local node=$1 ns=$LAB_ID-$1
	lab_host "$node" >/dev/null &&
		ip netns add "$ns" &&
		lab_quiet "$node" &&
		lab_cable "$node" &&
		lab_address "$node" &&
		mkdir -p "$LAB_DIR/$node/bpf" &&
		mount -t bpf bpf "$LAB_DIR/$node/bpf"
}

# lab_cable NODE [INDEX]: makes eth0 and its cable to the switch, both ends with this index, and
# sets lo up. Who deletes one end deletes both.
lab_cable() {
	local node=$1 ns=$LAB_ID-$1 index=${2:+index $2}
	local peer="name eth0 $index address ${LAB_MAC[$1]} netns $LAB_ID-$1"
	lab_xdp_batch <<-END &&
		link add p-$node $index type veth peer $peer
		link set dev p-$node xdp object $LAB_PASS sec xdp
		link set p-$node master br0 up
	END
		lab_run "$node" ethtool -K eth0 tx off >/dev/null &&
		ip -n "$ns" -batch - <<<$'link set lo up\nlink set eth0 up'
}
lab_address() { ip -n "$LAB_ID-$1" addr add "192.168.1.${LAB_HOST[$1]}/24" brd + dev eth0; }

# Commands of `ip`, on stdin, in the switch; they may load XDP programs. A private mount namespace,
# because `ip` mounts bpffs over /sys/fs/bpf when it finds none there.
lab_xdp_batch() {
	unshare --mount --propagation private nsenter --net="/run/netns/$LAB_ID-sw" -- ip -batch -
}
lab_xdp_pass() { lab_xdp_batch <<<"link set dev $1 xdp object $LAB_PASS sec xdp"; }

# lab_quiet NODE: no IPv6. A bridge hands no frame to the rules for routed packets: the lab's switch
# has none of them, and each frame takes less time of the processors.
lab_quiet() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	lab_run "$1" sh -c 'cd /proc/sys/net
		[ ! -e ipv6/conf/default/disable_ipv6 ] || echo 1 >ipv6/conf/default/disable_ipv6
		for file in bridge/bridge-nf-call-*; do
			[ ! -e "$file" ] || echo 0 >"$file" || exit
		done'
}

# lab_up [NODE...]: switch, client and the nodes named, a and b by default.
lab_up() {
	local node
	[ "$(id -u)" = 0 ] || lab_die "needs root: it makes network namespaces" || return 1
	[ -e "$LAB_PASS" ] || lab_die "$LAB_PASS is missing: run make first" || return 1
	! lab_exists sw || lab_die "lab $LAB_ID is up already" || return 1
	mkdir -p "$LAB_DIR"/{log,pid} && chmod 755 "$LAB_DIR" || return 1
	ip netns add "$LAB_ID-sw" && lab_quiet sw || return 1
	# VRRP is multicast that nobody joins: a snooping switch would not pass it on.
	ip -n "$LAB_ID-sw" -batch - <<-END || return 1
		link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
		link set br0 up
	END
	[ $# -gt 0 ] || set -- a b
	for node in "$@" client; do
		lab_node_up "$node" || return 1
	done
	for node in "$@" client; do
		lab_wait 10 lab_carrier "$node" || lab_die "eth0 of $node has no link" || return 1
	done
}

# Nodes router and inside, and the network between them.
lab_inside_up() {
	local router inside
	router=$(lab_ns router) inside=$(lab_ns inside)
	lab_node_up router && ip netns add "$inside" && lab_quiet inside &&
		ip -n "$router" link add eth1 type veth peer name eth0 netns "$inside" &&
		ip -n "$router" addr add 10.77.0.1/24 dev eth1 &&
		ip -n "$router" link set eth1 up &&
		ip -n "$inside" link set lo up && ip -n "$inside" link set eth0 up &&
		ip -n "$inside" addr add 10.77.0.2/24 dev eth0 &&
		ip -n "$inside" route add default via 10.77.0.1 &&
		lab_run inside ethtool -K eth0 tx off >/dev/null &&
		lab_run router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' &&
		lab_wait 10 lab_carrier router && lab_wait 10 lab_carrier inside
}

# lab_nat_up: the router lets connections out under its own address, and in only what belongs to one
# of them: what conntrack takes for invalid (a tickle of zeros) is dropped.
lab_nat_up() {
	lab_inside_up && lab_nat_rules || lab_die "could not set up the router and what is inside"
}

# lab_route_up MTU: the router translates nothing, and its link to the inside has this MTU.
lab_route_up() {
	local node router
	router=$(lab_addr router)
	lab_inside_up && ip -n "$(lab_ns router)" link set eth1 mtu "$1" ||
		lab_die "could not set up the router and what is inside" || return 1
	for node in $(lab_nodes); do
		case $node in
		[abc]) ip -n "$(lab_ns "$node")" route add 10.77.0.0/24 via "$router" || return 1 ;;
		esac
	done
}

lab_nat_rules() {
	lab_run router nft -f - <<-END
		table ip lab {
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state invalid counter drop
				ct state established,related counter accept
				iif eth1 oif eth0 accept
			}
			chain postrouting {
				type nat hook postrouting priority srcnat;
				oif eth0 masquerade
			}
		}
	END
}

lab_carrier() { [[ $(ip -n "$LAB_ID-$1" -br link show eth0) == *LOWER_UP* ]]; }

# lab_link NODE up|down: the cable between the node and the switch.
lab_link() { ip -n "$LAB_ID-sw" link set "p-$1" "$2"; }

# Puts the pids of the processes in the node's namespace into LAB_PIDS. They are the lab's and their
# children.
lab_pids() { mapfile -t LAB_PIDS < <(ip netns pids "$LAB_ID-$1" 2>/dev/null); }

# lab_kill_all NODE SIG...: each signal to every process in the node's namespace.
lab_kill_all() {
	local sig
	lab_pids "$1"
	[ ${#LAB_PIDS[@]} -gt 0 ] || return 0
	for sig in "${@:2}"; do kill -s "$sig" "${LAB_PIDS[@]}" 2>/dev/null || true; done
}

lab_empty() { lab_pids "$1" && [ ${#LAB_PIDS[@]} = 0 ]; }
# All of these processes have ended. It starts no process, so a test may poll it.
lab_ended() {
	local pid
	for pid in "$@"; do ! lab_start_time "$pid" || return 1; done
}

# lab_node_dead NODE: a power cut. First the cable, so that no last message of a process gets out,
# then all its processes, its pins and its namespace with addresses, sockets and programs.
lab_node_dead() {
	lab_link "$1" down || return 1
	lab_node_gone "$1"
}

lab_node_gone() {
	local node=$1
	lab_exists "$node" || return 0
	lab_kill_all "$node" KILL
	lab_wait 10 lab_ended "${LAB_PIDS[@]}" || true
	lab_wait 10 lab_empty "$node" || lab_die "processes of $node do not end" || return 1
	rm -f "$LAB_DIR/pid/$node".*
	if mountpoint -q "$LAB_DIR/$node/bpf"; then
		umount "$LAB_DIR/$node/bpf" || return 1
	fi
	rm -f "$LAB_DIR/$node"/*.sock "$LAB_DIR/$node/orders"
	# The kernel clears a deleted namespace when it finds the time, so the cable goes first.
	[ "$node" = sw ] || ip -n "$LAB_ID-sw" link del "p-$node" 2>/dev/null || true
	ip netns del "$LAB_ID-$node"
}

# lab_node_alive NODE: the machine boots again, with nothing of its former life.
lab_node_alive() { lab_node_up "$1" && lab_wait 10 lab_carrier "$1"; }

lab_nodes() {
	local path
	for path in /run/netns/"$LAB_ID"-*; do
		[ ! -e "$path" ] || echo "${path##*/"$LAB_ID"-}"
	done
}

# lab_down: takes everything away and proves it; may be called at any time, any number of times.
lab_down() {
	local node nodes pids=()
	nodes=$(lab_nodes)
	for node in $nodes; do
		lab_kill_all "$node" CONT TERM
		pids+=("${LAB_PIDS[@]}")
	done
	lab_wait 10 lab_ended "${pids[@]}" || true
	for node in $nodes; do
		lab_wait 10 lab_empty "$node" || true
		[ "$node" = sw ] || lab_node_gone "$node"
	done
	if lab_exists sw; then ip netns del "$LAB_ID-sw"; fi
	[ -z "${LAB_KEEP_LOGS:-}" ] || [ ! -d "$LAB_DIR/log" ] ||
		{ mkdir -p "$LAB_KEEP_LOGS" && cp -r "$LAB_DIR/log/." "$LAB_KEEP_LOGS/"; }
	# Never across a mount point: a bpffs that could not be unmounted must be seen below.
	[ ! -d "$LAB_DIR" ] || rm -rf --one-file-system "$LAB_DIR"
	lab_prove_clean
}

lab_prove_clean() {
	local left=0
	[ -z "$(lab_nodes)" ] || { lab_die "namespaces left: $(lab_nodes | tr '\n' ' ')"; left=1; }
	! grep -q " $LAB_DIR/" /proc/self/mountinfo ||
		{ lab_die "mounts left under $LAB_DIR"; left=1; }
	[ ! -e "$LAB_DIR" ] || { lab_die "files left: $LAB_DIR"; left=1; }
	return $left
}

# lab_conf NODE...: writes the same configuration for all nodes. Only two paths differ, because the
# nodes of the lab share one file system.
# LAB_PROFILE is fast (default) or standard; LAB_CONF_EXTRA is added as it is. LAB_LINGER is the key
# linger: by default a daemon that is stopped leaves nothing. LAB_START_DELAY is the key
# start_delay: by default a node waits for no frame, because the segment of a lab is silent. The
# connection table is small: making a large one keeps a processor busy for 0.15 s on kernels without
# preemption, and the nodes of all labs share two processors.
lab_conf() {
	local node other
	for node in "$@"; do
		mkdir -p "$LAB_DIR/$node" || return 1
		{
			echo "secret = \"$LAB_SECRET\""
			echo "profile = ${LAB_PROFILE:-fast}"
			for other in "$@"; do
				printf 'node %s { address = "%s" }\n' "$(lab_name "$other")" \
					"$(lab_addr "$other")"
			done
			echo "max_connections = ${LAB_MAX_CONNECTIONS:-32768}"
			echo "start_delay = ${LAB_START_DELAY:-0s}"
			echo "linger = ${LAB_LINGER:-0s}"
			echo "bpffs = \"$LAB_DIR/$node/bpf\""
			echo "socket = \"$LAB_DIR/$node/hokm.sock\""
			echo "state_file = \"$LAB_DIR/$node/orders\""
			[ -z "${LAB_CONF_EXTRA:-}" ] || echo "$LAB_CONF_EXTRA"
		} >"$LAB_DIR/$node/hokm-xdp.conf" || return 1
		chmod 600 "$LAB_DIR/$node/hokm-xdp.conf"
	done
}

# lab_daemon NODE: hokm-xdp; lab_ready tells when it answers. A daemon that was killed keeps its
# lock until the kernel has taken it apart, which takes long on a busy machine. LAB_PROGRAM[NODE] is
# another file than that of the build.
declare -A LAB_PROGRAM=()
lab_daemon() {
	local program=${LAB_PROGRAM[$1]:-$LAB_BUILD/hokm-xdp}
	lab_wait 20 lab_gone "$1" daemon || return 1
	lab_spawn "$1" daemon "$program" run -c "$LAB_DIR/$1/hokm-xdp.conf"
}
# lab_witness NODE [AS]: the witness of this node's address. The file of the node a, or of AS, has
# the section, by LAB_CONF_EXTRA="$(lab_witness_conf NODE)" before lab_conf.
lab_witness() {
	lab_wait 20 lab_gone "$1" witness && lab_witness_file "$1" "${2:-a}" &&
		lab_spawn "$1" witness "$LAB_BUILD/hokm-xdp" witness -c "$LAB_DIR/$1/hokm-xdp.conf"
}
lab_witness_file() {
	local to=$LAB_DIR/$1/hokm-xdp.conf
	sed "s|$LAB_DIR/$2/|$LAB_DIR/$1/|" "$LAB_DIR/$2/hokm-xdp.conf" >"$to" && chmod 600 "$to"
}
lab_witness_conf() {
	printf 'witness %s { address = "%s" }' "$(lab_name "$1")" "$(lab_addr "$1")"
}
# The socket is found by its path, from any namespace.
lab_ctl() {
	local node=$1
	shift
	"$LAB_BUILD/hokm-xdp" ctl -s "$LAB_DIR/$node/hokm.sock" "$@"
}
lab_ready() { lab_ctl "$1" status >/dev/null 2>&1; }
# Folder of the node's pinned maps.
lab_pins() { echo "$LAB_DIR/$1/bpf/hokm-xdp/$(lab_name "$1")"; }
lab_witness_pins() { echo "$LAB_DIR/$1/bpf/hokm-xdp-witness/$(lab_name "$1")"; }

# lab_game NODE [OPTION...]: the game server.
lab_game() {
	local node=$1
	shift
	lab_spawn "$node" game "$LAB_BUILD/hokm-game" --node "$(lab_name "$node")" \
		--port "$LAB_PORT" "$@"
}

# lab_keepalived_conf NODE PRIORITY: the usual configuration, advert 1 s, a check script every 5 s.
lab_keepalived_conf() {
	cat >"$LAB_DIR/$1/keepalived.conf" <<-END
		global_defs {
		    router_id $(lab_name "$1")
		    script_user root
		    enable_script_security
		}
		vrrp_script game {
		    script "/usr/bin/curl -sf -m 9 -o /dev/null http://127.0.0.1:$LAB_PORT/health"
		    interval 5
		    timeout 10
		    fall 3
		    rise 2
		}
		vrrp_instance hokm {
		    state BACKUP
		    interface eth0
		    virtual_router_id 25
		    priority $2
		    advert_int 1
		    authentication {
		        auth_type PASS
		        auth_pass labsecret
		    }
		    virtual_ipaddress {
		        $LAB_VIP/24 dev eth0
		    }
		    track_script {
		        game
		    }
		}
	END
}

# lab_keepalived NODE [CONF]: keepalived instead of the daemon.
lab_keepalived() {
	local dir=$LAB_DIR/$1
	lab_spawn "$1" keepalived keepalived -n -l -D -f "${2:-$dir/keepalived.conf}" \
		-p "$dir/keepalived.pid" -r "$dir/vrrp.pid" -c "$dir/checkers.pid"
}

lab_status() {
	local node file
	lab_exists sw || lab_die "lab $LAB_ID is down" || return 1
	for node in $(lab_nodes); do
		[ "$node" = sw ] && continue
		printf '%-8s %-13s ' "$node" "$(lab_addr "$node")"
		for file in "$LAB_DIR/pid/$node".*; do
			[ -e "$file" ] || continue
			file=${file##*/"$node".}
			printf '%s(%s) ' "$file" "$(lab_pid "$node" "$file" || echo ended)"
		done
		echo
	done
}

lab_main() {
	local verb=${1:-help}
	[ $# -eq 0 ] || shift
	case $verb in
	up)
		lab_up "$@" || { lab_down; return 1; }
		echo "lab $LAB_ID is up; files in $LAB_DIR"
		;;
	down) lab_down ;;
	status) lab_status ;;
	run) lab_run "$@" ;;
	shell)
		lab_exists "${1:-}" || lab_die "no node '${1:-}': $(lab_nodes | tr '\n' ' ')" ||
			return 1
		PS1="[$1] \w# " lab_run "$1" bash --norc
		;;
	help | -h | --help) sed -n '4,29s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
	*) lab_die "'$verb' is no command: up, down, status, run, shell, help" || return 2 ;;
	esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	LAB_ID=${LAB_ID/#hx$$/hxlab}
	LAB_DIR=/run/hokm-lab.$LAB_ID
	lab_main "$@"
fi
