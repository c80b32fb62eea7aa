# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A game server that serves its players and accepts no new ones, and crowds of players.

# shellcheck disable=SC2034 # used by the tests
STUB=$TESTS_DIR/../stub
# shellcheck disable=SC2034
PLAY=10 WAIT=5

# with INTERVAL: each kind of check has it, as `interval = "10m"`; "": that of the profile.
with() {
	printf 'service game {
		check websocket { timeout = "2s" fall = 1 %s }
		check http { timeout = "2s" fall = 1 %s }
	}
	passive { enabled = no }' "$1" "$1"
}
# crowd NAME OPTION...: players in the background; their results are in NAME.
crowd() {
	local name=$1
	shift
	LAB_STDOUT=$LAB_DIR/$name lab_spawn client "$name" "$STUB/players.py" "$LAB_VIP" \
		"$LAB_PORT" "$@"
}
# The number of players of a crowd whose connection ended like this.
ended() { jq -r .end "$LAB_DIR/$1" | grep -cx "$2"; }
# The limit of open files of a's game from now on.
files() { lab_alive a game && prlimit --pid "$LAB_PID" --nofile="$1:"; }
