#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 70 s
#
# Faults that the lab can make, one after the other, and what `hokm-xdp doctor` names first. A node
# without a fault has at most notes. The archive for support has no secret in it.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

TOKEN=token-of-a-check-4711
VERSION_2='vrrp { version = 2 }'
PASSWORD='vrrp { version = 2 password = "other" }'
export LAB_CONF_EXTRA="$VERSION_2
service game {
	check websocket { timeout = \"5s\" header = \"X-Token: $TOKEN\" }
	check http { timeout = \"5s\" }
}
passive { timeout = \"5s\" }"

test_nodes a b
must lab_wait 20 owns a
within 30 "the owner is well" no_fault a
within 30 "the backup is well" no_fault b

# `hokm-xdp test` rests on the same facts, and makes its probes itself.
tested() { lab_run "$1" "$HOKM" test -c "$LAB_DIR/$1/hokm-xdp.conf" "${@:2}"; }
passes() { ANSWER=$(tested "$@" --json); }
failed() {
	jq -r '[.tests[] | select(.result == "FAIL").category] | unique | join(" ")' <<<"$ANSWER"
}
fails() { ! passes "$1" && [ "$(failed)" = "$2" ]; }
PATHS='"paths of the pulses here","paths to the peer"'
within 30 "test: the owner passes" passes a --junit "$LAB_DIR/junit.xml"
holds "test: nothing of what is there was skipped" test "$(jq -c \
	'[.tests[] | select(.result == "SKIP").name] | sort' <<<"$ANSWER")" = \
	"[\"adverts of the owner\",\"channels\",\"drill\",\"hokm-xdp dns test\",$PATHS]"
holds "test: the JUnit file has as many tests" test "$(python3 -c 'import sys
import xml.etree.ElementTree as tree
print(len(tree.parse(sys.argv[1]).findall("testsuite/testcase")))' "$LAB_DIR/junit.xml")" = \
	"$(jq '.tests | length' <<<"$ANSWER")"
plays() { lab_run client "$HOKM" test game --connect "ws://$LAB_VIP:$LAB_PORT/" >/dev/null; }
holds "test: a player's way from a machine that is no node" plays

must cut 'ip protocol 112 drop;'
fault "protocol 112 blocked in the network" b adverts-missing
must uncut
must filter b 'ip protocol 112 drop;'
fault "protocol 112 dropped by the node's packet filter" b adverts-filtered
must filter_gone b
must cut "$PULSES"
fault "UDP 8766 blocked" b pulses-blocked
must uncut
must cut 'udp dport 8767 drop;'
fault "UDP 8767 blocked" b replication-blocked
must uncut
mended "network" b

must lab_kill b game STOP
fault "game server unresponsive" b check-fails
within 30 "test: the node takes no part" state_is b fault
within 60 "test: the checks and the game fail" fails b "game health vrrp"
must lab_kill b game CONT
mended "game server" b

edit b "s/^$VERSION_2/$PASSWORD/"
must ctl_ok b reload
fault "another password of adverts" b adverts-password
edit b "s/^vrrp .*/$VERSION_2/"
must ctl_ok b reload
mended "password" b

archive=$LAB_DIR/bundle.tar.gz inside=$LAB_DIR/bundle
must filter b "counter comment \"$LAB_SECRET\";"
doctor b --bundle "$archive" >/dev/null
holds "the archive is written" test -s "$archive"
holds "it is its owner's alone" test "$(stat -c %a "$archive")" = 600
must mkdir "$inside"
must tar -C "$inside" -xzf "$archive"
holds "it has what the daemon says" jq -e .node "$inside/status.json" >/dev/null
holds "it has the settings" grep -q "header:.*X-Token: ####" "$inside/settings.txt"
holds "it has the packet filter" grep -q 'comment "####' "$inside/machine-filters.txt"
holds "no secret is in it" test -z "$(grep -rlE "$LAB_SECRET|$TOKEN" "$inside")"
holds "a file that exists is not written over" \
	test "$(doctor b --bundle "$archive" >/dev/null 2>&1; echo $?)" = 2
must filter_gone b

must lab_run b tc qdisc del dev eth0 clsact
fault "the egress filter removed by another program" b path-removed

edit b 's/^secret = .*/secret = "another-secret-0123456789"/'
daemon_again b
fault "another secret" a secrets-differ
must lab_kill b daemon KILL
must lab_wait 20 lab_gone b daemon
fault "daemon killed" b daemon-gone
must lab_node_dead b
fault "node dead" a peer-silent
test_end
