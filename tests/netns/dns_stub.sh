# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The stand-in for a provider of DNS (tests/stub/dns_server.py) on the client's machine, and what it
# says of the record.

STUB=$LAB_DIR/stub
CLIENT=$(lab_addr client)
export LAB_CONF_EXTRA

stub() { jq -r "$1" "$STUB/state.json"; }
record_is() { [ "$(stub '.A | join(" ")')" = "$1" ]; }
stub_port() { sed -n 's/^ready //p' "$LAB_DIR/log/client.stub"; }
stub_is_ready() { [ -n "$(stub_port)" ]; }

# It ends with its standard input: a FIFO that the script holds open.
start_stub() {
	mkdir -p "$STUB" && mkfifo "$STUB/in" && exec {HELD}<>"$STUB/in" || return 1
	LAB_STDIN=$STUB/in lab_spawn client stub python3 tests/stub/dns_server.py "$STUB" \
		--bind "$CLIENT"
	lab_wait 20 stub_is_ready
}

# stub_conf_two_nodes A B MORE: the file of a and b, which have these addresses for players.
stub_conf_two_nodes() {
	local node port
	port=$(stub_port)
	(umask 077 && echo DO_API_TOKEN=stub-token-0123456789 >"$STUB/secrets") || return 1
	LAB_CONF_EXTRA="$PATIENT dns {
		provider = digitalocean record = game.example.com state_file = \"$LAB_DIR/%n.dns\"
		endpoint = \"https://$CLIENT:$port/v2\" ca_file = \"$STUB/ca.pem\"
		credentials = \"$STUB/secrets\" timeout = ${DNS_TIMEOUT:-5s}
		failback_delay = 1s min_interval = 0s
		$3
	}"
	lab_conf a b
	for node in a b; do
		sed -i "s/^\(node.*$(lab_addr a)\"\)/\1 dns_address = $1/
			s/^\(node.*$(lab_addr b)\"\)/\1 dns_address = $2/" \
			"$LAB_DIR/$node/hokm-xdp.conf" || return 1
	done
}
