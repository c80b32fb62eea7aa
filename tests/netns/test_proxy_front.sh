#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
#
# A balancer (HAProxy) connects to the VIP for all players, and a proxy (HAProxy) on each node takes
# its connections. Side by side: the proxies demand the header of the PROXY protocol; they end TLS.
# The checks do what the balancer does, and it checks the VIP five times a second.
#
#   moves   failover and failback: nobody notices, and nothing is suspect
#   dead    the game behind the owner's proxy dies: the players are at the peer, when the service is
#           down. TLS hides the answer of the proxy, so no signal is sooner

PLAYERS=20
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/proxy.sh
. "$TESTS_DIR/proxy.sh"

side_by_side header tls
PROXY=http
if [ "$PART" = header ]; then
	PROXY_BIND=accept-proxy
	TO_VIP="send-proxy-v2 check-send-proxy"
	check='proxy = v2'
else
	PROXY_BIND="ssl crt $LAB_DIR/game.pem"
	TO_VIP="ssl verify none check-ssl"
	check='tls = yes'
fi
# So patient a signal needs longer samples than those of profile fast.
export LAB_CONF_EXTRA="service game { check websocket { timeout = \"5s\" $check } }
passive { sample = 40ms $PATIENT_SIGNALS }"

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=game -keyout "$LAB_DIR/key.pem" -out "$LAB_DIR/cert.pem" 2>/dev/null &&
		cat "$LAB_DIR/cert.pem" "$LAB_DIR/key.pem" >"$LAB_DIR/game.pem"
}

moves() {
	must lab_wait 20 calm
	observe_mark moves
	holds "$PART: moves: the owner takes the order" ctl_ok a failover
	within 10 "$PART: moves: the peer owns" owner_is b
	within 10 "$PART: moves: the players are well" calm
	holds "$PART: moves: they are where they were" players_on a
	holds "$PART: moves: the owner takes it back" ctl_ok a ready
	within 20 "$PART: moves: it owns again" owner_is a
	within 10 "$PART: moves: the players are well again" calm
	observe_mark end
	unbroken "$PART: moves" 2
	number_is "$PART: moves: trips" "$(status a '.services[0].trips')" -eq 0
}

dead() {
	must lab_kill a game KILL
	within 20 "$PART: dead: the service goes down" service_is a down
	within 20 "$PART: dead: the peer owns" owns b
	within 20 "$PART: dead: the players are well" calm
	within 20 "$PART: dead: all of them on the peer" players_on b
}

must lab_up a b
must certificate
must lab_conf a b
proxied_pair
must balancer_start "$TO_VIP"
PLAYERS_URL=127.0.0.1:$BALANCER_PORT must observe_start
moves
dead
test_end
