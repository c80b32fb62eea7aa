#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# Three nodes without a witness, with arbiter = majority: two of the three must grant the owner.
#
#   reload   from VRRP's timers to the majority, one node after the other: nobody notices
#   cut      the owner is cut from both others: it ends, and the next one owns within two grants
#   aside    the owner keeps one of the others: nothing moves
#   planned  failover and failback: nobody notices
#   dead     the owner dies: the next one owns within two grants
#   alone    that one dies too: the last one owns nothing, and status says why
#   back     one of them boots: there is an owner again

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

three_in_touch() { in_touch a 3 && in_touch b 3 && in_touch c 3; }
# The owner by VRRP's timers grants nobody for five seconds after its reload, not even itself.
all_grant() {
	status_is a .grants.silent_ms 0 && status_is b .grants.silent_ms 0 &&
		status_is c .grants.silent_ms 0
}
# in_time WORDS: the next owner is there within two grants.
in_time() {
	number_is "$1: ms until the next one owned" "$(whole "$REPLY_ARP" moved_ms)" \
		-le $((2 * ${GRANT%ms}))
}
# decides WORD: the files of all nodes have this arbiter from now on.
decides() {
	LAB_CONF_EXTRA="grant = $GRANT
arbiter = $1
$PATIENT" lab_conf a b c
}
one_at_a_time() { # WORDS
	window "${1//[ ,]/-}"
	gap_counts
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $1: $REPLY_ARP"
}

# The owner reads the file first: VRRP's timers decide until two members grant it.
reload() {
	# What was promised before the daemons began is over.
	must lab_wait 20 status_test c .uptime_ms -ge $((READY_MS + 5200))
	observe_mark reload
	must decides majority
	must ctl_ok a reload
	holds "reload: VRRP's timers decide until a second one has read it" \
		status_is a .grants.in_force false
	must ctl_ok b reload
	holds "reload: the backup grants at once" status_is b .grants.silent_ms 0
	must ctl_ok c reload
	holds "reload: the third node grants at once" status_is c .grants.silent_ms 0
	within 2 "reload: so the owner has two of three" in_touch a 3
	within 20 "reload: all are in touch" three_in_touch
	within 20 "reload: all grant" all_grant
	observe_mark moved
	unbroken reload
	holds "reload: the owner stays" owns a
}

cut_off() {
	observe_mark cut
	must cut "$(cut_between a b) $(cut_between a c)"
	within 10 "cut: the backup owns" owner_is b
	observe_mark healed
	in_time cut
	one_at_a_time cut
	within 10 "cut: the former owner is none" owns_not a
	within 10 "cut: the reason is known" event a state no-majority
	holds "cut: one owner" only_owner b
	must uncut
	within 20 "cut: all are in touch again" three_in_touch
	within 20 "cut: the preferred node owns again" only_owner a
	within 10 "cut: ARP shows it" owner_is a
	observe_mark moved
	one_at_a_time "cut, and healed"
}

aside() {
	must lab_wait 20 calm
	observe_mark aside
	must cut "$(cut_between a b)"
	within 10 "aside: the owner keeps the third node" in_touch a 2
	within 10 "aside: Master_Down is over" \
		status_is b '.peers[] | select(.name == "primary") | .seen_ms >= 1000' true
	holds "aside: the owner stays" only_owner a
	must uncut
	within 10 "aside: all are in touch again" three_in_touch
	observe_mark moved
	one_at_a_time aside
	number_is "aside: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
}

dead() {
	observe_mark dead
	must lab_link a down
	within 10 "dead: the backup owns" owner_is b
	observe_mark moved
	in_time dead
	one_at_a_time dead
	must lab_node_dead a
	holds "dead: the third one does not own" owns_not c
}

alone() {
	must lab_node_dead b
	within 10 "alone: it knows" in_touch c 1
	within 10 "alone: Master_Down is over" status_is c '[.peers[].seen_ms >= 2000] | all' true
	holds "alone: it does not own" owns_not c
	holds "alone: nor has it the VIP" has_no_vip c
	within 10 "alone: the reason is known" event c state isolated
	lab_ctl c status >"$LAB_DIR/status"
	holds "alone: status says what is missing" \
		grep -q "grants     2 of 3 members needed, 1 in touch" "$LAB_DIR/status"
}

# It grants nobody for the first five seconds.
back() {
	must lab_node_alive b
	must lab_game b
	must lab_daemon b
	within 30 "back: there is an owner" one_of_them_owns
	within 20 "back: two are in touch" in_touch c 2
}
one_of_them_owns() { owns b || owns c; }

export LAB_CONF_EXTRA="grant = $GRANT
arbiter = none
$PATIENT"
test_nodes a b c
must owners_start a b c
READY_MS=$(status c .uptime_ms)
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
must lab_wait 20 owner_is a
window start
reload
cut_off
aside
planned a b
planned b a
dead
alone
back
window back
never_two
gaps_are "${GRANT%ms}" $((2 * ${GRANT%ms}))
test_end
