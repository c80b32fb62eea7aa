#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The arbiter etcd with the short times of the profile fast, a password, and a cable between the
# nodes. A node whose peer was never there logs in and owns. A reload with other settings, which
# starts the process that asks anew, takes neither the record nor the VIP from it. Two nodes that
# hear each other over the cable alone do not need the cluster, which is away.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/cable.sh
. "$TESTS_DIR/cable.sh"

URL=http://$(lab_addr w):2379
PASSWORD=not-a-secret-42
post() { lab_run w curl -sf -m 2 -X POST -d "$2" "$URL/v3/$1"; }
serves() { post maintenance/status '{}' | grep -q '"leader":"[1-9]'; }
protect() {
	post auth/user/add "{\"name\":\"root\",\"password\":\"$PASSWORD\"}" &&
		post auth/user/grant '{"user":"root","role":"root"}' && post auth/enable '{}'
} >/dev/null
phase_is() { status_is "$1" .arbiter.phase "$2"; }
claimed_after() { status_test "$1" .arbiter.revision -gt "$2"; }
unanswered() { status_is "$1" '.arbiter.problem != null' true; }
both_hear() { hokm_ready a && hokm_ready b; }
faults() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> fault"; }
paths_answer() { path_answers "$1" 0 "$2" && path_answers "$1" 1 "$3"; }
clients_are() { [ "$(pgrep -c -P "$(lab_pid a daemon)" -f etcd-client)" = "$1" ]; }

alone() {
	local before revision
	must lab_game a
	must lab_daemon a
	within 20 "alone: it owns" owns a
	holds "alone: it owns by the record" phase_is a holds
	before=$(faults a)
	ask a status .arbiter.revision
	revision=$ANSWER
	must sed -i 's/timeout = "100ms"/timeout = "90ms"/' "$LAB_DIR/a/hokm-xdp.conf"
	must ctl_ok a reload
	holds "reload: the record is still held" phase_is a holds
	within 20 "reload: it is claimed again" claimed_after a "$revision"
	holds "reload: it is still held, in the first epoch" status_is a .arbiter.epoch 1
	holds "reload: the owner stays" owns a
	number_is "reload: times in FAULT" "$(faults a)" -eq "$before"
	within 10 "reload: one process asks" clients_are 1
}

over_the_cable() {
	local before
	must lab_game b
	must lab_daemon b
	within 30 "both: they hear each other" both_hear
	for node in a b; do
		within 20 "both: $node over both paths" paths_answer $node true true
		within 20 "both: $node does not need the cluster" phase_is $node not-needed
	done
	before="$(faults a) $(faults b)"
	must cut "$(cut_between a b)"
	for node in a b; do
		within 20 "cable: $node hears the other one over it alone" \
			paths_answer $node false true
	done
	must lab_kill w etcd STOP
	for node in a b; do
		within 20 "cable: the cluster does not answer $node" unanswered $node
		holds "cable: $node does not need it" phase_is $node not-needed
	done
	holds "cable: the owner stays" owns a
	holds "cable: the other one does not own" owns_not b
	holds "cable: nobody was in FAULT" test "$(faults a) $(faults b)" = "$before"
	must lab_kill w etcd CONT
	must uncut
}

export LAB_CONF_EXTRA="arbiter = etcd
etcd {
  endpoints = \"$URL $URL\"
  credentials = \"$LAB_DIR/etcd.credentials\"
  timeout = \"100ms\"
}"
must lab_up a b w
must cable_up
printf 'ETCD_USER=root\nETCD_PASSWORD=%s\n' "$PASSWORD" >"$LAB_DIR/etcd.credentials"
chmod 600 "$LAB_DIR/etcd.credentials"
must lab_spawn w etcd etcd --name m --data-dir "$LAB_DIR/etcd" \
	--listen-client-urls http://0.0.0.0:2379 --advertise-client-urls "$URL" \
	--logger zap --log-level warn
within 20 "start: the member serves" serves
holds "start: it asks for a password" protect
must lab_conf a b
must cable_conf a b
alone
over_the_cable
test_end
