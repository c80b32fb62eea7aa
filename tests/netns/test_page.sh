#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# The status page of the owner's listener in a headless Chromium: it shows the owner, it changes by
# itself when the VIP moves, and page, metrics, /api/status and ctl status never disagree. It fits a
# phone, can be read in both colour schemes, and a text of the node is never HTML. Then two thousand
# clients of the listener, which the daemon does not notice.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/listeners.sh
. "$TESTS_DIR/listeners.sh"

HTTP_PORT=8768
PLAYERS=5
CLIENTS=1000
LATE_MS=5000 # a loop that served the clients would be later
export LAB_CONF_EXTRA="$PATIENT listen { port = $HTTP_PORT }"

# page LINE...: a question to page.py, its fields as arguments.
page() {
	local IFS=$'\t' fields=("${@//[$'\n\t']/ }")
	helper_tell page "${fields[*]}"
}
# page_is EXPRESSION VALUE: in the page, as JSON.
page_is() { page value "$1" && [ "$ANSWER" = "$2" ]; }
page_ready() { page_is 'document.readyState === "complete" && heard > 0' true; }
page_says() {
	page value 'document.getElementById("verdict").textContent' &&
		[[ $ANSWER == "\"$1 owns "* ]]
}
same() { page compare "$LAB_DIR/a/hokm.sock" && [ "$ANSWER" = same ]; }

# What users need who have no mouse, or see little: landmarks, a spoken verdict, names of columns
# and of regions, and the keyboard. These are the selectors that find nothing, and how many pictures
# have no name.
LANDMARKS='["header", "main", "footer", "#verdict[role=status][aria-live=polite]",
	"a.skip[href]", "th[scope=col]", "section[aria-labelledby]",
	".scroll[tabindex][aria-label]"]
	.filter(s => !document.querySelector(s)).join() +
	document.querySelectorAll("svg:not([aria-label])").length'
# The lowest contrast of all texts with what is behind them (WCAG 2.1, 4.5 is wanted).
CONTRAST='(() => {
	const part = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
	const light = c => c.match(/[0-9.]+/g).slice(0, 3).reduce(
		(sum, v, i) => sum + part(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { const c = getComputedStyle(e).backgroundColor;
		return c === "rgba(0, 0, 0, 0)" && e.parentElement ? behind(e.parentElement) : c; };
	const has = e => Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
	const texts = Array.from(document.querySelectorAll("body *")).filter(
		e => e.offsetParent && has(e));
	return Math.min(...texts.map(e => {
		const a = light(getComputedStyle(e).color), b = light(behind(e));
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); })) >= 4.5;
})()'
# A status whose texts are HTML: none of it becomes an element.
EVIL='(() => {
	const evil = "<img src=x onerror=\"x()\"><script>x()</scr" + "ipt>";
	const turn = v => typeof v === "string" ? evil : Array.isArray(v) ? v.map(turn) :
		v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, w]) =>
		[k, turn(w)])) : v;
	on_record({time_ms: Date.now(), events: [turn({time: "", kind: "", text: "", reason: ""})],
		history: []});
	on_state(turn({node: "", instance: "", vips: [""], state: "", reason_text: "", reason: "",
		services: [{name: "", state: "", reason: "", players: 1, checks: [{kind: "",
		detail: "", known: true, up: true, reason: "", took_ms: 1}]}],
		peers: [{name: "", pulsing: true, state: "", rtt_us: 1}]}),
		{[evil]: {syn_ack: [1]}});
	return document.querySelectorAll("img, body script").length +
		" " + document.body.textContent.split("<img src=x").length;
})()'
# What the page showed, one after the other.
WATCH='(() => {
	window.seen = [];
	const look = () => { const e = document.querySelector("[data-path=state]");
		if (e && e.textContent !== seen[seen.length - 1]) seen.push(e.textContent); };
	look();
	new MutationObserver(look).observe(document.getElementById("node"), {childList: true});
	return true;
})()'

opens() {
	must page open "/run/netns/$(lab_ns a)" "http://127.0.0.1:$HTTP_PORT/" \
		"$LAB_DIR/browser"
	must lab_wait 60 page_ready
	within 20 "the page shows the owner" page_says primary
	within 20 "page, metrics and status are the same" same
	within 20 "the page shows the players" page_is \
		'document.querySelector("[data-path=players]").textContent' "\"$PLAYERS\""
}

can_be_used() {
	local scheme
	holds "what a screen reader needs is there" page_is "$LANDMARKS" '"0"'
	for scheme in light dark; do
		holds "phone, $scheme" page look phone $scheme
		holds "phone, $scheme: every text can be read" page_is "$CONTRAST" true
		holds "phone, $scheme: the page is not wider than the screen" page_is \
			'document.documentElement.scrollWidth <= 360' true
	done
}

changes_by_itself() {
	holds "the page is watched" page_is "$WATCH" true
	holds "failover" ctl_ok a failover
	within 20 "failover: the page shows the new owner" page_says backup
	within 20 "failover: page, metrics and status are the same" same
	holds "failback" ctl_ok a ready
	within 30 "failback: the page shows the owner" page_says primary
	within 20 "failback: page, metrics and status are the same" same
	holds "the page showed each state once" page_is 'seen.join(" ")' '"master backup master"'
	holds "the page shows when" page_is \
		'document.querySelectorAll("#history li").length >= 3 &&
		document.querySelectorAll("#timeline rect.master").length >= 2' true
}

is_harmless() {
	page value "$EVIL"
	holds "a text is never HTML" [ "${ANSWER%% *}" = '"1' ]
	holds "a text is shown as it is" [ "${ANSWER##* }" != '1"' ]
	holds "the page made no error and loaded nothing" page errors
	holds "the page made no error and loaded nothing: none" [ "$ANSWER" = "[]" ]
}

crowded() {
	local epoch
	epoch=$(status a .epoch)
	holds "a crowd comes" page crowd 127.0.0.1 $HTTP_PORT $CLIENTS
	holds "a crowd: all others are answered" [ "${ANSWER% *}" = "${ANSWER#* }" ]
	holds "a crowd: there were others" [ "${ANSWER#* }" -ge 20 ]
	holds "a crowd: the owner is the same" owns a
	holds "a crowd: and owned all the time" status_is a .epoch "$epoch"
	number_is "a crowd: ms by which a pulse was late" \
		"$(($(status a .late.pulse.recent_us) / 1000))" -lt $LATE_MS
	within 20 "a crowd: the listener still answers" listener_alive
}
listener_alive() { lab_run a curl -sf -m 10 "http://127.0.0.1:$HTTP_PORT/healthz" >/dev/null; }

test_nodes a b
must lab_wait 20 owns a
holds "players are there" listeners_start client $PLAYERS 120
opens
can_be_used
changes_by_itself
is_harmless
holds "the browser ends" page close
crowded
test_end
