#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# What a new administrator does first: `hokm-xdp setup` on one server, and its code on the other.
# Both get the same configuration, and a packet filter that keeps outsiders from pulses and
# replication. A second run changes nothing, an edited file is not replaced without a question, a
# code is no argument, and --remove leaves nothing.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"

# setup NODE OPTION...: without a terminal; what it says is in SAID and ANSWER.
conf_of() { echo "$LAB_DIR/$1/etc/hokm-xdp.conf"; }
setup() {
	local node=$1
	shift
	# Not every machine that runs tests has a bpffs at its usual place.
	# shellcheck disable=SC2016 # expanded by the inner shell
	SAID=$(lab_run "$node" unshare -m sh -c \
		'mount -t bpf bpf /sys/fs/bpf && exec setsid -w "$@"' - \
		"$HOKM" setup --config "$(conf_of "$node")" "$@" 2>&1)
	local status=$?
	ANSWER=$SAID
	return $status
}
setup_fails() { ! setup "$@"; }
says() { [[ $SAID == *"$1"* ]]; }
lacks() { ! "$@"; }
has_table() { lab_run "$1" nft list table inet hokm_xdp >/dev/null 2>&1; }
has_no_table() {
	local tables
	tables=$(lab_run "$1" nft list tables) && [[ $tables != *"inet hokm_xdp"* ]]
}
code_of() { grep -o 'HOKM1[A-Z2-7]*' <<<"$SAID"; }
files() { (cd "$LAB_DIR/$1/etc" && echo *); }
# What the lab adds, so that daemons of both nodes can run beside each other.
lab_lines() {
	cat <<-END
		max_connections = 32768
		linger = 0s
		bpffs = "$LAB_DIR/$1/bpf"
		socket = "$LAB_DIR/$1/hokm.sock"
		state_file = "$LAB_DIR/$1/orders"
	END
}
runs_as_set_up() {
	cp "$(conf_of "$1")" "$LAB_DIR/$1/hokm-xdp.conf" &&
		lab_lines "$1" >>"$LAB_DIR/$1/hokm-xdp.conf" && lab_daemon "$1"
}

# What a daemon with notifications and DNS failover leaves on disk. `status` is that of another.
KEPT=$LAB_DIR/b/kept
keeps_state() {
	local folder=$KEPT/backup.notify
	mkdir -p "$folder" && printf 'hkxq\3\0\0\0' >"$folder/queue" &&
		echo '{"time":1,"channel":"x"}' | tee "$folder/history" >"$folder/history.1" &&
		echo mine >"$folder/status" && echo "hokm-xdp orders 1" >"$KEPT/orders" &&
		printf '{\n "stopped": false\n}' >"$KEPT/dns"
}

must lab_up a b
BEGAN_MS=$(lab_now_ms)
PEER=(--peer "$(lab_addr b)" --vip "$LAB_VIP/24" --port "$LAB_PORT" --fast)
holds "a dry run is done" setup a "${PEER[@]}" --dry-run
holds "it writes nothing" test ! -e "$LAB_DIR/a/etc"
holds "and loads nothing" has_no_table a
holds "without a configuration setup has nothing to go by" setup_fails a
holds "the first server is set up" setup a "${PEER[@]}" --yes
CODE=$(code_of)
holds "it shows a code" test -n "$CODE"
SECRET=$(sed -n 's/^secret = "\(.*\)"/\1/p' "$(conf_of a)")
holds "it has a secret" test ${#SECRET} = 64
holds "which is on no screen" lacks says "$SECRET"
holds "nobody else can read the file" test "$(stat -c %a "$(conf_of a)")" = 600
holds "a code as an argument is refused" setup_fails b --join "$CODE"
holds "half a code is refused" setup_fails b --join - <<<"${CODE:0:50}"
holds "with a message that helps" says "copy it again"
holds "the other server takes the code" setup b --join - --yes <<<"$CODE"
holds "it is the backup" says "this machine is the node backup"
holds "both have the same file" cmp "$(conf_of a)" "$(conf_of b)"
for node in a b; do holds "$node has its table of nftables" has_table $node; done

holds "the same once more" setup a "${PEER[@]}"
holds "changes nothing" says "is as it should be"
holds "and shows the same code" test "$(code_of)" = "$CODE"
must ip -n "$(lab_ns a)" route add default via "$(lab_addr client)"
holds "with a default route" setup a "${PEER[@]}" --dry-run
holds "its gateway would decide" says "$(lab_addr client), the gateway of"
holds "but not against the wish of the administrator" setup a "${PEER[@]}" --gateway none
holds "which is the file that is there" says "is as it should be"
must ip -n "$(lab_ns a)" route del default
must chmod 644 "$(conf_of a)"
holds "beside a file that others can read no new secret is made" setup_fails a "${PEER[@]}" --yes
holds "it says what is wrong" says "others may use this file"
holds "without options setup keeps the text" setup a
holds "and closes the file to others" test "$(stat -c %a "$(conf_of a)")" = 600
must sed -i 's/^profile.*//' "$(conf_of a)"
holds "an edited file is not replaced without a question" setup_fails a "${PEER[@]}"
holds "it stays as it is" lacks grep -q '^profile' "$(conf_of a)"
holds "--yes replaces it" setup a "${PEER[@]}" --yes
holds "and keeps a copy" test "$(files a)" = "firewall.nft hokm-xdp.conf hokm-xdp.conf.old"
holds "by the same as on the other server" cmp "$(conf_of a)" "$(conf_of b)"

for node in a b; do must lab_game $node; done
for node in a b; do holds "the daemon of $node takes the file" runs_as_set_up $node; done
within 60 "they find each other: a owns" owns a
within 30 "b answers its pulses" status_is a '.peers[0].pulsing' true
within 30 "replication passes the packet filter" status_is a '.peers[0].replica.connected' true

# The first drill, through the packet filters that setup has loaded.
drill() {
	SAID=$(lab_run a "$HOKM" test -c "$LAB_DIR/a/hokm-xdp.conf" failover --yes 2>&1)
	local status=$?
	ANSWER=$SAID
	return $status
}
for node in a b; do within 30 "the game is up for $node" service_is $node up; done
within 10 "the owner can name a successor" status_is a .successor "$(lab_name b)"
holds "the first drill is green" drill
holds "it moved the VIP and took it back" says "2 passed, 0 failed"
# Of ten minutes for a person who reads and types, the machine takes two at most.
number_is "from the first command to the green drill, s" \
	$((($(lab_now_ms) - BEGAN_MS) / 1000)) -lt 120
for node in a b; do must lab_stop $node daemon; done

# A second path that is written into the file later: setup without options brings the table after.
must cable_up
with_paths() {
	cp -p "$(conf_of "$1")" "$LAB_DIR/$1/without" &&
		sed -i "s/^\(node primary {\)/\1 path = \"$(cable_addr a)\"/
			s/^\(node backup {\)/\1 path = \"$(cable_addr b)\"/" "$(conf_of "$1")" &&
		setup "$1" --yes
}
lets_in() {
	lab_run "$1" nft list table inet hokm_xdp |
		grep -qF "ip saddr $2 udp dport { 8766, 8767 }"
}
lets_in_none() {
	local table
	table=$(lab_run "$1" nft list table inet hokm_xdp) && [[ $table != *"ip saddr $2 udp"* ]]
}
for node in a b; do must with_paths $node; done
holds "the table of a lets in pulses and replication over the path" lets_in a "$(cable_addr b)"
holds "that of b too" lets_in b "$(cable_addr a)"
for node in a b; do holds "the daemon of $node takes the paths" runs_as_set_up $node; done
within 60 "a peer answers over the path" path_answers a 1 true
for node in a b; do
	must lab_stop $node daemon
	must mv "$LAB_DIR/$node/without" "$(conf_of $node)"
	must setup $node --yes
done
holds "without paths the table has none" lets_in_none a "$(cable_addr b)"

must sed -i 1d "$LAB_DIR/a/etc/firewall.nft"
holds "a table in a file of others is not replaced" setup_fails a --yes
holds "it says which file" says "firewall.nft is not of setup"
must rm "$LAB_DIR/a/etc/firewall.nft"
must sed -i "s/$SECRET/${SECRET^^}/" "$(conf_of a)"
holds "a secret that no code can carry is no success" setup_fails a "${PEER[@]}" --yes
holds "it says what to do instead" says "there is no code"

# --yes is no answer to what to do with the work of a person.
must cp -p "$(conf_of b)" "$LAB_DIR/b/kept.conf"
must cp "$LAB_DIR/b/kept.conf" "$LAB_DIR/b/mine"
must sed -i "\$a state_file = \"$LAB_DIR/b/mine\"" "$(conf_of b)"
must sed -i "\$a # mine" "$LAB_DIR/b/etc/firewall.nft"
holds "--remove on b, where both files were edited" setup b --remove --yes
holds "says that it keeps them" says "keeps $(conf_of b)"
holds "it leaves both" test "$(files b)" = "firewall.nft hokm-xdp.conf"
holds "and the table" has_table b
holds "and a file that is no state file" test -e "$LAB_DIR/b/mine"
must mv "$LAB_DIR/b/kept.conf" "$(conf_of b)"
must cp -p "$(conf_of b)" "$LAB_DIR/b/kept.conf"
must sed -i "\$a state_file = \"$KEPT/orders\"" "$(conf_of b)"
must sed -i "\$a dns { state_file = \"$KEPT/dns\" }" "$(conf_of b)"
must keeps_state
holds "--remove on b, with state on disk" setup b --remove --yes
holds "it leaves none of it, and a file of another" test "$(find "$KEPT" -type f)" = \
	"$KEPT/backup.notify/status"
must mv "$LAB_DIR/b/kept.conf" "$(conf_of b)"
must sed -i "\$d" "$LAB_DIR/b/etc/firewall.nft"

for node in a b; do
	holds "--remove on $node" setup $node --remove --yes
	holds "it leaves no table" has_no_table $node
done
holds "on b it leaves no file" test "$(files b)" = "*"
holds "on a the two copies of edited ones" \
	test "$(files a)" = "hokm-xdp.conf.old hokm-xdp.conf.old.2"
test_end
