#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The packet filter of each node redirects the port of the VIP to another one, on which the game
# listens: no socket is on the port of the service.
#
#   moves   failover and failback carry the players
#   daemon  it is killed and started: nobody notices
#   dead    the game dies: the kernel refuses on the other port, and the SYNs go to the peer

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"
# shellcheck source=tools/demo/report.sh
. "$TESTS_DIR/../../tools/demo/report.sh"

ELSEWHERE=9000

# The checks begin on the node, so the chain output has the rule, too.
redirect() {
	lab_run "$1" nft -f - <<-END
		table ip elsewhere {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				tcp dport $LAB_PORT fib daddr type local redirect to $ELSEWHERE
			}
			chain output {
				type nat hook output priority -100;
				tcp dport $LAB_PORT fib daddr type local redirect to $ELSEWHERE
			}
		}
	END
}
says_no_listener() {
	examine a && jq -e 'any(.findings[]; .id == "no-listener" and .severity == "note")' \
		<<<"$ANSWER" >/dev/null
}

must lab_up a b
must lab_conf a b
for node in a b; do
	must redirect $node
	must lab_game $node --port $ELSEWHERE
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must observe_start
must lab_wait 20 calm
within 10 "the doctor notes that no socket listens" says_no_listener
holds "the doctor finds no fault" no_fault a

observe_mark moves
holds "moves: the owner takes the order" ctl_ok a failover
within 10 "moves: the peer owns" owner_is b
within 10 "moves: the players are well" calm
holds "moves: they are where they were" players_on a
holds "moves: the owner takes it back" ctl_ok a ready
within 20 "moves: it owns again" owner_is a
within 10 "moves: the players are well again" calm
observe_mark daemon
unbroken "moves" 2

daemon_stop() { lab_kill "$1" daemon KILL && lab_wait 20 lab_gone "$1" daemon; }
must daemon_again a
must lab_wait 20 hokm_ready a
within 10 "daemon: the players are well" calm
holds "daemon: they are where they were" players_on a
observe_mark dead
number_is "daemon: connections broken" "$(field "$REPLY_PLAYERS" broken)" -eq 0
number_is "daemon: attempts refused or timed out" "$(refused "$REPLY_PLAYERS")" -eq 0

within 20 "dead: the primary owns before" owner_is a
must lab_kill a game KILL
within 20 "dead: the peer owns" owner_is b
within 20 "dead: the players are well" calm
holds "dead: all of them on the peer" players_on b
observe_mark end
number_is "dead: attempts refused or timed out" "$(refused "$REPLY_PLAYERS")" -eq 0
number_is "dead: SYNs that went to the peer" "$(counter a replayed)" -gt 0
test_end
