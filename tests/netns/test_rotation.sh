#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The secret is replaced under fifty players, in the three steps of docs/operation.md, on one node
# after the other: nobody is disconnected, the VIP stays, replication goes on. VRRP is version 2,
# whose password is derived from the secret.
#
# Then what goes wrong without the steps: a reload or an upgrade that would make the nodes deaf to
# each other is refused, and a node that was started with another secret is named as such.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"

NEW_SECRET=new-secret-9876543210
OLD="\"$LAB_SECRET\"" NEW="\"$NEW_SECRET\""
DEAF="peer primary signs with a secret that the file does not have"
export LAB_CONF_EXTRA="$PATIENT vrrp { version = 2 }"

write_secret() { sed -i "s/^secret = .*/secret = $2/" "$LAB_DIR/$1/hokm-xdp.conf"; }
results() { lab_ctl "$1" events --recent 1000 --kind config | grep -c "$2"; }
has_results() { [ "$(results "$1" "$2")" -ge "$3" ]; }
# reload NODE RESULT ctl_ok|ctl_refused: and wait for the event with this word.
reload() {
	local before
	before=$(results "$1" "$2")
	must "$3" "$1" reload
	must lab_wait 20 has_results "$1" "$2" $((before + 1))
}
heard_more() { status_test "$1" .vrrp.received -ge "$2"; }
answered_more() { counter_test "$1" pulse_answers -ge "$2"; }
acknowledged() { status_test "$1" '.peers[0].replica.received' -ge "$2"; }

# step WORDS SECRETS: on the backup, then on the owner, and what each node hears afterwards.
step() {
	local node
	for node in b a; do
		write_secret $node "$2"
		reload $node reloaded ctl_ok
		must lab_wait 20 heard_more b $(($(status b .vrrp.received) + 1))
		must lab_wait 20 answered_more a $(($(counter a pulse_answers) + 3))
		must lab_wait 20 answered_more b $(($(counter b pulse_answers) + 3))
	done
	within 10 "$1: the players are well" calm
}
# What a node refused for its key.
refused() {
	echo "adverts $(status "$1" .vrrp.discarded.auth)" \
		"pulses $(counter "$1" drop_pulse_tag)" \
		"steered probes $(counter "$1" drop_steer_probe)" \
		"replication $(status "$1" '.peers[0].replica.faults.tag')"
}
says_replaced() { lab_ctl "$1" status | grep -q 'secret is being replaced'; }

rotate() {
	local resyncs refused_a refused_b
	resyncs=$(status b '.peers[0].replica.resyncs')
	refused_a=$(refused a) refused_b=$(refused b)
	observe_mark rotation
	step "both accept the new one" "{$OLD, $NEW}"
	holds "status says that the secret is being replaced" says_replaced a
	step "both sign with the new one" "{$NEW, $OLD}"
	step "the old one is gone" "$NEW"
	observe_mark rotated
	unbroken "rotation"
	holds "the primary owned all the time" owns a
	number_is "full lists replicated" "$(status b '.peers[0].replica.resyncs')" -eq "$resyncs"
	holds "the primary refused nothing more" test "$(refused a)" = "$refused_a"
	holds "and the backup neither" test "$(refused b)" = "$refused_b"
}

wrong_secret() {
	write_secret b "$OLD"
	reload b 'reload refused' ctl_refused
	within 10 "a reload that would make the nodes deaf is refused" \
		log_says b "reload refused, nothing changed: $DEAF"
	holds "and nothing changed" state_is b backup
	holds "so is an upgrade" ctl_refused b upgrade
	within 10 "for the same reason" log_says b "upgrade refused, nothing changed: $HOKM: $DEAF"
	holds "and nothing changed again" state_is b backup
	must lab_kill b daemon TERM
	must lab_wait 20 lab_gone b daemon
	must lab_daemon b
	within 10 "the owner says that the secrets differ" event a peer "backup: the secrets differ"
	within 10 "status says it too" status_is a '.peers[0].secrets_differ' true
	within 10 "the other node says it as well" event b peer "primary: the secrets differ"
	within 10 "the log has the reason" log_says a "peer backup reason=secrets-differ"
}

test_pair
rotate
wrong_secret
test_end
