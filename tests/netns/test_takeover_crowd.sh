#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: alone, 20 s
#
# Ten thousand players, and the owner's node dies. The peer has a replica of all their
# connections, notifies each client once it owns, and stops when they have answered. A player
# whose cable was cut meanwhile is notified by the answer to the first packet that it sends,
# however late.
#
#   crowd   1000 that send every half second, 4000 with a ping every 20 s, 5000 that only listen
#   cut     on client1, whose cable is cut while the others are notified

# The profile is standard: a check of profile fast times out after 250 ms, and ten thousand
# clients that connect within seconds on a busy machine would make the service DOWN.
PROFILE=standard
# A server that gets too little of the processors for so many upgrades is suspect, and new players
# would go to the peer.
export LAB_CONF_EXTRA='passive { enabled = no }'
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/audience.sh
. "$TESTS_DIR/audience.sh"

SENDING=${SENDING:-1000} PINGING=${PINGING:-4000} SILENT=${SILENT:-5000}
CROWD=$((SENDING + PINGING + SILENT))
CUT=10
NOTICE_MS=1000
PLAYERS=0 # hokm-players only probes here

rows() { lab_ctl b conns --peer primary --json --limit 100000 "$@" | jq "$ROWS"; }
told_says() { log_says b "clients of dead peer primary:"; }
cut_told() { [ "$(cut_ended)" -ge "$1" ]; }
cut_ended() {
	ask_audience cut status
	field "$REPLY_AUDIENCE" sending_ended
}

# A game server for so many players needs as many open files; the programs started here inherit
# the limit.
must ulimit -Sn $((2 * CROWD + 1000 < 20000 ? 2 * CROWD + 1000 : 20000))
must lab_up a b client1
must lab_conf a b
for node in a b; do
	must lab_game "$node"
	must lab_daemon "$node"
done
for node in a b; do must lab_wait 40 hokm_ready "$node"; done
must lab_wait 40 owns a
must observe_start
must lab_wait 20 owner_is a
must audience crowd client --interval 500 --sending "$SENDING" --pinging "$PINGING" \
	--silent "$SILENT"
must audience cut client1 --patience 60000 --sending "$CUT"
within 60 "$CROWD players come in" gathered crowd
must lab_wait 20 gathered cut
number_is "all of them on the primary" \
	"$(lab_ctl a conns --summary --json | jq .summary.targets.local)" \
	-ge $((CROWD + CUT))
within 10 "the backup knows of each" knows_of b a $((CROWD + CUT))
ROWS='[.conns[] | select(.holder == "primary" and .answered_ms == null)] | length'
number_is "conns --peer lists those on one client" \
	"$(rows --client "$(lab_addr client1)")" -eq "$CUT"

mark_death crowd cut
must lab_link client1 down
must lab_node_dead a
within 15 "the peer owns" owner_is b
within 10 "everybody has noticed" noticed crowd
ask_arp status
owned=$(whole "$REPLY_ARP" moved_ms)
for kind in all "${KINDS[@]}"; do
	number_is "$kind players: the last noticed, ms after the peer owned" \
		"$(notice_ms "$kind" "$owned")" -le "$NOTICE_MS"
done
number_is "nobody found out by waiting: unanswered" "$(field "$REPLY_AUDIENCE" unanswered)" -eq 0
within 10 "an event reports the notified clients" event b peer takeover
number_is "RSTs and tickles sent" "$(counter b told_dead)" -ge $((2 * CROWD))

within 10 "the last round is over" told_says
number_is "an answered client is not notified again: sent in all rounds" \
	"$(counter b told_dead)" -lt \
	$((2 * 2 * CROWD))
number_is "the cut off know nothing yet" "$(cut_ended)" -eq 0
ANSWERED=$(counter b answered_dead)
must lab_link client1 up
within 20 "the cut off clients are notified when they send a packet" cut_told "$CUT"
number_is "each by the exact RST of the new owner" \
	"$(counter b answered_dead)" -ge $((ANSWERED + CUT))
ask_audience cut status
number_is "which they notice as a reset" "$(field "$REPLY_AUDIENCE" reset)" -eq "$CUT"

ask_audience crowd join
within 40 "the $CROWD come in again, to the peer" gathered crowd
number_is "while nobody else took the VIP: owner changes" "$(field "$REPLY_ARP" changes)" -eq 1
test_end
