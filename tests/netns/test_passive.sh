#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A server that is good to its checks and bad to its players, in every way that passive health knows:
# each is seen with its own reason and no other, new players go to the peer while the suspicion lasts,
# the service stays UP (only checks take it down), and when the server is good again it ends.
#
# What is not the server's fault trips nothing; with passive { enabled = no } nothing does.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

PROFILE=standard
export LAB_PROFILE=standard
# Steady players long enough to be seen; the hold short, to see its end.
export LAB_CONF_EXTRA=${LAB_CONF_EXTRA-'passive { suspect = "2s" suspect_max = "6s" }'}
STUB=$TESTS_DIR/../stub
PYTHON=/usr/bin/python3

mode() { echo "$2" >"$LAB_DIR/$1/mode"; }

bad_game() {
	mode "$1" good
	lab_spawn "$1" game "$PYTHON" "$STUB/bad_server.py" "$(lab_name "$1")" "$LAB_PORT" "$LAB_DIR/$1/mode"
}

# crowd NAME OPTION...: players in the background, their results in $LAB_DIR/NAME.
crowd() {
	local name=$1
	shift
	lab_spawn client "$name" "$PYTHON" "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" "$@"
}
# burst: ten players, one after the other; prints who served them.
burst() {
	lab_run client "$PYTHON" "$STUB/players.py" "$LAB_VIP" "$LAB_PORT" --rate 50 --count 10 --stay 0.05 |
		jq -r .server | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd' '
}
served_by() { [ "$(burst)" = "$1=10" ]; }

trips() { status a '.services[0].trips'; }
tripped() { [ "$(trips)" -gt "$1" ]; }
suspect() { [ "$(status a '.services[0].suspect_ms')" -gt 0 ]; }
not_suspect() { ! suspect; }
suspect_for() { [ "$(status a '.services[0].suspect_reason')" = "$1" ]; }
# reasons N: of the passive events after the first N.
passive_events() { lab_ctl a events --recent 1000 --kind passive --json | jq -r .reason; }
reasons_after() { passive_events | tail -n +$(($1 + 1)) | sort -u | paste -sd' '; }
reasons_are() { [ "$(reasons_after "$1")" = "$2" ]; }

# bad MODE REASON [PLAYER-OPTION...]
bad() {
	local what=$1 reason=$2 events before
	shift 2
	events=$(passive_events | wc -l)
	before=$(trips)
	mode a "$what"
	must crowd "crowd-$what" --rate 20 --seconds 30 "$@"
	within 10 "$what: seen" tripped "$before"
	holds "$what: for its reason" suspect_for "$reason"
	holds "$what: new players are served by the peer" served_by backup
	holds "$what: the service stays up" service_is a up
	holds "$what: the node stays owner" owns a
	mode a good
	must lab_stop client "crowd-$what"
	within 20 "$what: over when the server is good again" not_suspect
	holds "$what: new players are served here again" served_by primary
	holds "$what: no other reason ($(reasons_after "$events"))" \
		reasons_are "$events" "$(printf '%s\n' passive-clear "$reason" | sort | paste -sd' ')"
}

# harmless MODE WORDS [PLAYER-OPTION...]: three seconds of it trip nothing.
harmless() {
	local what=$1 words=$2 before end
	shift 2
	before=$(trips)
	mode a "$what"
	must crowd "calm-$what" --rate 20 --count 60 "$@"
	within 20 "$words: the players have been there" lab_gone client "calm-$what"
	number_is "$words: trips" "$(trips)" -eq "$before"
	mode a good
}

damped() {
	local first second
	mode a status-503
	must crowd damped --rate 20 --seconds 60 --stay 0.1
	within 10 "damping: suspect" suspect
	first=$(status a '.services[0].trips')
	within 30 "damping: tried again, and suspect again" tripped "$first"
	second=$(status a '.services[0].suspect_ms')
	number_is "damping: the hold is longer than the first, ms" "$second" -gt 2000
	mode a good
	must lab_stop client damped
	within 20 "damping: over" not_suspect
}

test_bad_server() {
	must lab_up a b
	must lab_conf a b
	must bad_game a
	must bad_game b
	must lab_daemon a
	must lab_wait 20 owns a
	must lab_daemon b
	must lab_wait 20 hokm_ready b
}

test_bad_server
holds "good: served here" served_by primary
harmless good "good players" --stay 0.2
harmless status-404 "players who ask for what is not there"
bad status-503 passive-status --stay 0.1
bad silent passive-upgrade
bad pong-4000 passive-ping --stay 20
bad close-1011 passive-close
bad close-1012 passive-close
bad close-1013 passive-close
bad reset passive-reset
bad fin passive-abnormal
damped

must lab_down
LAB_CONF_EXTRA='passive { enabled = no }'
test_bad_server
mode a status-503
must crowd ignored --rate 20 --count 60 --stay 0.1
within 20 "off: the players have been there" lab_gone client ignored
number_is "off: trips" "$(trips)" -eq 0
holds "off: nobody is suspect" not_suspect
holds "off: no event" reasons_are 0 ""
mode a good
holds "off: served here" served_by primary
test_end
