#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 50 s
#
# `ctl status`, its JSON, `hokm-xdp top`, the status page, the metrics and /api/status never
# disagree while the VIP moves. All of them are read again and again before, during and after moves:
# an operator's order, its end, and a game server that dies. Each says of which revision of the
# state it is, and those of one revision are compared with the daemon's reply.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

HTTP_PORT=8768
PLAYERS=5
ENOUGH=5 # pairs of each output in each phase of each move
PHASES='before during after'
export LAB_CONF_EXTRA="$PATIENT listen { port = $HTTP_PORT }"

views() {
	local IFS=$'\t' fields=("$@")
	helper_tell views "${fields[*]}"
}
phase() { must views phase "$1"; }
reached() { views reached "$1" && [ "$ANSWER" = yes ]; }
enough() { views pairs "$1" && [ "$ANSWER" -ge "$2" ]; }
settled() { # OWNER: as node a sees it
	if [ "$1" = a ]; then owns a; else status_is a '.peers[0].lease_left_ms > 0' true; fi
}

# moved WORDS OWNER CMD...: a move that CMD begins. Every output must arrive at the state after it.
N=0
moved() {
	local words=$1 owner=$2
	shift 2
	N=$((N + ENOUGH))
	phase before
	within 30 "$words: all were read before" enough before $N
	phase during
	must "$@"
	within 30 "$words: the owner is another one" settled "$owner"
	within 30 "$words: each output arrives there" reached "$(status a .revision)"
	within 30 "$words: all were read during the move" enough during $N
	phase after
	within 30 "$words: all were read after" enough after $N
}
kill_game() { lab_kill a game KILL; }

test_nodes a b
must lab_wait 20 owns a
holds "players are there" listeners_start client $PLAYERS 300
must views open "/run/netns/$(lab_ns a)" "http://127.0.0.1:$HTTP_PORT/" "$LAB_DIR/a/hokm.sock" \
	"$HOKM" "$LAB_DIR/browser"
within 60 "each output shows a revision" reached 1
moved "failover" b ctl_ok a failover
moved "failback" a ctl_ok a ready
moved "the game server dies" b kill_game
must views report
REPORT=$ANSWER
holds "no output disagrees with the daemon" test "$(jq -r .differ <<<"$REPORT")" = same
for phase in $PHASES; do
	number_is "pairs of an output, $phase, at least" \
		"$(jq "[.pairs[].$phase] | min" <<<"$REPORT")" -ge $N
done
number_is "outputs compared" "$(jq '.pairs | length' <<<"$REPORT")" -eq 6
number_is "revisions that an output showed, at least" \
	"$(jq '[.revisions[]] | min' <<<"$REPORT")" -ge 4
echo "# $(jq -c '{pairs, revisions}' <<<"$REPORT")"
test_end
