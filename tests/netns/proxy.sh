# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Real proxies in front of the game: one listens on the port of the service, and passes on what
# comes to the game, which listens on GAME_PORT.
#
# PROXY names the kind: nginx; http or tcp for HAProxy in that mode, with PROXY_BIND as what it
# demands of its clients. The client BANNED gets no answer: the proxy ends its connections.

GAME_PORT=9000
BANNED=192.168.1.150
# Of passive: a busy machine makes a server slow that is well.
PATIENT_SIGNALS='timeout = "5s" signal upgrade { after = "5s" } signal ping { enabled = no }'

nginx_conf() {
	cat <<-END
		daemon off;
		user root;
		pid $1/nginx.pid;
		error_log stderr;
		worker_processes 2;
		events { worker_connections 1000; }
		http {
			access_log off;
			client_body_temp_path $1/nginx.body;
			proxy_temp_path $1/nginx.proxy;
			fastcgi_temp_path $1/nginx.fastcgi;
			uwsgi_temp_path $1/nginx.uwsgi;
			scgi_temp_path $1/nginx.scgi;
			map \$http_upgrade \$connection_header { default upgrade; "" close; }
			server {
				listen $LAB_PORT reuseport;
				if (\$remote_addr = $BANNED) { return 444; }
				location / {
					proxy_pass http://127.0.0.1:$GAME_PORT;
					proxy_http_version 1.1;
					proxy_read_timeout 1h;
					proxy_set_header Upgrade \$http_upgrade;
					proxy_set_header Connection \$connection_header;
				}
			}
		}
	END
}

haproxy_conf() { # MODE
	local ban="http-request reject"
	[ "$1" = http ] || ban="tcp-request connection reject"
	cat <<-END
		global
			maxconn 1000
		defaults
			mode $1
			retries 0
			timeout connect 1s
			timeout client 1h
			timeout server 1h
			timeout tunnel 1h
		frontend players
			bind :$LAB_PORT ${PROXY_BIND:-}
			$ban if { src $BANNED }
			default_backend game
		backend game
			server game 127.0.0.1:$GAME_PORT
	END
}

proxy_start() { # NODE
	local conf=$LAB_DIR/$1/proxy.conf
	if [ "$PROXY" = nginx ]; then
		nginx_conf "$LAB_DIR/$1" >"$conf" && lab_spawn "$1" proxy nginx -c "$conf"
	else
		haproxy_conf "$PROXY" >"$conf" && lab_spawn "$1" proxy haproxy -W -db -f "$conf"
	fi
}

# balancer_start OPTION...: HAProxy on the client's machine, which connects to the VIP for all
# players, and checks that it can. They connect to BALANCER_PORT there.
BALANCER_PORT=7000
balancer_start() {
	cat >"$LAB_DIR/balancer.conf" <<-END
		defaults
			mode tcp
			timeout connect 2s
			timeout client 1h
			timeout server 1h
		frontend players
			bind :$BALANCER_PORT
			default_backend vip
		backend vip
			server vip $LAB_VIP:$LAB_PORT check inter 200ms $*
	END
	lab_spawn client balancer haproxy -W -db -f "$LAB_DIR/balancer.conf"
}

# The processes that take connections for the service, in the order of their numbers.
proxy_listens() { # NODE
	lab_run "$1" ss -Hltnp sport "$LAB_PORT" | grep -o 'pid=[0-9]*' |
		grep -vx "pid=$(lab_pid "$1" proxy)" | sort -u
}
proxy_up() { [ -n "$(proxy_listens "$1")" ]; }
# None of the processes that took connections BEFORE does so still.
proxy_renewed() { # NODE BEFORE
	local now
	now=$(proxy_listens "$1")
	[ -n "$now" ] && [ -z "$(comm -12 <(echo "$now") <(echo "$2"))" ]
}

# proxy_reload NODE: new processes take the connections, the old ones keep their players.
proxy_reload() {
	local before signal=USR2
	[ "$PROXY" != nginx ] || signal=HUP
	before=$(proxy_listens "$1")
	lab_kill "$1" proxy $signal && lab_wait 20 proxy_renewed "$1" "$before"
}

# Thirty clients at the address of the banned one ask for an upgrade, one after the other.
proxy_turn_away() {
	! lab_run client curl -s -o /dev/null -m 5 --interface "$BANNED" \
		-H "Connection: Upgrade" -H "Upgrade: websocket" -H "Sec-WebSocket-Version: 13" \
		-H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" \
		"http://$LAB_VIP:$LAB_PORT/[1-30]"
}

# Two nodes whose games are behind proxies; the primary owns. After lab_conf.
proxied_pair() {
	local node
	for node in a b; do
		must lab_game $node --port $GAME_PORT
		must proxy_start $node
		must lab_wait 20 proxy_up $node
		must lab_daemon $node
	done
	for node in a b; do must lab_wait 40 hokm_ready $node; done
	must lab_wait 30 owns a
}
