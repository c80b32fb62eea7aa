#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 55 s
#
# Redundancy that is lost without a failover: nobody notices that, so it must be notified. Two nodes
# and a witness, of which each loss is made for real: a node runs XDP in generic mode, the witness
# is stopped, a node is started with another secret, its connections are not replicated any more,
# and too few members are left. Each is reported with its reason, severity and what to do, and its
# end too.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/witness.sh
. "$TESTS_DIR/witness.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		grant = $GRANT
		$(lab_witness_conf w)
		$(hook_conf "$(lab_addr client)")
	END
)
export LAB_CONF_EXTRA

# lost NODE REASON SUBJECT SEVERITY, and what to do is said.
lost() {
	hook_got "$1" ".mark == \"news\" and .reason == \"$2\" and .subject == \"$3\" and
		.severity == \"$4\" and .advice != \"\""
}
over() { hook_got "$1" ".mark == \"over\" and .reason == \"$2\" and .subject == \"$3\""; }
messages_of() {
	jq -n --arg node "$(lab_name "$1")" "[inputs | select(.node == \$node) | .events[] |
		select(.reason == \"$2\")] | length" "$GOT"
}
more_of() { [ "$(messages_of "$1" "$2")" -gt "$3" ]; }
start_again() {
	must lab_kill "$1" daemon TERM
	must lab_wait 20 lab_gone "$1" daemon
	must lab_daemon "$1"
}
write_secret() { sed -i "s/^secret = .*/secret = \"$2\"/" "$LAB_DIR/$1/hokm-xdp.conf"; }

must lab_up a b w
must receiver_start client
must lab_conf a b
must lab_game a
must lab_game b
must lab_spawn a daemon "$HOKM" run --generic -c "$LAB_DIR/a/hokm-xdp.conf"
must lab_daemon b
must lab_witness w
must lab_wait 20 all_in_touch
must lab_wait 20 owns a
must lab_wait 20 witness_grants a
within 20 "generic XDP: a warning" lost a generic-xdp "" warning
holds "the other node has none" eval '! lost b generic-xdp "" warning'

must lab_kill w witness TERM
within 20 "witness gone: the owner reports it" lost a peer-silent "$(lab_name w)" critical
within 20 "witness gone: so does the backup" lost b peer-silent "$(lab_name w)" critical
must lab_witness w
within 20 "witness back: its end is reported" over a peer-alive "$(lab_name w)"
must lab_wait 20 witness_grants a

write_secret b another-secret-9876543210
start_again b
within 20 "another secret: it is reported" lost a secrets-differ "$(lab_name b)" critical
write_secret b "$LAB_SECRET"
start_again b
within 30 "the same secret: its end is reported" over a peer-alive "$(lab_name b)"
must lab_wait 20 all_in_touch

must lab_run a nft -f - <<-END
	table inet losses {
		chain in {
			type filter hook input priority 0
			udp dport 8767 drop
		}
	}
END
within 60 "no replication arrives: it is reported" lost a replica-cold "$(lab_name b)" warning
holds "no replication arrives: ctl status says the same" \
	status_is a ".peers[0].replica.warm" false
must lab_run a nft delete table inet losses
within 30 "it arrives again: its end is reported" over a replica-warm "$(lab_name b)"
must lab_wait 20 all_in_touch

# The kernel of a dead daemon, and that of a killed witness, still grants.
must lab_link b down
must lab_kill w witness TERM
within 20 "arbitration, no majority: it is reported" lost a isolated "" critical
must lab_witness w
within 30 "arbitration, a majority again: its end is reported" over a majority ""

# Nobody would report the end of what is no member any more.
must lab_link b up
must lab_wait 30 all_in_touch
before=$(messages_of a peer-silent)
must lab_kill w witness TERM
within 20 "witness gone again: it is reported" more_of a peer-silent "$before"
sed -i '/^witness /d' "$LAB_DIR/a/hokm-xdp.conf"
must ctl_ok a reload
within 20 "witness taken out of the file: its problem is over" over a not-configured \
	"$(lab_name w)"
holds "the problem of nobody else is" test "$(messages_of a not-configured)" = 1
test_end
