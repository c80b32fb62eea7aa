#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 35 s
#
# The file of the secret comes later than the daemon, as from an agent that fetches secrets: the
# daemon waits for it, also when the node's address is late too. While it waits an operator may edit
# the configuration: a text that is wrong for a moment, or a file that is away for a moment, does
# not end the daemon. Nor does a configuration that is not there when a service manager starts the
# daemon, because its file system is mounted later. A witness without its secret ends in such a way
# that its unit starts it again.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

EX_NOINPUT=66
CONF=$LAB_DIR/a/hokm-xdp.conf
SECRET=$LAB_DIR/late
address() { ip -n "$(lab_ns a)" addr "$1" "$(lab_addr a)/24" brd + dev eth0; }
alive() { lab_alive a daemon; }
logged() { grep -q -- "$1" "$LAB_DIR/log/a.daemon"; }
waits_for() { within 10 "$1: the log says what for" logged "waiting: $2"; }

# The kernel of node b answers ARP. It has no daemon.
must lab_up a b
must lab_conf a b
must lab_game a
must sed -i "s|^secret = .*|secret_file = \"$SECRET\"|" "$CONF"
must address del
must lab_daemon a
waits_for "address and secret" "$CONF: node: none of the nodes' addresses is on this machine"
must address add
waits_for "secret" "$CONF:[0-9]*: secret_file = \"$SECRET\": No such file"
must install -m 600 /dev/null "$SECRET"
waits_for "secret, while it is written" "$CONF:[0-9]*: secret_file = \"$SECRET\": empty"
holds "secret: the daemon is alive" alive
echo "$LAB_SECRET" >"$SECRET"
within 10 "secret: the node owns when it is there" owns a
must lab_stop a daemon

must rm "$LAB_DIR/log/a.daemon"
must address del
must lab_daemon a
waits_for "address" "$CONF: node: none of the nodes' addresses is on this machine"
echo 'bogus = 1' >>"$CONF"
waits_for "a wrong text" "$CONF:[0-9]*: bogus: there is no such key here"
holds "a wrong text: the daemon is alive" alive
must address add
must mv "$CONF" "$CONF.away"
waits_for "no file" "$CONF: the configuration cannot be read: No such file"
holds "no file: the daemon is alive" alive
must sed -i '/^bogus/d' "$CONF.away"
must mv "$CONF.away" "$CONF"
within 10 "corrected: the node owns" owns a
must lab_stop a daemon

must rm "$LAB_DIR/log/a.daemon"
must mv "$CONF" "$CONF.away"
# As systemd does it for Type=notify. Nobody listens there.
lab_spawn a daemon env NOTIFY_SOCKET="$LAB_DIR/notify" "$HOKM" run -c "$CONF"
waits_for "file system" "$CONF: the configuration cannot be read: No such file"
must address del
must mv "$CONF.away" "$CONF"
waits_for "file system is there, address" \
	"$CONF: node: none of the nodes' addresses is on this machine"
must address add
within 10 "file system and address are there: the node owns" owns a
must lab_stop a daemon

must rm "$SECRET"
text=$(lab_run a timeout 10 "$HOKM" witness -c "$CONF" 2>&1)
number_is "witness without its secret: exit code" $? -eq $EX_NOINPUT
holds "witness without its secret: the error names the key" grep -qF "secret_file" <<<"$text"
test_end
