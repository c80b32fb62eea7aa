# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Who owns, as each kernel reports it, while cuts follow each other: one question takes longer than
# the VIP needs to move, so an owner is asked again.

# Puts into TENURE which time of owning it is for the node: 0 when it is not owner.
tenure() { ask "$1" status 'if .owner then .epoch else 0 end' && TENURE=$ANSWER; }
# The first node was owner before and after a moment at which the second one was.
both_own() {
	local before
	tenure "$1" && before=$TENURE && [ "$before" != 0 ] || return 1
	tenure "$2" && [ "$TENURE" != 0 ] || return 1
	tenure "$1" && [ "$TENURE" = "$before" ]
}
one_owner() { ! both_own a b && { owns a || owns b; }; }
only_owner() { owns_not "$2" && owns "$1"; }
nobody_owns() { owns_not a && owns_not b; }
