# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How often the nodes a and b of profile standard look at each other, and send probes.

# paces NODE MS: the node does so each so many ms.
paces() { status_is "$1" .pulse_ms "$2"; }
group_is_calm() { paces a 30 && paces b 30; }
