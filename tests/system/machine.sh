# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Nodes of the lab that are whole Debian 12 systems: systemd, systemd-networkd and dbus in a
# container of systemd-nspawn, which has the network namespace of the node, with the program and
# its unit as the Debian package has them, and a game server with a unit of its own.
#
#   build/system/base      the system (base.sh), never written to
#   LAB_DIR/installed      what `dpkg -i` makes of it
#   LAB_DIR/NODE/upper     the files of this node; LAB_DIR/NODE/root has all three one above another
#
# A command goes in by machine_run NODE. The control socket is reached by a link in LAB_DIR/NODE, so
# that everything of tests/netns/common.sh that asks the daemon works. A machine that is switched
# off loses its network namespace, as a real one loses what its kernel had.

# shellcheck source=tests/netns/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../netns/common.sh"

# shellcheck source=tests/system/base.sh
. "$(dirname "${BASH_SOURCE[0]}")/base.sh"

# A machine gets its address from networkd (machine_network), a client as always.
lab_address() {
	case $1 in
	client*) ip -n "$(lab_ns "$1")" addr add "$(lab_addr "$1")/24" brd + dev eth0 ;;
	esac
}

machine_install() {
	local dir=$LAB_DIR/package deb status
	deb=$("$LAB_ROOT/tools/packaging/deb") &&
		mkdir -p "$LAB_DIR/installed" "$dir"/{work,root} &&
		mount -t overlay machine-package "$dir/root" -o \
			"lowerdir=$MACHINE_BASE,upperdir=$LAB_DIR/installed,workdir=$dir/work" ||
		return 1
	cp "$LAB_ROOT/$deb" "$dir/root/tmp/" &&
		chroot "$dir/root" dpkg -i "/tmp/${deb##*/}" >"$LAB_DIR/log/install" 2>&1
	status=$?
	[ $status = 0 ] || cat "$LAB_DIR/log/install"
	rm "$dir/root/tmp/${deb##*/}" && umount "$dir/root" && [ $status = 0 ] &&
		mkdir -p "$LAB_DIR/installed/usr/local/sbin" &&
		cp "$LAB_BUILD/hokm-game" "$LAB_DIR/installed/usr/local/sbin/"
}

# machine_file NODE PATH: stdin becomes a file of the node.
machine_file() {
	mkdir -p "$(dirname "$LAB_DIR/$1/root$2")" && cat >"$LAB_DIR/$1/root$2"
}

# machine_network NODE LINE...: the section [Network] of eth0.
machine_network() {
	local node=$1
	shift
	{
		printf '[Match]\nName=eth0\n\n[Network]\nLinkLocalAddressing=no\n'
		printf '%s\n' "$@"
	} | machine_file "$node" /etc/systemd/network/eth0.network
}

# machine_setup: as an administrator does it, on the first machine and with its code on the other.
# Exit status 2: all is done, and the peer had not answered yet.
machine_setup() {
	local code said=$LAB_DIR/log/setup
	machine_run a hokm-xdp setup --peer "$(lab_addr b)" --vip "$LAB_VIP/24" \
		--port "$LAB_PORT" --fast --yes --start >"$said-a" 2>&1 ||
		{ cat "$said-a"; return 1; }
	code=$(grep -o 'HOKM1[A-Z2-7]*' "$said-a") || return 1
	machine_run b hokm-xdp setup --join - --yes --start <<<"$code" >"$said-b" 2>&1
	case $? in
	0 | 2) ;;
	*) cat "$said-b"; return 1 ;;
	esac
}

# What a server in a test has no use for and that takes time.
MACHINE_MASKED=(apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
	e2scrub_reap.service fstrim.timer getty.target console-getty.service
	systemd-firstboot.service systemd-binfmt.service systemd-pstore.service
	systemd-logind.service)

# Everything that an operator would configure.
machine_files() {
	local node=$1 etc=/etc/systemd/system name
	name=$(lab_name "$1")
	machine_file "$node" /etc/machine-id < <(tr -d - </proc/sys/kernel/random/uuid) &&
		machine_file "$node" /etc/hostname <<<"$name" &&
		machine_network "$node" "Address=$(lab_addr "$node")/24" &&
		machine_file "$node" $etc/game.service <<-END &&
			[Unit]
			After=network.target
			[Service]
			ExecStart=/usr/local/sbin/hokm-game --node $name --port $LAB_PORT
			[Install]
			WantedBy=multi-user.target
		END
		systemctl -q --root="$LAB_DIR/$node/root" enable game.service \
			systemd-networkd.service &&
		systemctl -q --root="$LAB_DIR/$node/root" mask "${MACHINE_MASKED[@]}"
}

# machine_make NODE: the files, before the first boot.
machine_make() {
	local dir=$LAB_DIR/$1 layers
	layers=lowerdir=$LAB_DIR/installed:$MACHINE_BASE,upperdir=$dir/upper,workdir=$dir/work
	mkdir -p "$dir"/{upper,work,root} &&
		mount -t overlay "machine-$1" "$dir/root" -o "$layers" && machine_files "$1"
}

# Machines of all tests are beside each other in the hierarchy of control groups.
machine_cgroup() { echo "$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/$LAB_ID-$1"; }

# machine_boot NODE: switches it on. The namespace is new and has an interface; /proc/sys/net can be
# written to; BPF is allowed; the node's bpffs is where systemd mounts one on a real machine.
machine_boot() {
	local node=$1 nspawn=(systemd-nspawn -q -b --register=no --keep-unit --console=pipe
		--network-namespace-path="/run/netns/$(lab_ns "$1")" --capability=all
		--system-call-filter="bpf perf_event_open")
	lab_exists "$node" || lab_node_up "$node" || return 1
	mkdir -p "$(machine_cgroup "$node")" || return 1
	# shellcheck disable=SC2016 # expanded by the inner shell
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network \
		lab_spawn "$node" machine sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' \
		- "$(machine_cgroup "$node")" "${nspawn[@]}" -D "$LAB_DIR/$node/root" \
		--bind="$LAB_DIR/$node/bpf:/sys/fs/bpf"
	lab_wait 30 machine_leads "$node"
}

# Pid of the machine's first process, in LEADER; a link leads to its control socket.
machine_leader() {
	local pid children
	pid=$(lab_pid "$1" machine) && children=$(cat "/proc/$pid/task/$pid/children") || return 1
	LEADER=${children%% *}
	[ -n "$LEADER" ]
}
machine_leads() {
	machine_leader "$1" && ln -sfn "/proc/$LEADER/root/run/hokm-xdp/$(lab_name "$1").sock" \
		"$LAB_DIR/$1/hokm.sock" && [ "$(cat "/proc/$LEADER/comm" 2>/dev/null)" = systemd ]
}

# machine_run NODE CMD...: in the machine, as root.
machine_run() {
	local node=$1
	shift
	machine_leader "$node" && nsenter -t "$LEADER" -a -- "$@"
}

# machine_off NODE: a power cut.
machine_off() {
	lab_link "$1" down 2>/dev/null
	lab_node_gone "$1" && lab_wait 10 machine_no_cgroup "$1"
}
# In every hierarchy: systemd-nspawn makes one in systemd's own too, where there is one.
machine_no_cgroup() {
	local mount left=0
	while read -r mount; do
		[ -d "$mount/$LAB_ID-$1" ] || continue
		find "$mount/$LAB_ID-$1" -depth -type d -exec rmdir {} \; 2>/dev/null
		[ ! -d "$mount/$LAB_ID-$1" ] || left=1
	done < <(findmnt -n -t cgroup,cgroup2 -o TARGET)
	[ "$left" = 0 ]
}

# machine_reboot_down NODE: the first half of a reboot, with everything that systemd does for it.
machine_reboot_down() {
	machine_run "$1" systemctl reboot && lab_wait 60 lab_gone "$1" machine && machine_off "$1"
}
# machine_down: takes the machines away. It comes before lab_down.
machine_down() {
	local node
	for node in a b; do
		machine_off "$node" || not_ok "the control groups of $node are left"
		! mountpoint -q "$LAB_DIR/$node/root" || umount "$LAB_DIR/$node/root"
	done
}
machine_exit() {
	local status=$?
	[ "$status" = 0 ] && [ "$TEST_FAILED" = 0 ] || [ ! -d "$LAB_DIR" ] || machine_logs
	machine_down
	(exit "$status")
	test_exit
}
machine_logs() {
	local node
	for node in a b; do
		echo "--- journal of $node"
		machine_run "$node" journalctl -b --no-pager -o short-monotonic -n 60
	done
}
trap machine_exit EXIT
