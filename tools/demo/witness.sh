# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The demo's two nodes with a witness: the verbs of stacks.sh, the cuts, and which node owns as
# the kernels say.

OWNERS="" # of the last ask_kernels

# The witness is a third machine, w. All members start at once, and none of them grants anything for
# the first five seconds.
witness_prepare() {
	lab_node_alive w && LAB_CONF_EXTRA=$(lab_witness_conf w) lab_conf a b && lab_witness w
}
witness_up() { hokm_up "$1"; }
witness_ready() {
	hokm_ready "$1" && in_touch "$1"
}
in_touch() { status_says "$1" '.grants.in_force and .grants.in_touch == 3'; }
witness_grants() { status_says "$1" 'any(.grants.others[]; .witness and .granted_ms > 0)'; }
witness_safe() { witness_grants a && peer_grants a; }
witness_kill() { hokm_kill "$1"; }
witness_back() { hokm_back "$1"; }
witness_words() { hokm_words "$1"; }
witness_patience() { hokm_patience; }

other_node() { if [ "$1" = a ]; then echo b; else echo a; fi; }

# cut_from NODE OTHER...: the switch loses all frames between them. The client reaches all of them.
cut_from() {
	local node=$1 other rules=""
	shift
	for other in "$@"; do
		rules+="iifname p-$node oifname p-$other drop; "
		rules+="iifname p-$other oifname p-$node drop; "
	done
	lab_run sw nft "table bridge cut {
		chain forward { type filter hook forward priority filter; $rules }
	}"
}
uncut() { lab_run sw nft delete table bridge cut; }
cut_nodes() { cut_from "$1" "$(other_node "$1")"; }
cut_off() { cut_from "$1" "$(other_node "$1")" w; }

# The node that does not own has heard nothing of the owner for twice as long as VRRP's timers wait.
not_heard() {
	lab_ctl "$(other_node "$EVENT_NODE")" status --json 2>/dev/null |
		jq -e ".peers[0].seen_ms >= 2 * $(master_down_ms)" >/dev/null 2>&1
}

# tenure NODE: which time of owning it is as its kernel says, 0 when it does not own.
tenure() { lab_ctl "$1" status --json 2>/dev/null | jq 'if .owner then .epoch else 0 end'; }
# Puts the nodes whose kernels say that they own into OWNERS, "ab" for both; fails when there is
# none. Each answer is of a moment of its own, so a is asked again after b.
ask_kernels() {
	local a b
	a=$(tenure a) b=$(tenure b) OWNERS=""
	[ "${a:-0}" = 0 ] || [ "$(tenure a)" != "$a" ] || OWNERS=a
	[ "${b:-0}" = 0 ] || OWNERS+=b
	[ -n "$OWNERS" ]
}
