# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Players whose connection is carried through a planned failover: the backup owns the VIP and
# steers them to the primary, which holds their sockets. Silence on some path between the two
# nodes must end none of them.

# shellcheck source=tests/netns/audience.sh
. "$TESTS_DIR/audience.sh"
# shellcheck source=tests/netns/cuts.sh
. "$TESTS_DIR/cuts.sh"

warm() { status_is "$1" '.peers[0].replica.warm' true; }
pulsing() { status_is "$1" '.peers[0].pulsing' true; }
both_see() { pulsing a && pulsing b && warm a && warm b; }

# carried SENDING SILENT: a group of players on the primary, and the backup owns.
carried() {
	test_nodes a b
	must lab_wait 20 owns a
	must lab_wait 20 both_see
	must audience carried client --interval 50 --sending "$1" --silent "$2"
	must lab_wait 20 gathered carried
	must lab_wait 20 knows_of b a $(($1 + $2))
	must ctl_ok a failover
	must lab_wait 20 owns b
	must lab_wait 20 owns_not a
	ask_audience carried mark
}

# A cut within TCP's retransmissions of the one before makes their pause twice as long, and again.
# Each cut begins when all moves are answered.
answered() {
	ask_audience carried status
	[ "$(field "$REPLY_AUDIENCE" late)" = 0 ]
}

# survive WORDS SECONDS RULES [may-move]: all players do, and nobody was notified that the holder is
# dead. may-move: adverts are cut too, for two thirds of the time that moves the VIP. It may move if
# the last advert before was late, and nobody must lose anything by it.
survive() {
	cut_for "$2" "$3" || not_ok "$1: the cut"
	within 10 "$1: the nodes see each other" both_see
	within 30 "$1: all moves are answered" answered
	echo "# $1: $REPLY_AUDIENCE"
	plays_on "$1" carried
	number_is "$1: packets answered for a dead holder" "$(counter b answered_dead)" -eq 0
	number_is "$1: clients notified" "$(counter b told_dead)" -eq 0
	if [ "${4:-}" = may-move ] && owns a; then
		echo "# $1: with the time before it, the silence was Master_Down_Interval: back"
		must ctl_ok a failover
		must lab_wait 20 owns b
		must lab_wait 20 owns_not a
		return
	fi
	holds "$1: the backup still owns" owns b
}
