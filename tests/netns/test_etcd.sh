#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 65 s
#
# Two nodes with a real etcd cluster of three members as arbiter, with user and password. While the
# nodes hear each other nothing of the cluster moves anything: its leader killed, all of it stopped,
# all of it back, the processes stopped that ask it, their password renewed. Cut from each other,
# with the cluster in reach of both: exactly one owner, the former one. Then the cluster is stopped
# too: nobody owns. The owner is cut off from all: the other one claims and owns.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

ETCD=$(lab_addr w)
MEMBERS="1 2 3"
PASSWORD=not-a-secret-42
port_of() { echo $((2079 + $1 * 200)); }
url_of() { echo "http://$ETCD:$(port_of "$1")"; }
endpoints() { for m in $MEMBERS; do printf '%s ' "$(url_of "$m")"; done; }
post() { lab_run w curl -sf -m 2 -X POST -d "$3" "$(url_of "$1")/v3/$2"; }

member() {
	local m=$1 all=
	for n in $MEMBERS; do all+="${all:+,}m$n=http://127.0.0.1:$((2080 + n * 200))"; done
	lab_spawn w "etcd$m" etcd --name "m$m" --data-dir "$LAB_DIR/etcd$m" \
		--listen-client-urls "http://0.0.0.0:$(port_of "$m")" \
		--advertise-client-urls "$(url_of "$m")" \
		--listen-peer-urls "http://127.0.0.1:$((2080 + m * 200))" \
		--initial-advertise-peer-urls "http://127.0.0.1:$((2080 + m * 200))" \
		--initial-cluster "$all" --logger zap --log-level warn
}
serves() { post "$1" maintenance/status '{}' | grep -q '"leader":"[1-9]'; }
leads() {
	post "$1" maintenance/status '{}' | jq -e '.leader == .header.member_id' >/dev/null
}
# A user who may touch the key of these nodes only.
protect() {
	local key
	key=$(printf '/lab/' | base64)
	post 1 auth/role/add '{"name":"pair"}' &&
		post 1 auth/role/grant "{\"name\":\"pair\",\"perm\":{\"permType\":\"READWRITE\",
			\"key\":\"$key\",\"range_end\":\"$(printf '/lab0' | base64)\"}}" &&
		post 1 auth/user/add "{\"name\":\"root\",\"password\":\"$PASSWORD-root\"}" &&
		post 1 auth/user/add "{\"name\":\"pair\",\"password\":\"$PASSWORD\"}" &&
		post 1 auth/user/grant '{"user":"root","role":"root"}' &&
		post 1 auth/user/grant '{"user":"pair","role":"pair"}' &&
		post 1 auth/enable '{}'
}
each_member() { for m in $MEMBERS; do lab_kill w "etcd$m" "$1"; done; }

phase_is() { status_is "$1" .arbiter.phase "$2"; }
# Its last question was answered, and soon enough for one that has the short time.
asked() {
	status_is "$1" ".arbiter.problem == null and (.arbiter.answered_ms // 99999) < 5500 and
		.arbiter.took_us < 100000" true
}
unanswered() { status_is "$1" '.arbiter.problem != null and .arbiter.answered_ms > 300' true; }
claimed_after() { status_test "$1" .arbiter.revision -gt "$2"; }
times_owner() {
	lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> master"
}
faults() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> fault"; }
both_hear() { hokm_ready a && hokm_ready b; }
# sent MARK REASON: node a has sent such a message. It goes to a's own machine, which is cut off.
sent() {
	[ -e "$GOT" ] && jq -e -n "any(inputs | .events[]; .mark == \"$1\" and .reason == \"$2\" and
		.kind == \"peer\" and .severity == \"critical\" and
		(.advice != \"\") == (\"$1\" == \"news\"))" "$GOT" >/dev/null
}
one_owner() { { owns a && owns_not b; } || { owns b && owns_not a; }; }
nobody() { owns_not a && owns_not b; }
moves() { echo "$(times_owner a) $(times_owner b) $(faults a) $(faults b)"; }
# nothing_moved WORDS BEFORE
nothing_moved() {
	local now
	now=$(moves)
	holds "$1: nothing moved, $2 and $now" test "$now" = "$2"
	holds "$1: the owner stays" owns a
}

credentials() {
	printf 'ETCD_USER=pair\nETCD_PASSWORD=%s\n' "$1" >"$LAB_DIR/etcd.credentials"
	chmod 600 "$LAB_DIR/etcd.credentials"
}

start_cluster() {
	for m in $MEMBERS; do must member "$m"; done
	for m in $MEMBERS; do within 20 "start: member $m serves" serves "$m"; done
	holds "start: the cluster asks for a password" protect
}

leader_killed() {
	local before leader=
	before=$(moves)
	for m in $MEMBERS; do if leads "$m"; then leader=$m; fi; done
	must lab_kill w "etcd$leader" KILL
	must lab_wait 10 lab_gone w "etcd$leader"
	another_asked "leader $leader killed" "$(url_of "$leader")"
	nothing_moved "leader killed" "$before"
	must member "$leader"
	within 20 "leader killed: it is back" serves "$leader"
}

# another_asked WORDS URL: each node has the answer of a member that is not this one.
another_asked() {
	for node in a b; do
		within 20 "$1: $node asked another member" status_is $node \
			".arbiter.problem == null and .arbiter.answered_ms < 2000 and
			.arbiter.address != \"$2\"" true
	done
}

# The member that the owner asks, which is the leader by chance only.
asked_killed() {
	local before url member=
	before=$(moves)
	ask a status .arbiter.address
	url=$ANSWER
	for m in $MEMBERS; do if [ "$(url_of "$m")" = "$url" ]; then member=$m; fi; done
	must lab_kill w "etcd$member" KILL
	must lab_wait 10 lab_gone w "etcd$member"
	another_asked "member $member, which is asked, killed" "$url"
	nothing_moved "asked killed" "$before"
	must member "$member"
	within 20 "asked killed: it is back" serves "$member"
}

cluster_stopped() {
	local before
	before=$(moves)
	each_member STOP
	for node in a b; do
		within 20 "cluster stopped: $node had no answer" unanswered $node
	done
	nothing_moved "cluster stopped" "$before"
	each_member CONT
	for node in a b; do within 20 "cluster back: $node had an answer" asked $node; done
	nothing_moved "cluster back" "$before"
}

# The process of the node that asks etcd.
asker_of() { pgrep -P "$(lab_pid "$1" daemon)" -f etcd-client; }
not_asked() { status_is "$1" '.arbiter.answered_ms > 8000' true; }
asker_stopped() {
	local askers before
	before=$(moves)
	askers="$(asker_of a) $(asker_of b)"
	# shellcheck disable=SC2086 # two numbers
	must kill -STOP $askers
	for node in a b; do
		within 20 "asker stopped: $node had no answer for 8 s" not_asked $node
	done
	nothing_moved "asker stopped" "$before"
	# shellcheck disable=SC2086
	must kill -CONT $askers
	for node in a b; do within 20 "asker goes on: $node had an answer" asked $node; done
	nothing_moved "asker goes on" "$before"
}

renew_password() {
	local token
	token=$(post 1 auth/authenticate "{\"name\":\"root\",\"password\":\"$PASSWORD-root\"}" |
		jq -r .token)
	lab_run w curl -sf -m 2 -H "Authorization: $token" -X POST \
		-d "{\"name\":\"pair\",\"password\":\"$PASSWORD-new\"}" \
		"$(url_of 1)/v3/auth/user/changepw" >/dev/null
}
refused() { status_is "$1" '.arbiter.problem | test("auth|password")' true; }
# A reload reads the file again, without another setting.
password_renewed() {
	local before
	before=$(moves)
	must renew_password
	for node in a b; do
		within 20 "another password: the cluster refuses $node" refused $node
	done
	credentials "$PASSWORD-new"
	for node in a b; do
		must ctl_ok $node reload
		within 20 "another password: $node has it after a reload" asked $node
	done
	nothing_moved "another password" "$before"
}

cut_from_each_other() {
	local before revision
	before=$(moves)
	must cut "$(cut_between a b)"
	within 20 "cut from each other: the owner holds the record" phase_is a holds
	within 20 "cut from each other: the other one sees it" phase_is b other-holds
	ask a status .arbiter.revision
	revision=$ANSWER
	within 20 "cut from each other: the owner claims again" claimed_after a "$revision"
	nothing_moved "cut from each other" "$before"
	holds "cut from each other: the other one is no owner" owns_not b
}

# Still cut from each other.
without_cluster() {
	each_member STOP
	within 20 "and without the cluster: the owner ends" owns_not a
	within 20 "and without the cluster: it says why" event a state etcd-silent
	within 20 "and without the cluster: it is notified" sent news etcd-silent
	within 20 "and without the cluster: the other one is in FAULT" state_is b fault
	holds "and without the cluster: nobody owns" nobody
	each_member CONT
	within 40 "the cluster is back: one owns" one_owner
	holds "the cluster is back: still one" one_owner
	must uncut
	within 30 "all is back: both hear each other" both_hear
	within 30 "all is back: one owns" one_owner
	within 30 "all is back: the primary owns" owns a
	within 20 "all is back: etcd is not needed" phase_is a not-needed
	within 20 "all is back: its end is notified" sent over etcd-answers
	within 20 "all is back: the record is nobody's" status_is a .arbiter.holder null
}

# silent_again BEFORE: there is one more such event of the state than before.
silent() { lab_ctl a events --recent 1000 --kind state | grep -c etcd-silent; }
silent_again() { [ "$(silent)" -gt "$1" ]; }

owner_cut_off() {
	local before
	before=$(silent)
	must cut "$(cut_all a)"
	within 20 "owner cut off: the other one owns" owns b
	holds "owner cut off: it owns by the record" phase_is b holds
	holds "owner cut off: the former owner has ended" owns_not a
	within 20 "owner cut off: it says why" silent_again "$before"
	must uncut
	within 30 "owner back: both hear each other" both_hear
	within 30 "owner back: it owns again" owns a
	holds "owner back: the other one does not" owns_not b
}

# shellcheck disable=SC2155 # endpoints cannot fail
export LAB_CONF_EXTRA="$PATIENT
vrrp { advert = \"500ms\" }
arbiter = etcd
etcd {
  endpoints = \"$(endpoints)\"
  prefix = \"/lab\"
  credentials = \"$LAB_DIR/etcd.credentials\"
  timeout = \"500ms\"
  hold = \"5s\"
}
$(hook_conf 127.0.0.1)"
must lab_up a b w
must receiver_start a
credentials "$PASSWORD"
start_cluster
must lab_conf a b
for node in a b; do
	must lab_game "$node"
	must lab_daemon "$node"
done
within 30 "start: the primary owns" owns a
within 20 "start: both hear each other" both_hear
must observe_start
for node in a b; do
	within 20 "start: $node has read the record" asked "$node"
	within 20 "start: $node does not need it" phase_is "$node" not-needed
done
observe_mark begin
leader_killed
asked_killed
cluster_stopped
asker_stopped
password_renewed
cut_from_each_other
without_cluster
owner_cut_off
observe_mark end
number_is "rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
holds "no password in the logs" test -z "$(grep -rl "$PASSWORD" "$LAB_DIR/log")"
test_end
