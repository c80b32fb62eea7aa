#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 60 s
#
# Two nodes go by reloads from each arrangement to each other one: VRRP's timers, the gateway, a
# witness, and a real etcd. These are twelve changes, and each is made once with the owner first and
# once with the backup first. In between one node goes by the one file, and its peer by the other,
# for longer than VRRP's timers wait. There is one owner at every moment, which stays the same, and
# nobody notices. Status shows what decides, and who the members are.

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

URL=http://$(lab_addr w):2379
# Each change from one arrangement to another one is a step of this walk.
WALK="timers gateway timers witness timers etcd gateway witness gateway etcd witness etcd timers"
CHANGES=

side_by_side owner backup

serves() {
	lab_run w curl -sf -m 2 -X POST -d '{}' "$URL/v3/maintenance/status" |
		grep -q '"leader":"[1-9]'
}
# keys ARRANGEMENT
keys() {
	case $1 in
	timers) echo "arbiter = none" ;;
	gateway) printf 'arbiter = gateway\ngateway = "%s"\n' "$(lab_addr client)" ;;
	witness) lab_witness_conf w ;;
	etcd) printf 'arbiter = etcd\netcd { endpoints = "%s" timeout = "100ms" }\n' "$URL" ;;
	esac
}
# file ARRANGEMENT: both nodes have it from now on. What a busy machine does to games is not judged.
file() {
	LAB_CONF_EXTRA="$PATIENT_CHECKS passive { enabled = no }
grant = $GRANT
$(keys "$1")" lab_conf a b
}

# reads NODE ARRANGEMENT: what status says that decides for this node.
reads() {
	case $2 in
	timers) status_is "$1" '.grants == null and .arbiter == null' true ;;
	gateway) status_is "$1" '.arbiter.kind // ""' gateway ;;
	witness) status_is "$1" '.arbiter == null and .grants.members == 3 and
		any(.grants.others[]; .witness)' true ;;
	etcd) status_is "$1" '.grants == null and .arbiter.kind == "etcd"' true ;;
	esac
}
# goes_by NODE ARRANGEMENT: it is in force, and what decides has answered.
goes_by() {
	case $2 in
	timers) reads "$1" timers ;;
	gateway) status_is "$1" '.arbiter.kind == "gateway" and .arbiter.answered_ms != null and
		.grants.in_force and .grants.majority == 2 and .grants.members == 3 and
		([.grants.others[] | select(.stand_in) | .name] == ["gateway"]) and
		all(.grants.others[]; .witness | not)' true ;;
	witness) status_is "$1" '.arbiter == null and
		.grants.in_force and .grants.majority == 2 and .grants.members == 3 and
		.grants.in_touch == 3 and
		([.grants.others[] | select(.witness) | .answered_ms < 1000] == [true]) and
		all(.grants.others[]; .stand_in | not)' true ;;
	etcd) status_is "$1" '.grants == null and .arbiter.kind == "etcd" and
		.arbiter.phase == "not-needed" and .arbiter.problem == null and
		.arbiter.revision != null' true ;;
	esac
}
both_go_by() { goes_by a "$1" && goes_by b "$1"; }
# Where grants decide, both members beside it have promised themselves to the owner, or the gateway
# could.
granted() {
	case $1 in
	gateway) status_is a '[.grants.others[] | select(.stand_in | not) | .granted_ms > 0 and
		.holder == null] == [true] and .grants.promised_to == "primary"' true ;;
	witness) status_is a 'all(.grants.others[]; .granted_ms > 0) and
		.grants.promised_to == "primary"' true ;;
	*) true ;;
	esac
}
agree() { status_is "$1" '[.peers[0].differs[]?.name] | join(" ")' ""; }

# The nodes go by different files for longer than Master_Down.
apart() { [ "$(lab_now_ms)" -ge $((READ_MS + $(master_down_ms) + 300)) ]; }

# step FROM TO
step() {
	local words="$PART first, $1 to $2" before=a after=b node two=$TWO
	[ "$PART" = owner ] || { before=b after=a; }
	must file "$2"
	window "$1-$2"
	holds "$words: $(lab_name $before) takes the file" ctl_ok $before reload
	within 10 "$words: $(lab_name $before) goes by it" reads $before "$2"
	READ_MS=$(lab_now_ms)
	must lab_wait 20 apart
	holds "$words: the owner stays" only_owner a
	holds "$words: $(lab_name $after) takes it too" ctl_ok $after reload
	within 20 "$words: it is in force" both_go_by "$2"
	within 20 "$words: the owner is granted" granted "$2"
	for node in a b; do within 10 "$words: $node agrees" agree $node; done
	holds "$words: the owner stays to the end" only_owner a
	window between
	number_is "$words: overlaps of two owners" $((TWO - two)) -eq 0
	CHANGES+=" $1-$2"
}

walk() {
	local last='' next
	for next in $WALK; do
		[ -z "$last" ] || step "$last" "$next"
		last=$next
	done
	# shellcheck disable=SC2086 # words
	number_is "different changes" "$(printf '%s\n' $CHANGES | sort -u | wc -l)" -eq 12
}

export LAB_CONF_EXTRA
must lab_up a b w
must file witness
must lab_witness w
must lab_spawn w etcd etcd --name m --data-dir "$LAB_DIR/etcd" \
	--listen-client-urls http://0.0.0.0:2379 --advertise-client-urls "$URL" \
	--logger zap --log-level warn
within 20 "start: etcd serves" serves
must file timers
for node in a b; do
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
# A node that has just started grants nobody for five seconds.
for node in a b; do must lab_wait 20 status_test $node .uptime_ms -ge 5500; done
must lab_wait 20 both_go_by timers
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a
EPOCH=$(status a .epoch)
observe_mark walk
walk
observe_mark end
unbroken "all changes"
holds "all changes: the owner is still in its first term" status_is a .epoch "$EPOCH"
never_two
test_end
