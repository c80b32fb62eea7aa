#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 90 s
#
# A server that passes its checks and fails its players in every way that passive health knows,
# but for those of a server that accepts nobody (test_game.sh, test_banned.sh).
# Each way is detected with its own reason and no other, new players go to the peer while the
# service is suspect, the service stays UP (only checks take it down), and the suspicion ends when
# the server is good again.
#
# Faults that are not the server's trip nothing. When the peer fails as well, players are not sent
# back and forth. A restarted daemon keeps the suspicion. With passive { enabled = no } nothing of
# this happens. Both profiles run at once, each in a lab of its own; fast tests the four most
# frequent ways.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

# Suspicions are short, so that their end can be seen, and double only when the next follows at
# once. Checks on alert get the time that the server of the test may need on a busy machine.
HOLD_MS=3000
SHORT='passive { suspect = "3s" suspect_max = "12s" calm = "1s" timeout = "3s" }'
[ "${PART:-}" != fast ] || SHORT="$PATIENT_CHECKS $SHORT"
STUB=$TESTS_DIR/../stub

mode() { echo "$2" >"$LAB_DIR/$1/mode.new" && mv "$LAB_DIR/$1/mode.new" "$LAB_DIR/$1/mode"; }

bad_game() {
	mode "$1" good
	lab_spawn "$1" game "$STUB/bad_server.py" "$(lab_name "$1")" "$LAB_PORT" "$LAB_DIR/$1/mode"
}

# crowd NAME OPTION...: players in the background; their results are in NAME.
crowd() {
	local name=$1
	shift
	LAB_STDOUT=$LAB_DIR/$name lab_spawn client "$name" "$STUB/players.py" "$LAB_VIP" \
		"$LAB_PORT" "$@"
}
# The number of players of a crowd whose connection ended like this.
ended() { jq -r .end "$LAB_DIR/$1" | grep -cx "$2"; }
# burst: ten players, one after the other; prints the server of each.
burst() {
	lab_run client "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" --rate 50 --count 10 --stay 0.05 |
		jq -r .server | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd' '
}
served_by() { [ "$(burst)" = "$1=10" ]; }

trips() { status a '.services[0].trips'; }
tripped() { status_test a '.services[0].trips' -gt "$1"; }
suspect_ms() { status a '.services[0].suspect_ms'; }
suspect() { status_test "${1:-a}" '.services[0].suspect_ms' -gt 0; }
# shellcheck disable=SC2120 # `within` passes the argument on
not_suspect() { status_is "${1:-a}" '.services[0].suspect_ms' 0; }
# Puts the milliseconds since boot, as the players note them, into BOOT_MS.
boot_read() {
	local up
	read -r up _ </proc/uptime
	BOOT_MS=$((10#${up/./} * 10)) # two decimals
}
past() { boot_read && [ "$BOOT_MS" -ge "$1" ]; }
# hold_seen: the service is suspect for a while yet. FROM and UNTIL, ms since boot, lie within that
# time; a player needs a moment from its start to its SYN on a busy machine.
hold_seen() {
	local before left
	boot_read
	before=$BOOT_MS
	left=$(suspect_ms)
	boot_read
	FROM=$BOOT_MS UNTIL=$((before + left - 700))
	[ $((UNTIL - FROM)) -ge 1000 ]
}
# arrived NAME [SERVER]: how many players of a crowd began between FROM and UNTIL, and were served
# by SERVER.
arrived() {
	jq -s --argjson from "$FROM" --argjson until "$UNTIL" --arg server "${2:-}" \
		'map(select(.start >= $from and .start <= $until and
			($server == "" or .server == $server))) | length' "$LAB_DIR/$1"
}
suspect_for() { status_is a '.services[0].suspect_reason' "$1"; }
says_suspect() {
	lab_ctl a status | grep -qF "service game is suspect ($1): new players go to a peer for"
}
events_of() { lab_ctl a events --recent 1000 --kind "$1" --json; }
passive_events() { events_of passive | jq -r .reason; }
reasons_after() { passive_events | tail -n +$(($1 + 1)) | sort -u | paste -sd' '; }
reasons_are() { [ "$(reasons_after "$1")" = "$2" ]; }
# One event, from its start.
always_up() { [[ "$(events_of service | jq -r .text)" =~ ^"game init -> up: "[^$'\n']*$ ]]; }

# bad WORDS REASON BEGIN END [PLAYER-OPTION...]: the fault of the server that BEGIN causes and END
# removes (one word each) is detected.
bad() {
	local what="$PROFILE: $1" reason=$2 begin=$3 end=$4 name=${1// /-} events before steered
	shift 4
	events=$(passive_events | wc -l)
	before=$(trips)
	steered=$(counter a steered_syn)
	must $begin
	must crowd "$name" --rate 20 --seconds 90 "$@"
	within 20 "$what: seen" tripped "$before"
	within 10 "$what: for its reason" suspect_for "$reason"
	within 10 "$what: status shows it" says_suspect "$reason"
	# A hold may be nearly over; the bad server soon causes the next one.
	within 40 "$what: suspect for a while" hold_seen
	must lab_wait 20 past "$UNTIL" # the longest hold is 12 s
	number_is "$what: counted as steered" "$(counter a steered_syn)" -ge $((steered + 10))
	holds "$what: the service stays up" service_is a up
	holds "$what: the node stays owner" owns a
	must $end
	must lab_stop client "$name"
	number_is "$what: players who came in that while" "$(arrived "$name")" -ge 5
	number_is "$what: of them served by the peer" "$(arrived "$name" backup)" -eq \
		"$(arrived "$name")"
	within 30 "$what: over when the server is good again" not_suspect
	within 30 "$what: new players are served here again" served_by primary
	holds "$what: no other reason ($(reasons_after "$events"))" \
		reasons_are "$events" \
		"$(printf '%s\n' passive-clear "$reason" | sort | paste -sd' ')"
}
good() { mode a good; }
mode_status_503() { mode a status-503; }
mode_silent() { mode a silent; }
mode_late_pong() { mode a pong-4000; }
mode_close_1011() { mode a close-1011; }
mode_close_1012() { mode a close-1012; }
mode_close_1013() { mode a close-1013; }
mode_reset() { mode a reset; }
mode_fin() { mode a fin; }

# harmless MODE WORDS [PLAYER-OPTION...]: two seconds of it trip nothing.
harmless() {
	local name=calm-$1 words="$PROFILE: $2" before
	before=$(trips)
	mode a "$1"
	shift 2
	must crowd "$name" --rate 20 --count 40 "$@"
	within 20 "$words: the players have been there" lab_gone client "$name"
	number_is "$words: trips" "$(trips)" -eq "$before"
	good
}

# The same fault right after a suspicion: the next one is twice as long.
damped() {
	local what="$PROFILE: damping" first
	mode a status-503
	must crowd damped --rate 20 --seconds 60 --stay 0.1
	within 20 "$what: suspect" suspect
	number_is "$what: the first hold, ms" "$(suspect_ms)" -le $HOLD_MS
	first=$(trips)
	within 30 "$what: tried again, and suspect again" tripped "$first"
	number_is "$what: the next hold, ms" "$(suspect_ms)" -gt $HOLD_MS
	good
	must lab_stop client damped
	within 30 "$what: over" not_suspect
}

# Both servers fail: the owner's own answers, and no connection is lost between the two.
both_bad() {
	local what="$PROFILE: both bad"
	mode a status-503
	mode b status-503
	must crowd both --rate 20 --seconds 60 --stay 0.1
	within 20 "$what: the owner's is suspect" suspect a
	within 20 "$what: and then the peer's" suspect b
	must crowd answered --rate 20 --count 40 --stay 0.1
	within 20 "$what: players have been there" lab_gone client answered
	number_is "$what: all got an answer" "$(ended answered status)" -eq 40
	holds "$what: the services stay up" service_is b up
	good
	mode b good
	must lab_stop client both
	within 30 "$what: over here" not_suspect a
	within 30 "$what: and there" not_suspect b
}

# A new daemon does not know the samples of the old one. The suspicion is kept by the packet path
# and ends in time.
restarted() {
	local what="$PROFILE: restarted"
	mode a status-503
	must crowd restart --rate 20 --seconds 60 --stay 0.1
	within 20 "$what: suspect" suspect
	must lab_stop client restart
	good
	must lab_kill a daemon KILL
	must lab_wait 20 lab_gone a daemon
	must lab_daemon a
	must lab_wait 20 lab_ready a
	holds "$what: what is held is held, or over in time" held_or_over
	within 20 "$what: over" not_suspect
	within 20 "$what: owner" owns a
	within 30 "$what: new players are served here again" served_by primary
}
held_or_over() { not_suspect || suspect_for adopted; }

labs() {
	local node
	must lab_up a b
	must lab_conf a b
	for node in a b; do
		must bad_game "$node"
		must lab_daemon "$node"
	done
	for node in a b; do must lab_wait 30 hokm_ready "$node"; done
	must lab_wait 20 owns a
	within 30 "$PROFILE: good: served here" served_by primary
}

most_met() {
	bad "503" passive-status mode_status_503 good --stay 0.1
	bad "never answers" passive-upgrade mode_silent good
	bad "late pongs" passive-ping mode_late_pong good --stay 20
	bad "closes with 1011" passive-close mode_close_1011 good
}

part_standard() {
	harmless good "good players" --stay 0.2
	harmless status-404 "players who ask for what is not there" --stay 0.1
	harmless close-1000 "players who are sent home"
	harmless close-4000 "players who are thrown out"
	damped
	most_met
	bad "closes with 1012" passive-close mode_close_1012 good
	bad "closes with 1013" passive-close mode_close_1013 good
	bad "resets" passive-reset mode_reset good
	bad "ends without a close frame" passive-abnormal mode_fin good
	both_bad
	holds "$PROFILE: the service was never anything but up" always_up
	restarted
}

part_off() {
	local what="$PROFILE: off"
	mode a status-503
	must crowd ignored --rate 20 --count 60 --stay 0.1
	within 20 "$what: the players have been there" lab_gone client ignored
	number_is "$what: all were turned away" "$(ended ignored status)" -eq 60
	number_is "$what: trips" "$(trips)" -eq 0
	holds "$what: nobody is suspect" not_suspect
	holds "$what: no event" reasons_are 0 ""
	good
	within 30 "$what: served here" served_by primary
}

part_fast() {
	most_met
	holds "$PROFILE: the service was never anything but up" always_up
	must lab_down
	export LAB_CONF_EXTRA="$PATIENT_CHECKS passive { enabled = no }"
	labs
	part_off
}

side_by_side standard fast
export PROFILE=$PART LAB_PROFILE=$PART
export LAB_CONF_EXTRA=$SHORT
labs
"part_$PROFILE"
test_end
