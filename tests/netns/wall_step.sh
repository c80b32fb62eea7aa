# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# wall_step FILE SECONDS: processes that read their wall clock by this file (wall_clock.c) are ahead
# of the machine by so much from now on.
wall_step() {
	local ns=$(($2 * 1000000000)) shift byte bytes=
	for shift in 0 8 16 24 32 40 48 56; do
		printf -v byte '\\x%02x' $((ns >> shift & 255))
		bytes+=$byte
	done
	# shellcheck disable=SC2059 # it has no directives, and a text cannot have these bytes
	printf "$bytes" | dd "of=$1" bs=8 conv=notrunc iflag=fullblock status=none
}

# ahead NODE: by how many seconds the newest event of the node is ahead of the machine's clock.
ahead() {
	local newest
	newest=$(lab_ctl "$1" events --recent 1 --json |
		jq -s '.[-1].time[0:19] + "Z" | fromdate') && echo $((newest - EPOCHSECONDS))
}
