# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the demo compares: hokm-xdp and keepalived, behind the same verbs. witness.sh has them for
# hokm-xdp with a witness.
#
#   STACK_prepare            what both nodes need before they start
#   STACK_up NODE PRIORITY   start it on a node that runs a game server already
#   STACK_ready NODE         it runs, and the node is healthy
#   STACK_safe               all who decide who owns next take part: a node that boots grants late
#   STACK_failover NODE      the planned way to take the VIP away from its owner
#   STACK_failback FROM TO   the planned way to bring it back
#   STACK_kill NODE          its processes die at once, nothing is cleaned up
#   STACK_back NODE          it is started again
#   STACK_words VERB         what an operator types for it, without the node
#   STACK_patience           seconds that the slowest event may take

# As `hokm-xdp setup` writes it: with the gateway, which is the clients' machine here.
hokm_prepare() { LAB_CONF_EXTRA="gateway = \"$(lab_addr client)\"" && lab_conf a b; }
hokm_up() { lab_daemon "$1"; }
hokm_ready() {
	local status
	status=$(lab_ctl "$1" status --json 2>/dev/null | tr -d ' \t\n') || return 1
	[[ $status == *'"pulsing":true'* && $status == *'"state":"up"'* ]]
}
# status_says NODE FILTER: jq's filter is true of its status.
status_says() { lab_ctl "$1" status --json 2>/dev/null | jq -e "$2" >/dev/null 2>&1; }
gateway_known() { status_says "$1" '.grants.in_force and .arbiter.answered_ms != null'; }
peer_grants() {
	status_says "$1" 'any(.grants.others[]; (.witness or .stand_in | not) and .granted_ms > 0)'
}
hokm_safe() { gateway_known a && gateway_known b && peer_grants a; }
hokm_failover() { lab_ctl "$1" failover >/dev/null; }
hokm_failback() { lab_ctl "$1" failover >/dev/null; }
hokm_kill() { lab_kill "$1" daemon KILL; }
hokm_back() { lab_daemon "$1"; }
hokm_words() {
	case $1 in
	failover | failback) echo "hokm-xdp ctl failover" ;;
	kill) echo "kill -9 hokm-xdp" ;;
	esac
}
hokm_patience() { [ "$PROFILE" = standard ] && echo 75 || echo 25; }

keepalived_prepare() { :; }
keepalived_up() { lab_keepalived_conf "$1" "$2" && lab_keepalived "$1"; }
keepalived_ready() {
	grep -q 'Script `game` succeeded\|VRRP_Script(game) succeeded' "$LAB_DIR/log/$1.keepalived"
}
keepalived_safe() { :; }
keepalived_failover() { lab_kill "$1" keepalived TERM; }
keepalived_failback() { lab_keepalived "$2"; }
# keepalived is a parent and a VRRP child. If the parent died first, the child would clean up. If
# the child died first, a parent that is not stopped would do the same.
keepalived_kill() {
	local dir=$LAB_DIR/$1
	lab_kill "$1" keepalived STOP && kill -s KILL "$(cat "$dir/vrrp.pid")" &&
		lab_kill "$1" keepalived KILL || return 1
	rm -f "$dir"/*.pid
}
keepalived_back() { lab_keepalived "$1"; }
keepalived_words() {
	case $1 in
	failover) echo "systemctl stop keepalived" ;;
	failback) echo "systemctl start keepalived on primary, owner" ;;
	kill) echo "kill -9 keepalived" ;;
	esac
}
keepalived_patience() { echo 75; }
