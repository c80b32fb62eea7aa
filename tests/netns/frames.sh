# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of frames share. Clients and servers of three makes exchange frames of every shape
# through a link that cuts, repeats, reorders and loses segments (tests/ws/link.c). The kernel's
# counts are compared with those of the ends, by connection and by opcode.
#
#   client1 [frames_client]──[link]── switch ── a [hokm-xdp; frames_server (libwebsockets) :8765,
#           [frames_client.py]                       frames_server.py (python3-websockets) :8766,
#                                                    the same with TLS :8767,
#                                                    frames_raw_server :8768]

# shellcheck source=tests/ws/link.sh
. "$TESTS_DIR/../ws/link.sh"

WS=$TESTS_DIR/../ws
SEED=${SEED:-1}
FRAMES=0 # compared, over all settings
export LAB_CONF_EXTRA='service lws { port = 8765 check tcp { } }
service py { port = 8766 check tcp { } }
service tls { port = 8767 check tcp { } }
service raw { port = 8768 check tcp { } }'

say_files() {
	BEFORE=$LAB_DIR/before.json AFTER=$LAB_DIR/after.json CONNS=$LAB_DIR/conns.json
	REPORT=$LAB_DIR/report.json
}

counters_of() { lab_ctl a counters --all --json | jq -c ".services.$1" >"$2"; }
dump_conns() { bpftool -j map dump pinned "$(lab_pins a)/conns" >"$CONNS"; }

# Puts the result of compare.py into REPLY.
compare() { REPLY=$("$WS/compare.py" "$@"); }
compare_conns() {
	dump_conns
	compare conns "$CONNS" "$REPORT"
}
# compare_counters SERVICE [between]: repeats the comparison, because the last packets may still
# be on their way.
compare_counters() {
	counters_of "$1" "$AFTER"
	if [ "${2:-}" = between ]; then
		compare between "$BEFORE" "$AFTER" "$CONNS" "$REPORT"
	else
		compare counters "$BEFORE" "$AFTER" "$REPORT"
	fi
}
# of_reply KEY: a number of the comparison; the first with this name.
of_reply() { field "$REPLY" "$1"; }

# A client prints each line at once, and none is empty.
report_lines() {
	local lines
	[ -e "$REPORT" ] && mapfile -t lines <"$REPORT" && [ ${#lines[@]} -ge "$1" ]
}
reported_or_gone() { report_lines "$1" || lab_gone client1 frames; }

# talk CLIENT OPTION...: runs the client up to its first line; all connections are still open.
talk() {
	local client=$1
	shift
	rm -f "$REPORT" "$LAB_DIR/log/client1.frames"
	LAB_STDIN=$LAB_DIR/talk.in LAB_STDOUT=$REPORT lab_spawn client1 frames \
		"$client" --addr "$LAB_VIP" --seed "$SEED" --seconds 120 "$@"
	lab_wait 120 reported_or_gone 1
	report_lines 1
}

talk_over() {
	echo close >&"$TALK_IN"
	lab_wait 60 reported_or_gone 2
	report_lines 2
}

# The server has acknowledged everything, the end of each connection too. On a link that loses
# segments a client sends them again for long after it has closed, and each may change a counter.
still() {
	[ -z "$(lab_run client1 ss -Htn state all \
		exclude listening exclude time-wait exclude fin-wait-2)" ]
}

count_frames() { FRAMES=$((FRAMES + $(of_reply kernel))); }

# on_link NAME RATES: sets the link for the following steps.
on_link() {
	must link_start client1 --seed "$SEED" --only-tcp --to-right "$1" --to-left "$1"
}

off_link() {
	must link_end client1
	echo "# link: $LINK_COUNTS"
	number_is "$1: frames the link could not carry" \
		"$(jq '[.[] | .overflow + .failed] | add' <<<"$LINK_COUNTS")" -eq 0
}

all_up() { status_is a '[.services[] | select(.state == "up")] | length' 4; }

frames_start() {
	must lab_up a client1
	say_files
	must lab_conf a b # a group has two; the other one never starts
	must link_insert client1
	must link_plain sw p-a
	must link_queue sw p-a
	must openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=game \
		-keyout "$LAB_DIR/key.pem" -out "$LAB_DIR/cert.pem" 2>/dev/null
	lab_spawn a lws "$WS_BUILD/frames_server" --port 8765 --seed "$SEED"
	lab_spawn a py "$WS/frames_server.py" --port 8766 --seed "$SEED"
	lab_spawn a tls "$WS/frames_server.py" --port 8767 --seed "$SEED" \
		--cert "$LAB_DIR/cert.pem" --key "$LAB_DIR/key.pem"
	lab_spawn a raw "$WS_BUILD/frames_raw_server" --port 8768 --seed "$SEED"
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_wait 20 all_up
	must mkfifo "$LAB_DIR/talk.in"
	exec {TALK_IN}<>"$LAB_DIR/talk.in"
}
