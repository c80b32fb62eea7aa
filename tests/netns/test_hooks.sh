#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 35 s
#
# Hooks: the arguments and variables they get, the user they run as and their order. And a hook that
# waits, does not end, fails or does not exist delays no failover, and it delays later hooks for no
# longer than its timeout.
#
# All hooks are one script. It notes its arguments and variables in NODE.log, and then does what the
# file NODE.mode contains.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

HOOKS=$LAB_DIR/hooks
PATIENT_MS=60000 # for hooks that wait while the VIP moves: a slow machine must not exceed it
TIMEOUT_MS=3000
GRACE_MS=2000 # between SIGTERM and SIGKILL
# The longest gap of the median move, and by how much a single one may exceed it: a busy machine
# delays one now and then. A hook that delayed the move would do so until it ends, 60 s.
GAP_MS=100 LATE_MS=900
GAPS=()
export LAB_CONF_EXTRA="$PATIENT
hooks {
	before = \"$HOOKS/hook\"
	after = \"$HOOKS/hook\"
	fault = \"$HOOKS/hook -s 'two words'\"
	timeout = \"${PATIENT_MS}ms\"
}"

write_hook() {
	mkdir "$HOOKS" && chmod 777 "$HOOKS" && cat >"$HOOKS/hook" <<-END && chmod 755 "$HOOKS/hook"
		#!/bin/sh
		cd "$HOOKS"
		log=\$HOKM_NODE.log
		what="\$HOKM_WHEN \$HOKM_STATE"
		variables=\$(env | grep ^HOKM_ | sort | tr '\\n' ' ')
		echo "begin \$what: \$*; user=\$(id -un) groups=\$(id -Gn) \$variables" >>\$log
		case \$(cat \$HOKM_NODE.mode 2>/dev/null) in
		fail) echo "output of a hook that fails"; exit 3 ;;
		signal) kill -s USR1 \$\$ ;;
		wait) while [ ! -e go ]; do sleep 0.01; done ;;
		endless)
			trap 'date +%s%3N >terminated' TERM
			(trap '' TERM; exec tail -f /dev/null) &
			echo \$\$ \$! \$(date +%s%3N) >endless.new
			mv endless.new endless
			while :; do wait; done
			;;
		esac
		echo "end \$what" >>\$log
	END
}

mode() { echo "$2" >"$HOOKS/$(lab_name "$1").mode"; }
log_of() { echo "$HOOKS/$(lab_name "$1").log"; }
noted() { grep -sqF -- "$2" "$(log_of "$1")"; }
forget() { : >"$(log_of "$1")"; }
hooks_are() { status_is "$1" ".hooks.$2" "$3"; }
# count NODE begin|end: lines of the log.
count() { grep -c "^$2" "$(log_of "$1")"; }
hooks_idle() { [ "$(count "$1" begin)" = "$(count "$1" end)" ] && hooks_are "$1" waiting 0; }
# Each begin is followed by its own end.
one_at_a_time() {
	awk '/^begin/ { if (open) exit 1; open = $2 " " $3; sub(/:$/, "", open) }
		/^end/ { if ($2 " " $3 != open) exit 1; open = "" }
		END { if (open) exit 1 }' "$(log_of "$1")"
}
# begun NODE LIST: these hooks, in this order, and no others.
begun() {
	local list
	list=$(sed -n 's/^begin \([a-z]* [a-z]*\):.*/\1/p' "$(log_of "$1")" | tr '\n' ',')
	[ "$list" = "$2" ]
}

# got NODE WHEN STATE FROM REASON: a hook ran, with exactly these arguments and variables.
got() {
	local node=$1 when=$2 state=$3 from=$4 reason=$5 priority=110
	[ "$node" = a ] || priority=100
	noted "$node" "begin $when $state: INSTANCE hokm ${state^^} $priority;$(
		printf ' %s' user=nobody groups=nogroup HOKM_FROM="$from" HOKM_INSTANCE=hokm \
			HOKM_NODE="$(lab_name "$node")" HOKM_PRIORITY=$priority \
			HOKM_REASON="$reason" HOKM_STATE="$state" HOKM_VIPS="$LAB_VIP" \
			HOKM_WHEN="$when")"
}

# moves WORDS FROM TO [CMD]: the VIP moves, and the hooks make no difference to the players. CMD is
# run meanwhile.
moves() {
	observe_mark moves
	holds "$1: the owner takes the order" ctl_ok "$2" failover
	${4:-true}
	within 2 "$1: the other node owns" owns "$3"
	within 2 "$1: ARP shows it" owner_is "$3"
	within 10 "$1: the players are well" calm
	observe_mark moved
	unbroken "$1" 1
	GAPS+=("$(whole "$REPLY_PLAYERS" longest_gap_ms)")
	number_is "$1: longest gap in ms" "${GAPS[-1]}" -lt $((GAP_MS + LATE_MS))
}

everything_passed() {
	within 10 "start: after, backup" got a after backup init started
	within 10 "start: the last hook is over" noted a "end after master"
	within 10 "the hooks of the start are over" hooks_idle a
	forget a
	moves "failover" a b
	within 10 "failover: one hook" begun a "after backup,"
	within 10 "failover: it is over" hooks_idle a
	within 10 "failover: it got everything" got a after backup master operator
	forget a
	moves "failback" b a
	within 10 "failback: before and after, in this order" begun a "before master,after master,"
	within 10 "failback: they are over" hooks_idle a
	within 10 "failback: before got everything" got a before master backup handed-over
	within 10 "failback: after got everything" got a after master backup handed-over
	within 10 "hooks run one at a time" one_at_a_time a
	within 10 "the hooks of the peer got its own values" got b before master backup handed-over
}

serial() {
	forget a
	mode a wait
	moves "hooks wait, failover" a b
	moves "hooks wait, failback" b a
	within 10 "hooks wait: only the first was begun" begun a "after backup,"
	within 10 "hooks wait: the others are queued" hooks_are a waiting 2
	touch "$HOOKS/go"
	within 10 "they go on: all are over" hooks_idle a
	within 10 "they go on: in order" begun a "after backup,before master,after master,"
	within 10 "they go on: one at a time" one_at_a_time a
	within 10 "they go on: none ran out of time" hooks_are a timed_out 0
}

reloads() { lab_ctl "$1" events --recent 1000 --kind config | grep -c reloaded; }
reloaded() { [ "$(reloads "$1")" -gt "$2" ]; }
# timeout_is MS: of a's hooks from now on.
timeout_is() {
	local before
	before=$(reloads a)
	sed -i "s/timeout = \"[0-9]*ms\"/timeout = \"$1ms\"/" "$LAB_DIR/a/hokm-xdp.conf"
	must ctl_ok a reload
	must lab_wait 20 reloaded a "$before"
}

# watch_end PID...: notes the moment at which the last of them ended.
watch_end() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	LAB_STDOUT=$HOOKS/ended lab_spawn a watch bash -c 'for pid; do
			while read -r _ _ state _ <"/proc/$pid/stat" && [ "$state" != Z ]; do
				sleep 0.02
			done
		done
		date +%s%3N' - "$@"
}

# Checked as soon as the hook was begun: on a slow machine its time may be up before the VIP moved.
endless_runs() {
	local pid child
	within 10 "a hook does not end: it was begun" test -s "$HOOKS/endless"
	read -r pid child ENDLESS_MS <"$HOOKS/endless"
	watch_end "$pid" "$child"
	holds "a hook does not end: it and its child run" test -d "/proc/$child"
	mode a record
}

does_not_end() {
	local start
	timeout_is $TIMEOUT_MS
	mode a endless
	forget a
	start=$(lab_now_ms)
	moves "a hook does not end, failover" a b endless_runs
	moves "a hook does not end, failback" b a
	within 10 "a hook does not end: its time is up" hooks_are a timed_out 1
	within 10 "a hook does not end: its whole group is killed" test -s "$HOOKS/ended"
	number_is "a hook does not end: it had its timeout, ms" \
		$(($(cat "$HOOKS/terminated") - start)) -ge $TIMEOUT_MS
	number_is "a hook does not end: ms until its group was killed" \
		$(($(cat "$HOOKS/ended") - ENDLESS_MS)) -le $((TIMEOUT_MS + GRACE_MS + 5000))
	within 10 "a hook does not end: it is logged" \
		log_says a "was killed: it ran longer than $TIMEOUT_MS ms"
	within 10 "a hook does not end: the next ones run afterwards" noted a "end after master"
	within 10 "a hook does not end: they are those that waited" \
		begun a "after backup,before master,after master,"
}

fails() {
	mode a fail
	moves "a hook fails, failover" a b
	within 10 "a hook fails: counted" hooks_are a failed 1
	within 10 "a hook fails: logged with its exit status" \
		log_says a "hook $HOOKS/hook (after) failed: exit status 3"
	within 10 "a hook fails: its output is in the log" \
		log_says a "hook $HOOKS/hook: output of a hook that fails"
	mode a signal
	moves "a hook dies, failback" b a
	within 10 "a hook dies: counted" hooks_are a failed 3
	within 10 "a hook dies: logged with its signal" \
		log_says a "hook $HOOKS/hook (before) was killed by signal 10"
}

missing() {
	rm "$HOOKS/hook"
	moves "no hook, failover" a b
	within 10 "no hook: counted" hooks_are a not_started 1
	within 10 "no hook: logged" \
		log_says a "hook $HOOKS/hook was not run: No such file or directory"
	echo 'exit 0' >"$HOOKS/hook"
	moves "hook not executable, failback" b a
	within 10 "hook not executable: counted" hooks_are a not_started 3
	within 10 "hook not executable: logged" \
		log_says a "hook $HOOKS/hook was not run: Permission denied"
	rm "$HOOKS/hook"
}

permission_is() { status_is "$1" .permission "$2"; }

# The owner's game dies, and the hook of the only other node forbids it to own.
nobody_else() {
	must lab_kill a game KILL
	within 20 "nobody else: the peer is refused" permission_is b refused
	within 20 "nobody else: the former owner takes the VIP back" owns a
	within 10 "nobody else: it steers the players to the game of the peer" calm
	holds "nobody else: its status says why" status_is a '.peers[0].refuses' true
	must lab_game a
	within 20 "nobody else: its game is up again" service_is a up
	holds "nobody else: it owned all the time" owns a
}

back_at_once() { case $(status a .reason) in handed-over | priority-zero) ;; *) false ;; esac; }

# A healthy owner hands over to a node that is refused. It takes the VIP back as soon as it knows.
# Master_Down may be shorter than the time in which a slow machine runs the hook: then once more.
taken_back() {
	for _ in 1 2 3; do
		within 40 "taken back: the former refusal is over" \
			status_is a '.peers[0].refuses' false
		holds "taken back: the owner takes the order" ctl_ok a failover
		within 20 "taken back: the peer is refused" permission_is b refused
		within 20 "taken back: the former owner owns" owns a
		! back_at_once || break
	done
	holds "taken back: it did not wait for Master_Down" back_at_once
}

# A takeover that waits for the hook before: refused, and then permitted.
refuses() {
	local before
	before=$(reloads b)
	rm -r "$HOOKS"
	must write_hook
	mode b fail
	sed -i 's/^hooks {/&\n\tbefore_wait = "60s"/' "$LAB_DIR/b/hokm-xdp.conf"
	must ctl_ok b reload
	must lab_wait 20 reloaded b "$before"
	nobody_else
	taken_back
	must lab_kill a daemon KILL
	within 20 "refused: status shows it" permission_is b refused
	within 10 "refused: it is an event" event b hook "hook before refuses"
	holds "refused: nobody owns" test "$(status b .owner)" = false
	mode b record
	within 30 "permitted: it was asked again, and owns" owns b
	holds "permitted: the hook was over before" \
		test "$(grep -c '^end before master' "$(log_of b)")" = 1
	must lab_daemon a
	must lab_wait 20 hokm_ready a
}

takes_part() { ! state_is "$1" fault && service_is "$1" up; }
hook_runs() { [ "$(count "$1" begin)" -gt "$(count "$1" end)" ]; }

# FAULT and the end of the daemon have hooks, too; a daemon that stops waits for its last hook, also
# when another one runs just then.
fault_and_stop() {
	rm -r "$HOOKS"
	must write_hook
	must lab_kill a game KILL
	within 10 "fault: noted" noted a "begin after fault: INSTANCE hokm FAULT 110; user=nobody"
	within 10 "fault: with its reason" noted a "HOKM_REASON=service-down"
	within 10 "fault: the hook of the state ran before, with the words of the file" \
		noted a "begin after fault: -s two words; user=nobody"
	must lab_game a
	within 10 "clear: noted" noted a "begin after backup: INSTANCE hokm BACKUP 110; user=nobody"
	within 20 "clear: the node takes part again" takes_part a
	within 10 "clear: its hooks are over" hooks_idle a
	mode a wait
	must ctl_ok a maint
	within 10 "stop: a hook runs, and does not end" hook_runs a
	mode a record
	must lab_kill a daemon TERM
	within 20 "stop: the daemon ends" lab_gone a daemon
	within 1 "stop: the hook that ran gave way" log_says a "was killed: the daemon stops"
	holds "stop: noted" noted a "begin after init: INSTANCE hokm STOP 110; user=nobody"
	holds "stop: its hook came to its end" noted a "end after init"
}

must lab_up a b
must write_hook
must lab_conf a b
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
everything_passed
serial
does_not_end
fails
missing
number_is "median of (${GAPS[*]}): longest gap in ms" "$(median "${GAPS[@]}")" -lt $GAP_MS
refuses
fault_and_stop
test_end
