# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The results of the demo: how each event affected the players, the promises, the table, the JSON
# file.
#
# RESULT[STACK.EVENT.KEY] holds the numbers, JSON_EVENTS the lines of the events, and
# BROKEN_PROMISES the promises that were broken.

declare -A RESULT
BROKEN_PROMISES=()
JSON_EVENTS=()
# What the table of a stack shows, in this order.
PAIR_EVENTS=(failover failback game-killed game-hung daemon-killed node-dead)
WITNESS_EVENTS=(daemon-killed node-dead cut cut-off)
declare -A TITLES=(
	[failover]="planned failover"
	[failback]="failback"
	[game-killed]="game process killed"
	[game-hung]="game unresponsive"
	[daemon-killed]="failover daemon killed"
	[node-dead]="owner node dead"
	[cut]="cut between the nodes"
	[cut-off]="owner cut off from both"
)

# refused REPLY: attempts that were refused or timed out. An attempt that the dying process has
# accepted may fail, too: it is a connection, and is reset like the others.
refused() { jq '[.failed_by.refused, .failed_by.timeout] | map(. // 0) | add' <<<"$1"; }

# record STACK EVENT: takes the two replies of the mark that ended the event's window.
record() {
	local at=$1.$2
	RESULT[$at.broken]=$(field "$REPLY_PLAYERS" broken)
	RESULT[$at.failed]=$(field "$REPLY_PLAYERS" failed_attempts)
	RESULT[$at.refused]=$(refused "$REPLY_PLAYERS")
	RESULT[$at.reconnect_failed]=$(field "$REPLY_PLAYERS" reconnect_failed)
	RESULT[$at.tried]=$(field "$REPLY_PLAYERS" attempts)
	RESULT[$at.gap]=$(whole "$REPLY_PLAYERS" longest_gap_ms)
	RESULT[$at.outage]=$(whole "$REPLY_PLAYERS" outage_ms)
	RESULT[$at.served]=$(whole "$REPLY_PLAYERS" last_failed_ms)
	RESULT[$at.not_back]=$(field "$REPLY_PLAYERS" not_back)
	RESULT[$at.inconsistent]=$(field "$REPLY_PLAYERS" inconsistent)
	RESULT[$at.moved]=$(whole "$REPLY_ARP" moved_ms)
	RESULT[$at.changes]=$(field "$REPLY_ARP" changes)
	RESULT[$at.two]=$(field "$REPLY_ARP" two_owner_rounds)
	json_event "$1" "$2"
}

# json_event STACK EVENT: keeps the replies of the mark for the JSON file.
json_event() {
	local line="{\"stack\":\"$1\",\"event\":\"$2\","
	[ -z "${RESULT[$1.$2.owners]+set}" ] || line+="\"owns\":\"$(owners_words "$1.$2")\","
	JSON_EVENTS+=("$line\"players\":$REPLY_PLAYERS,\"owner\":$REPLY_ARP}")
}

# record_restore STACK EVENT: the same for the time of the repair.
record_restore() {
	local at=$1.$2
	RESULT[$at.restore_broken]=$(field "$REPLY_PLAYERS" broken)
	RESULT[$at.restore_failed]=$(field "$REPLY_PLAYERS" failed_attempts)
	RESULT[$at.restore_two]=$(field "$REPLY_ARP" two_owner_rounds)
	json_event "$1" "$2-restored"
}

# record_owners EVENT: who owns with a witness. That it takes a moment is no fault.
record_owners() {
	lab_wait 5 ask_kernels || true
	RESULT[witness.$1.owners]=$OWNERS
	RESULT[witness.$1.owner_count]=${#OWNERS}
}

# promise EVENT KEY OP LIMIT WORDS: of the stack JUDGED. Only hokm-xdp promises.
promise() {
	local value=${RESULT[$JUDGED.$1.$2]:-} title=${TITLES[$1]}
	[ "$JUDGED" != witness ] || title+=" (with a witness)"
	if [ -z "$value" ] || ! test "$value" "$3" "$4"; then
		BROKEN_PROMISES+=("$title: $5, but it was ${value:-not measured}")
	fi
}

# Master_Down_Interval of the backup in ms: 3 adverts and the skew time of priority 100, rounded up.
# VRRPv3 (fast, advert 100 ms) scales the skew with the advert interval. VRRPv2 (standard, 1 s) does
# not, which is the same at one second.
master_down_ms() {
	local advert=100
	[ "$PROFILE" = fast ] || advert=1000
	echo $((3 * advert + ((256 - 100) * advert + 255) / 256))
}

# Until when, from the event, new players may reach an unresponsive game process.
hung_ms() { [ "$PROFILE" = fast ] && echo 300 || echo 1000; }

# A notified player connects again after its back-off, at most 100 ms.
BACK_OFF_MS=100
# When the last player is notified: after the new owner owns, and after a service is down.
NOTIFIED_DEAD_MS=150 NOTIFIED_DOWN_MS=100

# promise_all EVENT...: what is promised of every event.
promise_all() {
	local event
	for event in "$@"; do
		promise "$event" two -eq 0 "two nodes never own the VIP"
		promise "$event" not_back -eq 0 "every player is served again"
		promise "$event" inconsistent -eq 0 "no player sees a wrong counter"
	done
}
promise_restored() {
	local event
	for event in "$@"; do
		promise "$event" restore_two -eq 0 "two nodes never own the VIP"
	done
}
promise_moved() {
	local event
	for event in "$@"; do promise "$event" changes -gt 0 "the peer takes over"; done
}
promise_daemon_killed() {
	promise daemon-killed broken -eq 0 "no established connection breaks"
	promise daemon-killed restore_broken -eq 0 "the start of the daemon breaks no connection"
}
# The default of the key players_dead_after: for how long a node shows no sign of life at all before
# another one ends its players.
players_dead_ms() { [ "$PROFILE" = fast ] && echo 300 || echo 1000; }
# promise_notified EVENT: the owner is dead to the next one.
promise_notified() {
	local from="${RESULT[$JUDGED.$1.moved]:-0}" limit
	[ "$from" -gt "$(players_dead_ms)" ] || from=$(players_dead_ms)
	limit=$((from + NOTIFIED_DEAD_MS + BACK_OFF_MS + 250))
	promise "$1" gap -le "$limit" "every player is notified $NOTIFIED_DEAD_MS ms after the\
 new owner and players_dead_after, and comes back"
}

# The default of the key grant: a dead owner is replaced when it is over.
grant_ms() { [ "$PROFILE" = fast ] && echo 30 || echo 100; }
promise_granted() {
	local limit=$(($(grant_ms) + 250))
	promise node-dead moved -le "$limit" "the peer owns within the grant + 250 ms = $limit ms"
}

judge_pair() {
	local event limit
	JUDGED=hokm
	for event in failover failback; do
		promise $event broken -eq 0 "no connection of a player breaks"
		promise $event failed -eq 0 "no connection attempt fails"
		promise $event reconnect_failed -eq 0 "no player fails to come back"
		promise $event gap -lt 100 "the longest gap is below 100 ms"
	done
	limit=$(hung_ms)
	promise game-hung served -le "$limit" "new players are served again within $limit ms"
	promise game-killed refused -eq 0 "no connection attempt is refused or times out"
	promise game-killed gap -le $((250 + BACK_OFF_MS)) \
		"every player is back 250 ms after its back-off at the latest"
	# The service going down is what moves the ownership, so it is not later than that.
	limit=$(("${RESULT[hokm.game-hung.moved]:-0}" + NOTIFIED_DOWN_MS + BACK_OFF_MS + 250))
	promise game-hung gap -le "$limit" \
		"every player is notified within $NOTIFIED_DOWN_MS ms of DOWN and comes back"
	promise_notified node-dead
	promise_daemon_killed
	promise_granted
	promise_moved "${PAIR_EVENTS[@]}"
	promise_all "${PAIR_EVENTS[@]}"
	promise_restored "${PAIR_EVENTS[@]}"
}

judge_witness() {
	local event limit
	JUDGED=witness
	promise_granted
	# The rules that cut take the switch some time, too.
	limit=$(($(grant_ms) + 500))
	promise cut-off moved -le "$limit" "the peer owns within the grant + 500 ms = $limit ms"
	promise cut changes -eq 0 "the owner stays"
	promise cut broken -eq 0 "no connection of a player breaks"
	promise_notified node-dead
	promise_daemon_killed
	promise_moved daemon-killed node-dead cut-off
	promise_all "${WITNESS_EVENTS[@]}"
	promise_restored daemon-killed cut cut-off
	for event in "${WITNESS_EVENTS[@]}"; do
		promise "$event" owner_count -eq 1 "one node owns, as the kernels say"
	done
}

# Start of the last attempt that failed, from the event.
served() { [ "${RESULT[$1.failed]}" = 0 ] && echo 'at once' || echo "${RESULT[$1.served]} ms"; }

# The longest time that a player whose connection broke was without an answer.
back() { [ "${RESULT[$1.broken]}" = 0 ] && echo '-' || echo "${RESULT[$1.gap]} ms"; }

# The nodes that own, as their kernels say.
owners_words() {
	case ${RESULT[$1.owners]:-} in
	a | b) lab_name "${RESULT[$1.owners]}" ;;
	ab) echo both ;;
	*) echo nobody ;;
	esac
}

# One cell a column, "-" for what was not measured.
cells() {
	local at=$1.$2 new=stays
	if [ -z "${RESULT[$at.broken]:-}" ]; then
		printf ' %7s %11s %8s %8s %9s %9s %10s %7s' - - - - - - - -
		return
	fi
	[ "${RESULT[$at.changes]}" = 0 ] || new="${RESULT[$at.moved]} ms"
	printf ' %7s %11s %8s %8s %9s %9s %10s %7s' "${RESULT[$at.broken]}" \
		"${RESULT[$at.failed]}/${RESULT[$at.tried]}" "${RESULT[$at.refused]}" \
		"$(served "$at")" "${RESULT[$at.gap]} ms" "$(back "$at")" "$new" \
		"$([ "${RESULT[$at.two]}" = 0 ] && echo never || echo $((RESULT[$at.two] * 5)) ms)"
	[ "$1" != witness ] || printf ' %8s' "$(owners_words "$at")"
}

# table STACK...: stacks with the same events. With a witness there is a column more.
table() {
	local event stack wide=76 format=' | %6s %11s %8s %8s %9s %9s %10s %7s'
	local first=(players attempts 'refused,' served longest 'broken:' 'new owner' two)
	local second=(broken failed timeout again gap 'all back' after owners)
	local events=("${PAIR_EVENTS[@]}")
	if [ "$1" = witness ]; then
		events=("${WITNESS_EVENTS[@]}") wide=$((wide + 9))
		format+=' %8s' first+=(owner) second+=(now)
	fi
	echo
	printf '%-24s' ""
	for stack in "$@"; do
		printf ' | %-*s' $wide "${STACK_NAME[$stack]}, profile ${STACK_PROFILE[$stack]}"
	done
	printf '\n%-24s' "event"
	# shellcheck disable=SC2059 # the format is a constant
	for stack in "$@"; do printf "$format" "${first[@]}"; done
	printf '\n%-24s' ""
	# shellcheck disable=SC2059
	for stack in "$@"; do printf "$format" "${second[@]}"; done
	echo
	printf '%.0s-' $(seq $((24 + (wide + 3) * $#)))
	echo
	for event in "${events[@]}"; do
		printf '%-24s' "${TITLES[$event]}"
		for stack in "$@"; do printf ' |%s' "$(cells "$stack" "$event")"; done
		echo
	done
	echo
}

# json FILE: the complete lines of the tools.
json() {
	local line comma="" words
	{
		printf '{"profile":"%s","players":%d,"master_down_ms":%d,"promises_broken":[' \
			"$PROFILE" "$PLAYERS" "$(master_down_ms)"
		for words in "${BROKEN_PROMISES[@]}"; do
			printf '%s"%s"' "$comma" "$words"
			comma=,
		done
		printf '],"events":['
		comma=""
		for line in "${JSON_EVENTS[@]}"; do
			printf '%s\n%s' "$comma" "$line"
			comma=,
		done
		printf ']}\n'
	} >"$1"
}
