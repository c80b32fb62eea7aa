#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 25 s
#
# Two nodes and a witness, w. The owner reads a file with a second witness, c, while it reaches
# neither of the two: three of four members must grant it now, and two do. So it goes on by the
# members of the former file.
#
#   waits    it stays owner, says that the change is not in force, and takes no further change. Its
#            peer takes the same file and no other. After an upgrade it is still so, and the file
#            of before is taken
#   swaps    it loses its peer too, and reads the file again. The peer has w, two of the former
#            three, and owns. Before the former owner has given up it reaches c: these are two of
#            the four. There are never two owners
#   done     all are together again: the change is in force

PLAYERS=10
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

# Long enough that a script can do something before an owner gives up, which is one more.
GRANT=1s
NEXT='witness next { address = "192.168.1.62" }'

# The files have these witnesses from now on.
with_witnesses() {
	LAB_CONF_EXTRA="grant = $GRANT
$(printf '%s\n' "$@")" lab_conf a b
}
counts_members() { status_is "$1" .grants.members "$2"; }
peer_grants() {
	status_is "$1" '.grants.others[] | select(.name == "backup") | .granted_ms > 0' true
}
peer_grants_below() {
	status_test "$1" '.grants.others[] | select(.name == "backup") | .granted_ms' -lt "$2"
}
third_answers() {
	status_is "$1" '.grants.others[] | select(.name == "third") | .answered_ms < 1000' true
}
differs() { status_is "$1" '[.peers[0].differs[]?.name] | index("node") != null' true; }
agrees() { status_is "$1" '.peers[0].differs' '[]'; }
not_in_force() { status_is "$1" .grants.in_force false; }
wish_is() { status_is "$1" '.grants | "\(.phase) \(.epoch)"' "$2"; }

# The daemon of the owner is replaced by the next one: it asks for one long grant before. Where the
# machine is too slow for that, the upgrade is refused and nothing changes.
restarts() {
	local wish
	wish="owning $(status a .grants.epoch)"
	window waits
	within 20 "restarts: the owner is upgraded" ctl_ok a upgrade
	within 10 "restarts: the next daemon goes on by the grants that it has" wish_is a "$wish"
	holds "restarts: the change is still not in force" not_in_force a
	holds "restarts: the owner stays" only_owner a
	window restarts
	number_is "restarts: changes of the owner" "$(field "$REPLY_OWNERS" changes)" -eq 0
}

waits() {
	must cut "$(cut_between a w) $(cut_way a c)"
	within 10 "waits: the owner has its peer alone" in_touch a 2
	must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)"
	must ctl_ok a reload
	within 10 "waits: the owner has read the file" counts_members a 4
	holds "waits: the change is not in force" not_in_force a
	holds "waits: the owner stays" only_owner a
	within 10 "waits: the peer knows it" differs b
	must with_witnesses "$(lab_witness_conf w)" "$NEXT"
	must ctl_refused b reload
	within 10 "waits: the peer takes no third file" event b config "has other members"
	must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)"
	holds "waits: the peer takes the same file" ctl_ok b reload
	within 10 "waits: it agrees then" agrees b
	within 10 "waits: and so says the owner" agrees a
	must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)" "$NEXT"
	must ctl_refused a reload
	within 10 "waits: the owner takes no further change" \
		event a config "do not grant this owner"
	must ctl_refused b reload
	within 10 "waits: nor does its peer" event b config "do not grant peer primary"
	must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)"
	restarts
	must with_witnesses "$(lab_witness_conf w)"
	holds "waits: the file of before is taken" ctl_ok a reload
	within 10 "waits: and in force" in_touch a 2
	within 10 "waits: the peer takes it too" ctl_ok b reload
}

swaps() {
	local nodes
	nodes="$(cut_between a b) $(cut_between a w) $(cut_between b c)"
	must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)"
	must recut "$nodes $(cut_way a c)"
	# An owner asks for the length of a grant after the last one that it needs has ended.
	must lab_wait 20 peer_grants_below a $((${GRANT%s} * 400))
	must ctl_ok a reload
	within 10 "swaps: the peer owns" only_owner b
	must recut "$nodes"
	within 10 "swaps: the former owner reaches the new witness" third_answers a
	within 10 "swaps: it gives up" state_is a backup
	holds "swaps: the peer owns then" only_owner b
	window swaps
}

done_with_it() {
	must uncut
	within 20 "done: the peer takes the change when it knows that the other one is done" \
		ctl_ok b reload
	within 20 "done: four members on one side" in_touch a 4
	within 20 "done: and on the other one" in_touch b 4
	within 20 "done: the preferred node owns again" only_owner a
	window end
}

LAB_CONF_EXTRA="grant = $GRANT
$(lab_witness_conf w)"
export LAB_CONF_EXTRA
must lab_up a b w c
must lab_conf a b
must owners_start a b
for node in a b; do must lab_game $node; done
must lab_daemon a
must lab_witness w
must lab_wait 20 owns a
must lab_daemon b
must with_witnesses "$(lab_witness_conf w)" "$(lab_witness_conf c)"
must lab_witness c
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 all_in_touch
# A node that has just started grants nothing for five seconds, as a witness.
must lab_wait 20 peer_grants a
must lab_wait 20 only_owner a
waits
swaps
done_with_it
never_two
test_end
