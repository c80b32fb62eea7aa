#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 45 s
#
# All clients are behind a router. The owner's machine loses its default route: packets of clients
# arrive, checks pass, peers answer pulses, and nobody gets an answer. The VIP moves to the peer.
# `ip link set down` removes the route too, and `up` does not bring it back: the node does not
# preempt then. Each time it owns again when its route is there. Without a better peer it stays.
# When all clients have left meanwhile, it still lacks the route.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

COUNT=5
WORDS="route to the clients"
route() { ip -n "$(lab_ns "$1")" route "$2" default via "$(lab_addr router)"; }
reached() { lab_run inside curl -s -m 1 -o /dev/null "http://$LAB_VIP:$LAB_PORT/health"; }
replicated() { status_test "$1" '.peers[0].replica.connections' -ge "$2"; }
replicated_none() { status_test "$1" '.peers[0].replica.connections' -eq 0; }
lacks() { status_is "$1" ".missing | index(\"$WORDS\") != null" true; }
lacks_still() { ! lab_wait 8 lacks_not "$1"; }
lacks_not() { status_is "$1" ".missing | index(\"$WORDS\") != null" false; }
says_why() { status_is "$1" ".obstacle | contains(\"$WORDS\")" true; }
nobody_notified() { [ "$(wc -l <"$LISTENERS_OUT")" -eq 1 ]; }

# cut_off WORDS CMD...: CMD takes the route away from the owner.
cut_off() {
	local words=$1
	shift
	must lab_wait 20 owns a
	must lab_wait 20 reached
	must "$@"
	within 10 "$words: the peer owns" owns b
	within 10 "$words: a client reaches it" reached
	within 10 "$words: the node knows what it lacks" lacks a
	within 10 "$words: it leaves the election" reason_is a path-lost
	holds "$words: status says why" says_why a
	within 10 "$words: so does the log" log_says a "$WORDS of eth0 is gone"
	holds "$words: it does not take the VIP back" stays_away
	within 20 "$words: the doctor names it" doctor_says route-missing
	must route a add
	within 20 "$words: with its route it owns again" owns a
	within 10 "$words: and is reached" reached
}
doctor_says() {
	lab_run a "$HOKM" doctor -c "$LAB_DIR/a/hokm-xdp.conf" 2>&1 | grep "$1" >/dev/null
}
stays_away() { ! lab_wait 3 owns a; }
stays() { ! lab_wait 3 owns_not a; }
down_up() {
	ip -n "$(lab_ns a)" -batch - <<-END
		link set eth0 down
		link set eth0 up
	END
}

must lab_up a b
must lab_inside_up
must lab_conf a b
for node in a b; do
	must route $node add
	must lab_game $node
	must lab_daemon $node
done
for node in a b; do must lab_wait 20 hokm_ready $node; done
must lab_wait 20 owns a
must listeners_start inside $COUNT 120
must lab_wait 20 replicated b $COUNT

cut_off "route deleted" route a del
holds "route deleted: no player was notified" nobody_notified
cut_off "link down and up" down_up

must route b del
within 10 "backup: it knows what it lacks" lacks b
within 10 "backup: it leaves the election" reason_is b path-lost
must route a del
within 10 "both: the owner knows what it lacks" lacks a
holds "both: it stays, for it is better than none" stays
for node in a b; do must route $node add; done
within 10 "both: the routes are there" state_is b backup
within 10 "both: a client is served" reached

# Nobody gets in by the node that lacks the route: that no client is known says nothing.
must lab_wait 20 owns a
must route a del
within 10 "all leave: the peer owns" owns b
must lab_stop inside listeners
within 10 "all leave: no client is known" replicated_none a
holds "all leave: the node still lacks it" lacks_still a
holds "all leave: and does not take the VIP" owns b
must route a add
within 20 "all leave: with its route it owns again" owns a
test_end
