# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Who owns, as the kernels of a and b say (hokm-ownerwatch), while cuts and other events follow each
# other. Time is divided into windows without a gap between them, so that no overlap of two owners
# is missed. An owner is waited for in a window in which there can be one.

# shellcheck source=tools/lab/ownerwatch.sh
. "$TESTS_DIR/../../tools/lab/ownerwatch.sh"

TWO=0         # overlaps, of all windows
LOOKS=0       # and looks
UNSEEN_US=0   # the longest overlap that can have been missed
WATCHED_MS=0  # the length of all windows
GAPS=()       # ms without an owner, of each window that counts and had such a time
STOOD_STILL=0 # windows that do not count, because the machine gave nobody a processor
# So long may the watch itself wait for a processor, or the window does not count.
STILL_US=${STILL_US:-20000}

one_owner() {
	ask_owners status
	field_is "$REPLY_OWNERS" owners a || field_is "$REPLY_OWNERS" owners b
}
only_owner() { owners_are "$1"; }
both_own() { owners_are a+b; }
nobody_owns() { owners_are ""; }
# Puts a or b into OWNER, or nothing.
ask_kernels() {
	ask_owners status
	OWNER=$(field "$REPLY_OWNERS" owners)
}

# window NAME: the window that runs is over; its words are in REPLY_OWNERS.
window() {
	local unseen
	ask_owners "mark $1"
	TWO=$((TWO + $(field "$REPLY_OWNERS" overlaps)))
	LOOKS=$((LOOKS + $(field "$REPLY_OWNERS" looks)))
	WATCHED_MS=$((WATCHED_MS + $(whole "$REPLY_OWNERS" length_ms)))
	unseen=$(field "$REPLY_OWNERS" unseen_us)
	[ "$unseen" -le "$UNSEEN_US" ] || UNSEEN_US=$unseen
}
# The window that is over is one in which there could be an owner all the time.
gap_counts() {
	if [ "$(field "$REPLY_OWNERS" step_max_us)" -gt "$STILL_US" ]; then
		STOOD_STILL=$((STOOD_STILL + 1))
	elif [ "$(field "$REPLY_OWNERS" gaps)" != 0 ]; then
		GAPS+=("$(whole "$REPLY_OWNERS" gap_max_ms)")
	fi
}

# never_two: of all windows.
never_two() {
	number_is "overlaps of two owners, by the kernels" "$TWO" -eq 0
	# A program that gets no processor sees nothing.
	number_is "looks at the kernels, in $WATCHED_MS ms" "$LOOKS" -ge "$WATCHED_MS"
	echo "# an overlap of more than $UNSEEN_US us cannot have been missed"
	[ "$TWO" = 0 ] || grep -h '^overlap' "$LAB_DIR/log/sw.owners" | head -n 20 | sed 's/^/# /'
}
# gaps_are MEDIAN WORST: in ms.
gaps_are() {
	local sorted
	[ ${#GAPS[@]} -gt 0 ] || {
		not_ok "no owner ended, where one can own ($STOOD_STILL windows stood still)"
		return
	}
	mapfile -t sorted < <(printf '%s\n' "${GAPS[@]}" | sort -n)
	echo "# ms without an owner, where one can own: ${sorted[*]} (windows that stood still:" \
		"$STOOD_STILL)"
	number_is "ms without an owner: median" "$(median "${GAPS[@]}")" -le "$1"
	number_is "ms without an owner: worst" "${sorted[-1]}" -le "$2"
}

# planned NODE TO: a failover by order, under players.
planned() {
	observe_mark planned
	holds "planned: $(lab_name "$1") takes the order" ctl_ok "$1" failover
	within 10 "planned: $(lab_name "$2") owns" owns "$2"
	within 10 "planned: ARP shows it" owner_is "$2"
	within 10 "planned: the players are well" calm
	observe_mark moved
	unbroken "planned to $(lab_name "$2")" 1
}
