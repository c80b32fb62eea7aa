#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A packet filter on the owner bans one client, with RSTs and then by dropping its SYNs. The ban
# holds: the peer does not serve the client either. No service is suspect for it, and the logins of
# others stay on the owner. The same for a client that is banned while it plays on six connections,
# and for SYNs with a wrong checksum.
#
# A server that accepts nothing is seen nevertheless, by its full queue.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

BANNED=192.168.1.150
EAR=9999
export LAB_CONF_EXTRA="service game {
	check tcp { address = \"127.0.0.1\" port = $EAR timeout = \"5s\" }
}"

# attempt FROM SECONDS: curl's exit status: 7 refused, 28 timed out.
attempt() {
	lab_run client curl -s -o /dev/null --interface "$1" --connect-timeout "$2" \
		"http://$LAB_VIP:$LAB_PORT/health"
}
attempts() {
	local status=0 n=0
	for ((i = 0; i < $3; i++)); do
		status=0
		attempt "$1" "$2" || status=$?
		[ $status -ne "$4" ] || n=$((n + 1))
	done
	echo $n
}
ban() {
	lab_run a nft -f - <<-END
		table ip bans {
			chain in {
				type filter hook input priority 0;
				iifname eth0 ip saddr $BANNED tcp dport $LAB_PORT $*
			}
		}
	END
}
unban() { lab_run a nft delete table ip bans; }

# The banned client plays on six connections, and sends on each until it is reset.
play() {
	lab_spawn client play python3 -c "
import socket, time
ask = (b'GET /play HTTP/1.1\\r\\nHost: game\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'
       b'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n')
ones = [socket.create_connection(('$LAB_VIP', $LAB_PORT), 5, ('$BANNED', 0)) for _ in range(6)]
for one in ones:
    one.sendall(ask)
    one.recv(1000)
while ones:
    time.sleep(0.05)
    for one in list(ones):
        try:
            one.send(bytes((0x81, 0x80, 0, 0, 0, 0)))
        except ConnectionError:
            ones.remove(one)"
}

# SYNs with a wrong checksum, from many ports.
bad_syns() {
	lab_run client python3 - "$LAB_VIP" "$LAB_PORT" "$(lab_mac a)" <<-'END'
		import socket, struct, sys
		vip, port = sys.argv[1], int(sys.argv[2])
		mac = bytes.fromhex(sys.argv[3].replace(":", ""))
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		for i in range(50):
		    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, i, 0, 64, 6, 0,
		                     socket.inet_aton("192.168.1.%d" % (151 + i)),
		                     socket.inet_aton(vip))
		    total = sum(struct.unpack(">10H", ip))
		    total = (total & 0xffff) + (total >> 16)
		    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
		    ip = ip[:10] + struct.pack(">H", total) + ip[12:]
		    tcp = struct.pack(">HHIIBBHHH", 5000 + i, port, 7, 0, 0x50, 2, 1024, 0xdead, 0)
		    s.send(mac + s.getsockname()[4] + b"\x08\0" + ip + tcp)
	END
}

trips() { status a '.services[0].trips'; }
calm_service() { status_is a '.services[0].suspect_ms' 0; }
nothing_happened() {
	number_is "$1: trips" "$(trips)" -eq 0
	holds "$1: not suspect" calm_service
	number_is "$1: SYNs that count as refused" "$(counter a refused)" -eq 0
	number_is "$1: SYNs sent to the peer" \
		$(($(counter a replayed) + $(counter a steered_syn))) -eq 0
	number_is "$1: other logins" "$(attempts "$(lab_addr client)" 5 5 0)" -eq 5
}

# Twelve clients that connect and say nothing. The queue takes three of them, which are there before
# the others come: SYNs that arrive together would all be answered while the queue is still empty.
knock() {
	lab_spawn client knocks python3 -c "
import signal, socket
ones = [socket.socket() for _ in range(12)]
for one in ones[:3]:
    one.connect(('$LAB_VIP', $LAB_PORT))
for one in ones[3:]:
    one.setblocking(False)
    one.connect_ex(('$LAB_VIP', $LAB_PORT))
signal.pause()"
}
tripped() { [ "$(trips)" -ge 1 ]; }
says_why() { [ "$(status a '.services[0].suspect_reason')" = passive-syn ]; }

must lab_up a b
must lab_conf a b
must lab_run client ip address add "$BANNED/24" dev eth0
must lab_run a sysctl -qw net.core.somaxconn=2
for node in a b; do
	must lab_spawn "$node" ear python3 -m http.server $EAR --bind 127.0.0.1
	must lab_game "$node"
	must lab_daemon "$node"
done
for node in a b; do within 30 "$node is up" service_is "$node" up; done
within 20 "owner" owns a
number_is "served before" "$(attempts "$BANNED" 5 3 0)" -eq 3

must ban reject with tcp reset
number_is "reject: attempts refused" "$(attempts "$BANNED" 5 20 7)" -eq 20
number_is "reject: counted as the filter's" "$(counter a rst_filter)" -ge 20
nothing_happened "reject"
must unban
must play
within 10 "while it plays: it plays" status_is a '.services[0].players' 6
must ban reject with tcp reset
within 10 "while it plays: all of its connections are reset" lab_gone client play
number_is "while it plays: the RSTs are counted" "$(counter a rst_server)" -ge 6
nothing_happened "while it plays"
must unban
must ban drop
number_is "drop: attempts that time out" "$(attempts "$BANNED" 0.2 10 28)" -eq 10
nothing_happened "drop"
must unban
must bad_syns
nothing_happened "wrong checksums"
holds "status says that replies are seen" [ "$(status a '.services[0].replies_seen')" = true ]

must lab_kill a game STOP
must knock
within 20 "full queue: seen" tripped
within 20 "full queue: for its reason" says_why
holds "full queue: the service stays up" service_is a up
test_end
