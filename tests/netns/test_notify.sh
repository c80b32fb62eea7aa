#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# Nobody learns of a failover from players: the owner's node dies, and its peer reports it in
# one message. What happens while the receiver is away and the notifier is killed is reported later,
# once.
# The daemon owns the VIP all the time.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/hook_receiver.sh
. "$TESTS_DIR/hook_receiver.sh"

LAB_CONF_EXTRA=$(
	cat <<-END
		$PATIENT
		$(hook_conf "$(lab_addr client)" "group = 3s timeout = 2s")
	END
)
export LAB_CONF_EXTRA

# got FILTER: a message for which the filter of jq is true.
got() { [ -e "$GOT" ] && [ -n "$(jq -c "select($1)" "$GOT")" ]; }
messages() { jq -c "select($1)" "$GOT" | wc -l; }
waits() { [ "$(lab_run b "$HOKM" notify status --json -c "$LAB_DIR/b/hokm-xdp.conf" |
	jq '.channels[0].waiting')" -ge 1 ]; }
delivered() { grep -q 'hook *delivered' \
	<(lab_run b "$HOKM" notify history -c "$LAB_DIR/b/hokm-xdp.conf"); }
notifier_of() { pgrep -P "$(lab_pid "$1" daemon)" -f ' notifier '; }
queue_of() { echo "$LAB_DIR"/*/"$(lab_name "$1").notify/queue"; }
has_notifier() { notifier_of "$1" >/dev/null; }
# A killed process is there for a moment yet.
other_notifier() {
	local now
	now=$(notifier_of "$1") && [ "$now" != "$2" ]
}
SILENT='.node == "backup" and any(.events[]; .reason == "peer-silent" and .subject == "primary")'
DOWN='.node == "backup" and any(.events[]; .kind == "service" and .to == "down")'

test_nodes a b
must receiver_start client
must lab_wait 20 owns a
must lab_wait 20 has_notifier b
number_is "the notifier has no capability" \
	"$((16#$(sed -n 's/^CapEff:\t//p' "/proc/$(notifier_of b)/status")))" -eq 0
number_is "the notifier is confined by seccomp" \
	"$(sed -n 's/^Seccomp:\t//p' "/proc/$(notifier_of b)/status")" -eq 2
number_is "the notifier is not root" "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' \
	"/proc/$(notifier_of b)/status")" -gt 0

must lab_node_dead a
within 10 "the peer owns" owns b
within 20 "the peer tells that the owner is gone" got "$SILENT"
holds "in the same message it says that it owns the VIP now" got \
	"$SILENT and any(.events[]; .kind == \"state\" and .to == \"master\")"
holds "and what to do" got "$SILENT and any(.events[]; .advice | contains(\"Check the peer\"))"
holds "what the owner said last" got \
	"$SILENT and any(.events[]; .text | contains(\"last heard: master, 1 of 1 services up\"))"
holds "and that its own messages may be lost" got \
	"$SILENT and any(.events[]; .advice | contains(\"What it had not sent yet\"))"
number_is "messages of the death" "$(messages "$SILENT")" -eq 1

must lab_stop client receiver
must lab_kill b game KILL
within 10 "the fault waits on disk while the receiver is away" waits
notifier=$(notifier_of b)
must kill -KILL "$notifier"
within 10 "the notifier is started again" other_notifier b "$notifier"
must receiver_start client
within 30 "the fault is reported when the receiver is back" got "$DOWN"
holds "the daemon still owns the VIP" owns b
number_is "messages of the fault" "$(messages "$DOWN")" -eq 1
within 10 "the history has the delivery" delivered

# As after an upgrade to a program that keeps its queue in another form.
notifier=$(notifier_of b)
must kill -KILL "$notifier"
printf '\002' | dd of="$(queue_of b)" bs=1 seek=4 conv=notrunc status=none
within 10 "a queue of another version: the notifier is started again" \
	other_notifier b "$notifier"
within 20 "it is reported that something was lost" got '.node == "backup" and .dropped >= 1'
holds "the log says why" log_says b "another version of the program wrote it"
test_end
