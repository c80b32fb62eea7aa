#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: measures
#
# The instrument of the tests of cuts, hokm-ownerwatch, on maps whose words are written by hand: it
# sees an overlap of two owners that lasts 5 ms, and one by grants; it measures a gap; it says what
# it may have missed; it finds maps that are made later, and made again.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/owners.sh
. "$TESTS_DIR/owners.sh"

A=$(lab_pins a)
B=$(lab_pins b)
MMAPABLE=1024
# As in include/hokm/abi_config.h and abi_grant.h; other sizes are refused.
OWN_BYTES=72
GRANTS_BYTES=744

# make_maps FOLDER: all words are zero.
make_maps() {
	mkdir -p "$1" && rm -f "$1"/{own,grants} &&
		bpftool map create "$1/own" type array key 4 value $OWN_BYTES entries 1 \
			name own flags $MMAPABLE &&
		bpftool map create "$1/grants" type array key 4 value $GRANTS_BYTES entries 1 \
			name grants flags $MMAPABLE
}
# words FOLDER STEP...: puts into DONE_NS and END_NS what the last step printed, and into FIRST_NS
# the end that the first one wrote.
words() {
	local out what last
	out=$("$TESTS_DIR/owner_words.py" "$@") || return 1
	read -r what _ FIRST_NS <<<"$out"
	last=${out##*$'\n'}
	read -r what DONE_NS END_NS <<<"$last"
	[ -n "$what" ]
}
# between WORDS NUMBER LEAST MOST
between() {
	number_is "$1, at least $3" "$2" -ge "$3"
	number_is "$1, at most $4" "$2" -le "$4"
}
# What a look may miss of a time: it was not looked at all the time.
step_ns() { echo $((($(field "$REPLY_OWNERS" step_max_us) + 1) * 1000)); }

# overlap_seen WORDS: one overlap, from the last step to the end that it wrote.
overlap_seen() {
	within 5 "$1: then a alone" owners_are a
	window after
	number_is "$1: overlaps" "$(field "$REPLY_OWNERS" overlaps)" -eq 1
	between "$1: ns" "$(field "$REPLY_OWNERS" overlap_max_ns)" \
		$((END_NS - DONE_NS - $(step_ns))) 5000000
	echo "# $1: $REPLY_OWNERS"
}

short_overlaps() {
	must words "$A" lease=60000
	within 5 "a owns" owners_are a
	window overlap
	must words "$B" lease=5
	overlap_seen "two leases for 5 ms"

	must words "$B" majority=2 lease=60000 wish=7
	window overlap
	must words "$B" end=7:5
	overlap_seen "lease and grants for 5 ms"
	window none
	must words "$B" end=6:1000
	holds "the end of another epoch does not count" owners_are a
	must words "$B" wish=0 end=7:1000
	holds "nor does one that nobody wishes" owners_are a
	window after
	number_is "and no overlap is counted" "$(field "$REPLY_OWNERS" overlaps)" -eq 0
	must words "$B" end=0:0 lease=0 majority=0
}

gap() {
	local ms
	must words "$A" lease=60000
	window gap
	must words "$A" lease=10 wait=40 "at=$B" lease=60000
	within 5 "b owns" owners_are b
	window after
	ms=$(field "$REPLY_OWNERS" gap_max_ms)
	# From the end in the words of a, exactly, to the first look that saw b.
	between "a gap: us" "${ms/./}" $(((END_NS - 60000000000 - FIRST_NS) / 1000)) \
		$(((DONE_NS - FIRST_NS + $(step_ns)) / 1000))
	number_is "a gap: overlaps" "$(field "$REPLY_OWNERS" overlaps)" -eq 0
	echo "# $REPLY_OWNERS"
	window lasting
	must words "$B" lease=0 wait=30
	ask_owners status
	number_is "a gap that lasts: ms" "$(whole "$REPLY_OWNERS" gap_max_ms)" -ge 30
}

# A watch that gets no processor sees nothing, and says how much that can have been.
looked_away() {
	must words "$A" lease=60000
	within 5 "a owns again" owners_are a
	window away
	must lab_kill sw owners STOP
	must words "$B" lease=5 wait=10
	must lab_kill sw owners CONT
	window after
	number_is "while it stood still: overlaps" "$(field "$REPLY_OWNERS" overlaps)" -eq 0
	number_is "while it stood still: us that it can have missed" \
		"$(field "$REPLY_OWNERS" unseen_us)" -ge 5000
}

made_again() {
	must words "$A" lease=0
	within 5 "nobody owns" owners_are ""
	must make_maps "$A"
	must words "$A" lease=60000
	within 5 "maps that are made again are read" owners_are a
	rm "$A/own" "$A/grants"
	lab_nap 0.05
	holds "words of maps whose pins are gone count on" owners_are a
}

must lab_up a b
must owners_start a b
within 5 "without maps nobody owns" owners_are ""
must make_maps "$A"
must make_maps "$B"
short_overlaps
gap
looked_away
made_again
owners_stop
holds "it said nothing but overlaps and gaps" \
	test "$(grep -cvE '^(overlap|gap) at' "$LAB_DIR/log/sw.owners")" = 0
test_end
