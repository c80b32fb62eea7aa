#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 20 s
#
# The wall clocks of both nodes are set forward and back by hours (wall_clock.c), those of the two
# nodes in opposite directions. Nothing follows from it: no connection breaks, the VIP stays, checks
# find a dead game, a message tells how long the fault really lasted, no reminder comes early or
# stays away. A daemon that is killed between two steps is followed by its peer, and the timeline of
# both nodes has the right order.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/wall_step.sh
. "$TESTS_DIR/wall_step.sh"

HOURLY=9080 # ports of two receivers: what a channel sent is in the file LAB_DIR/got.PORT
OFTEN=9081
MORE_ADVERTS=20
FORWARD=18000 # seconds
BACK=-32400
LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		notify hourly {
			type = webhook endpoint = "http://$(lab_addr client):$HOURLY/"
			kinds = service severity = info group = 0s rate = 3600 repeat = 60m
		}
		notify often {
			type = webhook endpoint = "http://$(lab_addr client):$OFTEN/"
			kinds = service severity = info group = 0s rate = 3600 repeat = 1s
		}
	END
)
export LAB_CONF_EXTRA

# step NODE SECONDS: the wall clock of the node is ahead of the machine's by so much from now on.
step() { wall_step "$LAB_DIR/$1/etc/wall-step" "$2"; }

# The daemon, in a mount namespace whose /etc makes each process read the clock of the node.
clocked_daemon() {
	local etc=$LAB_DIR/$1/etc file
	mkdir -p "$etc" && chmod 755 "$LAB_DIR/$1" "$etc" || return 1
	for file in passwd group nsswitch.conf ld.so.cache hosts localtime; do
		[ ! -e "/etc/$file" ] || cp -L "/etc/$file" "$etc/" || return 1
	done
	echo "$LAB_BUILD/tests/netns/wall_clock.so" >"$etc/ld.so.preload"
	[ -e "$etc/wall-step" ] || step "$1" 0 || return 1
	# shellcheck disable=SC2016 # for the inner shell
	lab_spawn "$1" daemon unshare --mount --propagation private /bin/sh -c \
		'mount --bind "$1" /etc && exec "$2" run -c "$3"' - "$etc" \
		"$LAB_BUILD/hokm-xdp" "$LAB_DIR/$1/hokm-xdp.conf"
}

in_order() {
	jq -e '.clocks[1].by == "probes" and (.failovers[0] | .from == "primary" and
		.to == "backup" and 0 <= .decision_ms and .decision_ms <= .owned_ms and
		.owned_ms < 10000)' "$LAB_DIR/timeline" >/dev/null
}
receiver_listens() { [ -n "$(lab_run client ss -Hltn "sport = :$1")" ]; }
# messages PORT FILTER: messages of the backup with an event for which the filter of jq is true.
messages() {
	jq -c "select(.node == \"backup\") | select(any(.events[]; $2))" "$LAB_DIR/got.$1" \
		2>/dev/null | wc -l
}
# got PORT COUNT FILTER: so many.
got() { [ "$(messages "$1" "$3")" -ge "$2" ]; }
adverts_go_on() { status_test b .vrrp.received -ge "$1"; }

# steps_pass WORDS SECONDS-A SECONDS-B
steps_pass() {
	step a "$2"
	step b "$3"
	within 10 "$1: adverts go on" adverts_go_on $(($(status b .vrrp.received) + MORE_ADVERTS))
	within 10 "$1: the players are well" calm
	observe_mark "${1// /-}"
	unbroken "$1"
	holds "$1: the primary owns" owns a
	holds "$1: no agent was started again" test \
		"$(status a .agent.restarts)$(status b .agent.restarts)" = 00
}

# fault NTH WORDS SECONDS SECONDS: one of the backup, during which its clock is set twice.
fault() {
	local port
	must lab_kill b game KILL
	for port in $HOURLY $OFTEN; do
		within 10 "$2: the fault is found and reported" got "$port" "$1" \
			'.mark == "news" and .to == "down"'
	done
	reminders_go_on "$2" "$3"
	reminders_go_on "$2" "$4"
	must lab_game b
	for port in $HOURLY $OFTEN; do
		within 10 "$2: the end is reported" got "$port" "$1" '.mark == "over"'
		number_is "$2: messages that say it lasted for more than a minute" \
			"$(messages "$port" '.lasted > 60')" -eq 0
	done
	number_is "$2: reminders of the channel that sends one in an hour" \
		"$(messages $HOURLY '.mark == "still"')" -eq 0
}
reminders_go_on() {
	local so_far
	step b "$2"
	so_far=$(messages $OFTEN '.mark == "still"')
	within 10 "$1: reminders go on" got $OFTEN $((so_far + 2)) '.mark == "still"'
}

must lab_up a b
must lab_conf a b
for node in a b; do
	must lab_game "$node"
	must clocked_daemon "$node"
done
for node in a b; do must lab_wait 20 hokm_ready "$node"; done
for port in $HOURLY $OFTEN; do
	must lab_spawn client "receiver-$port" /usr/bin/python3 -I \
		"$LAB_ROOT/tests/stub/notify_stub.py" 0.0.0.0 "$port" "$LAB_DIR/got.$port"
done
for port in $HOURLY $OFTEN; do must lab_wait 20 receiver_listens "$port"; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
observe_mark start

steps_pass "hours apart" $FORWARD $BACK
steps_pass "the other way round" $BACK $FORWARD
must ctl_ok a failover
within 10 "hours apart: the order is carried out" owns b
number_is "the events of a are dated by its clock" "$(ahead a)" -le $((BACK + 60))
number_is "the events of b are dated by its clock" "$(ahead b)" -ge $((FORWARD - 60))
must lab_ctl b timeline --record >"$LAB_DIR/b.record"
lab_ctl a timeline --json --with "$LAB_DIR/b.record" >"$LAB_DIR/timeline"
holds "the timeline has the order of the events of both nodes" in_order
within 20 "the players are well" calm
must ctl_ok b failover
within 10 "the primary owns again" owns a
within 20 "the players are well" calm
observe_mark orders
unbroken "orders" 2

fault 1 "forward, then back" $((2 * FORWARD)) $BACK
fault 2 "back, then forward" $((2 * BACK)) $FORWARD

observe_mark before
step a 0
step b $BACK
must lab_kill a daemon KILL
within 10 "the daemon of the owner is killed: the peer owns" owns b
step b 0
within 20 "the players are well" calm
observe_mark killed
unbroken "killed" 1
test_end
