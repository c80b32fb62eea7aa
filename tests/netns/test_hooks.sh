#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# Hooks: what they are told, as whom and in which order they run; and that a hook which waits,
# hangs, fails or does not exist delays no failover and no later hook for longer than its timeout.
#
# All hooks are one script. It notes its arguments and variables in NODE.log, and then does what the
# file NODE.mode says.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

HOOKS=$LAB_DIR/hooks
PATIENT_MS=60000 # no hook of a part that moves the VIP meanwhile may run out of time
TIMEOUT_MS=3000
GRACE_MS=2000 # between SIGTERM and SIGKILL
export \
	LAB_CONF_EXTRA="hooks { before = \"$HOOKS/hook\" after = \"$HOOKS/hook\" timeout = \"${PATIENT_MS}ms\" }"

write_hook() {
	mkdir "$HOOKS" && chmod 777 "$HOOKS" && cat >"$HOOKS/hook" <<-END && chmod 755 "$HOOKS/hook"
		#!/bin/sh
		cd "$HOOKS"
		log=\$HOKM_NODE.log
		what="\$HOKM_WHEN \$HOKM_STATE"
		echo "begin \$what: \$*; user=\$(id -un) groups=\$(id -Gn) \$(env | grep ^HOKM_ | sort | tr '\\n' ' ')" >>\$log
		case \$(cat \$HOKM_NODE.mode 2>/dev/null) in
		fail) echo "words of a hook that fails"; exit 3 ;;
		signal) kill -s USR1 \$\$ ;;
		wait) while [ ! -e go ]; do sleep 0.01; done ;;
		hang)
			trap 'date +%s%3N >terminated' TERM
			(trap '' TERM; exec tail -f /dev/null) &
			echo \$\$ \$! \$(date +%s%3N) >hung.new
			mv hung.new hung
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
hooks_are() { [ "$(status "$1" ".hooks.$2")" = "$3" ]; }
hooks_idle() {
	[ "$(grep -c ^begin "$(log_of "$1")")" = "$(grep -c ^end "$(log_of "$1")")" ] &&
		hooks_are "$1" waiting 0
}
# Each begin is followed by its own end.
one_at_a_time() {
	awk '/^begin/ { if (open) exit 1; open = $2 " " $3; sub(/:$/, "", open) }
		/^end/ { if ($2 " " $3 != open) exit 1; open = "" }
		END { if (open) exit 1 }' "$(log_of "$1")"
}
begun() {
	sed -n 's/^begin \([a-z]* [a-z]*\):.*/\1/p' "$(log_of "$1")" | tr '\n' ',' | grep -qx "$2"
}

# moves WORDS FROM TO [CMD]: the VIP goes over, and no player notices, whatever the hooks do. CMD
# is run meanwhile.
moves() {
	observe_mark moves
	holds "$1: the owner takes the order" ctl_ok "$2" failover
	${4:-true}
	within 2 "$1: the other node owns" owns "$3"
	within 2 "$1: ARP shows it" owner_is "$3"
	holds "$1: the players are well" calm
	observe_mark moved
	unbroken "$1" 1
	number_is "$1: longest gap in ms" "$(whole "$REPLY_PLAYERS" longest_gap_ms)" -lt 100
}

told_everything() {
	local node="HOKM_INSTANCE=hokm HOKM_NODE=primary HOKM_PRIORITY=110"
	within 5 "the hooks of the start are over" hooks_idle a
	holds "start: after, backup" \
		noted a \
		"begin after backup: INSTANCE hokm BACKUP 110; user=nobody groups=nogroup HOKM_FROM=init $node HOKM_REASON=started HOKM_STATE=backup HOKM_VIPS=$LAB_VIP HOKM_WHEN=after"
	forget a
	moves "failover" a b
	within 5 "failover: its hook is over" hooks_idle a
	holds "failover: one hook" begun a "after backup,"
	holds "failover: it is told all" \
		noted a \
		"begin after backup: INSTANCE hokm BACKUP 110; user=nobody groups=nogroup HOKM_FROM=master $node HOKM_REASON=operator HOKM_STATE=backup HOKM_VIPS=$LAB_VIP HOKM_WHEN=after"
	forget a
	moves "failback" b a
	within 5 "failback: its hooks are over" hooks_idle a
	holds "failback: before and after, in this order" begun a "before master,after master,"
	holds "failback: before is told all" \
		noted a \
		"begin before master: INSTANCE hokm MASTER 110; user=nobody groups=nogroup HOKM_FROM=backup $node HOKM_REASON=handed-over HOKM_STATE=master HOKM_VIPS=$LAB_VIP HOKM_WHEN=before"
	holds "failback: after is told all" \
		noted a \
		"begin after master: INSTANCE hokm MASTER 110; user=nobody groups=nogroup HOKM_FROM=backup $node HOKM_REASON=handed-over HOKM_STATE=master HOKM_VIPS=$LAB_VIP HOKM_WHEN=after"
	holds "hooks run one at a time" one_at_a_time a
	holds "the peer is told of itself" \
		noted b \
		"begin before master: INSTANCE hokm MASTER 100; user=nobody groups=nogroup HOKM_FROM=backup HOKM_INSTANCE=hokm HOKM_NODE=backup HOKM_PRIORITY=100"
}

serial() {
	forget a
	mode a wait
	moves "hooks wait, failover" a b
	moves "hooks wait, failback" b a
	holds "hooks wait: only the first was begun" begun a "after backup,"
	holds "hooks wait: the others are queued" hooks_are a waiting 2
	touch "$HOOKS/go"
	within 5 "they go on: all are over" hooks_idle a
	holds "they go on: in order" begun a "after backup,before master,after master,"
	holds "they go on: one at a time" one_at_a_time a
	holds "they go on: none ran out of time" hooks_are a timed_out 0
}

reloads() { lab_ctl "$1" events --recent 1000 --kind config | grep -c reloaded; }
reloaded() { [ "$(reloads "$1")" -gt "$2" ]; }
# timeout_is MS: of a's hooks from now on.
timeout_is() {
	local before
	before=$(reloads a)
	sed -i "s/timeout = \"[0-9]*ms\"/timeout = \"$1ms\"/" "$LAB_DIR/a/hokm-xdp.conf"
	must ctl_ok a reload
	must lab_wait 10 reloaded a "$before"
}

# watch_end PID...: notes the moment at which the last of them ended.
watch_end() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	LAB_STDOUT=$HOOKS/ended lab_spawn a watch bash -c 'for pid; do
			while read -r _ _ state _ <"/proc/$pid/stat" && [ "$state" != Z ]; do sleep 0.02; done
		done
		date +%s%3N' - "$@"
}

# The hook and its child are seen alive as soon as it was begun, or a slow machine would come too
# late.
hung_lives() {
	local pid child
	within 2 "a hook hangs: it was begun" test -s "$HOOKS/hung"
	read -r pid child HUNG_MS <"$HOOKS/hung"
	watch_end "$pid" "$child"
	holds "a hook hangs: it and its child live" test -d "/proc/$child"
	mode a record
}

hangs() {
	local start
	timeout_is $TIMEOUT_MS
	mode a hang
	forget a
	start=$(lab_now_ms)
	moves "a hook hangs, failover" a b hung_lives
	moves "a hook hangs, failback" b a
	within 10 "a hook hangs: its time is up" hooks_are a timed_out 1
	within 10 "a hook hangs: its whole group is killed" test -s "$HOOKS/ended"
	number_is "a hook hangs: it had its timeout, ms" $(($(cat "$HOOKS/terminated") - start)) \
		-ge $TIMEOUT_MS
	number_is "a hook hangs: ms until its group was killed" \
		$(($(cat "$HOOKS/ended") - HUNG_MS)) -le \
		$((TIMEOUT_MS + GRACE_MS + 1500))
	within 5 "a hook hangs: the log says it" \
		log_says a "was killed: it ran longer than $TIMEOUT_MS ms"
	within 5 "a hook hangs: the next ones run afterwards" noted a "end after master"
	holds "a hook hangs: they are those that waited" begun a \
		"after backup,before master,after master,"
}

fails() {
	mode a fail
	moves "a hook fails, failover" a b
	within 5 "a hook fails: counted" hooks_are a failed 1
	within 5 "a hook fails: the log says how" \
		log_says a "hook $HOOKS/hook (after) failed: exit status 3"
	holds "a hook fails: its output is in the log" \
		log_says a "hook $HOOKS/hook: words of a hook that fails"
	mode a signal
	moves "a hook dies, failback" b a
	within 5 "a hook dies: counted" hooks_are a failed 3
	within 5 "a hook dies: the log says how" \
		log_says a "hook $HOOKS/hook (before) was killed by signal 10"
}

missing() {
	rm "$HOOKS/hook"
	moves "no hook, failover" a b
	within 5 "no hook: counted" hooks_are a not_started 1
	holds "no hook: the log says it" \
		log_says a "hook $HOOKS/hook was not run: No such file or directory"
	echo 'exit 0' >"$HOOKS/hook"
	moves "hook not executable, failback" b a
	within 5 "hook not executable: counted" hooks_are a not_started 3
	holds "hook not executable: the log says it" \
		log_says a "hook $HOOKS/hook was not run: Permission denied"
	rm "$HOOKS/hook"
}

# FAULT and the end have their words, too; the daemon that stops waits for its last hook.
fault_and_stop() {
	rm -r "$HOOKS"
	must write_hook
	must lab_kill a game KILL
	within 10 "fault: noted" noted a "begin after fault: INSTANCE hokm FAULT 110; user=nobody"
	within 5 "fault: with its reason" noted a "HOKM_REASON=service-down"
	must lab_game a
	within 10 "clear: noted" noted a "begin after backup: INSTANCE hokm BACKUP 110; user=nobody"
	must lab_kill a daemon TERM
	within 10 "stop: the daemon ends" lab_gone a daemon
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
must lab_wait 10 owner_is a
told_everything
serial
hangs
fails
missing
fault_and_stop
test_end
