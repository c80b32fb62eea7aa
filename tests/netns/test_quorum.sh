#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures, 30 s
#
# Two nodes and a witness at profile fast, with fifty players and a client that connects again and
# again. The owner has the grants of two of the three members.
#
#   witness   it is stopped, with what answers in its kernel, and started: nothing moves
#   members   a file that changes them too much at once is refused, and one that a peer is behind
#   apart     the nodes are cut from each other, and both see the witness: the owner stays
#   planned   failover and failback: nobody notices
#   alone     the owner is cut from both: it stops owning, and the other one owns
#   stopped   the owner's daemon is stopped, then it is killed: nobody notices
#   dead      the owner's cable is cut: the backup owns as soon as the grants have ended
#
# A node's word that it is owner is read from its kernel's maps: lease and grants. There are
# never two owners, and the next one is in time. Cuts of every other kind are in test_partition.sh.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"

# Until the next node owns: the grants end, and those of the members, which last a little longer;
# then it claims. A busy machine may be late by some grants: the true limit is in
# tools/bench/takeover. The watch notices when the machine itself stands still.
IN_TIME_MS=$((5 * ${GRANT%ms}))

# in_time WORDS: the next owner, by the kernels, since the beginning of the window, which ends here.
in_time() {
	local still
	window after
	still=$(($(field "$REPLY_OWNERS" step_max_us) / 1000))
	number_is "$1: ms until the next node owned" "$(whole "$REPLY_OWNERS" moved_ms)" -gt 0
	number_is "$1: not more than so many" "$(whole "$REPLY_OWNERS" moved_ms)" -le \
		$((IN_TIME_MS + still))
	echo "# $1: $REPLY_OWNERS"
}

one_at_a_time() { # WORDS
	number_is "$1: rounds with two owners" "$(field "$REPLY_ARP" two_owner_rounds)" -eq 0
	echo "# $1: $REPLY_ARP"
}

witness_goes() {
	observe_mark witness
	must lab_stop w witness
	within 10 "witness gone: the owner knows" in_touch a 2
	must lab_witness w
	within 20 "witness back" in_touch a 3
	within 20 "witness back: it grants" witness_grants a
	observe_mark moved
	unbroken "witness gone and back"
	holds "witness gone and back: the owner stays" owns a
}

# The files have these witnesses from now on.
with_witnesses() {
	LAB_CONF_EXTRA="grant = $GRANT
$(printf '%s\n' "$@")" lab_conf a b
}
counts_members() { status_is "$1" .grants.members "$2"; }
differs() { status_is "$1" '[.peers[0].differs[]?.name] | index("node") != null' "$2"; }

# How many reloads were refused because the peer has other members.
behind() { lab_ctl "$1" events --recent 1000 --kind config | grep -c "has other members"; }
behind_more() { [ "$(behind "$1")" -gt "$2" ]; }

# On the backup: the owner needs no one more meanwhile.
members() {
	local here refused second='witness second { address = "192.168.1.61" }'
	here=$(lab_witness_conf w)
	must with_witnesses "$second"
	must ctl_refused b reload
	within 10 "members: a witness in the place of another is refused" \
		event b config "too many members"
	must with_witnesses "$here" "$second"
	must ctl_ok b reload
	within 10 "members: one more is taken" counts_members b 4
	within 10 "members: the peer has not read it" differs b true
	must with_witnesses "$here" "$second" 'witness next { address = "192.168.1.62" }'
	must ctl_refused b reload
	within 10 "members: the next one waits for the peer" event b config "has other members"
	refused=$(behind b)
	must with_witnesses
	must ctl_ok b reload
	within 10 "members: no witness is taken" status_is b '.grants.in_force // false' false
	must with_witnesses 'witness next { address = "192.168.1.62" }'
	must ctl_refused b reload
	within 10 "members: another one instead waits for the peer too" behind_more b "$refused"
	must with_witnesses "$here"
	must ctl_ok b reload
	within 10 "members: the file as before is taken" counts_members b 3
	within 20 "members: all are in touch" all_in_touch
	holds "members: the owner stays" owns a
}

apart() {
	observe_mark apart
	must cut "$(cut_between a b)"
	within 10 "apart: the backup hears no owner" in_touch b 2
	within 10 "apart: Master_Down is over" status_is b '.peers[0].seen_ms >= 600' true
	holds "apart: the owner stays" owns a
	holds "apart: the other one is not owner" owns_not b
	must uncut
	within 10 "together again" all_in_touch
	observe_mark moved
	one_at_a_time apart
	number_is "apart: owner changes" "$(field "$REPLY_ARP" changes)" -eq 0
}

alone() {
	observe_mark alone
	must cut "$(cut_between a b) $(cut_between a w)"
	within 10 "alone: the other one owns" owns b
	within 10 "alone: the former owner is none" owns_not a
	within 10 "alone: the reason is known" event a state no-majority
	observe_mark owned
	must uncut
	within 20 "alone: together again" all_in_touch
	within 20 "alone: the preferred node owns again" owns a
	within 10 "alone: ARP shows it" owner_is a
	within 10 "alone: the players are well" calm
	observe_mark moved
	one_at_a_time alone
}

# silenced WORDS SIGNAL: the owner's daemon asks for grants no more.
silenced() {
	observe_mark silenced
	window silenced
	must lab_kill a daemon "$2"
	within 10 "$1: the backup owns" owner_is b
	in_time "$1"
	within 10 "$1: the players are well" calm
	observe_mark moved
	number_is "$1: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
	number_is "$1: attempts failed" "$(field "$REPLY_PLAYERS" failed_attempts)" -eq 0
	one_at_a_time "$1"
}

# The daemon is there again, on the same kernel, and the primary has the VIP.
again() {
	must lab_daemon a
	must lab_wait 20 hokm_ready a
	must lab_wait 20 all_in_touch
	must lab_wait 20 owns a
	must lab_wait 20 owner_is a
	must lab_wait 20 calm
}

dead() {
	must lab_wait 20 owns a
	must lab_wait 20 owner_is a
	observe_mark dead
	window dead
	must lab_link a down
	within 10 "node dead: the backup owns" owner_is b
	in_time "node dead"
	observe_mark moved
	one_at_a_time "node dead"
	echo "# node dead: $REPLY_PLAYERS"
	within 10 "node dead: the reason is known" event b state granted
}

witness_group
must lab_wait 20 calm
must lab_wait 20 owner_is a
must owners_start a b
within 5 "the kernels say who owns" only_owner a

witness_goes
members
apart
planned a b
planned b a
alone
silenced "daemon stopped" STOP
must lab_kill a daemon KILL
must lab_wait 20 lab_gone a daemon
again
silenced "daemon killed" KILL
must lab_wait 20 lab_gone a daemon
again
dead
never_two
test_end
