#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside, 90 s
#
# The arbiter etcd over TLS: a member that has a certificate and asks each client for one. A node
# that trusts another authority, or has no certificate, takes no answer and does not own. With the
# right files it claims and owns. Files that are renewed are used without a word to the daemon, also
# while the peer is heard, and nothing moves.

# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/doctor.sh
. "$TESTS_DIR/doctor.sh"

ADDR=$(lab_addr w)
URL=https://$ADDR:2379
TLS=$LAB_DIR/tls

# authority NAME
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$TLS/$1.key" -out "$TLS/$1.pem"
}
# certificate NAME SAN: signed by the authority `ca`.
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
		-keyout "$TLS/$1.key" -out "$TLS/$1.csr" &&
		printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$2" \
			>"$TLS/$1.ext" &&
		openssl x509 -req -in "$TLS/$1.csr" -CA "$TLS/ca.pem" -CAkey "$TLS/ca.key" \
			-CAcreateserial -days 2 -extfile "$TLS/$1.ext" -out "$TLS/$1.pem"
}
certificates() {
	{ mkdir -p "$TLS" && authority ca && authority other &&
		certificate member "IP:$ADDR" && certificate node "IP:$(lab_addr a)" &&
		chmod 600 "$TLS"/*.key; } 2>/dev/null
}
member() {
	lab_spawn w etcd etcd --name m --data-dir "$LAB_DIR/etcd" \
		--listen-client-urls "https://0.0.0.0:2379" --advertise-client-urls "$URL" \
		--cert-file "$TLS/member.pem" --key-file "$TLS/member.key" \
		--client-cert-auth --trusted-ca-file "$TLS/ca.pem" --logger zap --log-level warn
}
serves() {
	lab_run w curl -sf -m 2 --cacert "$TLS/ca.pem" --cert "$TLS/node.pem" \
		--key "$TLS/node.key" -X POST -d '{}' "$URL/v3/maintenance/status" >/dev/null
}
phase_is() { status_is "$1" .arbiter.phase "$2"; }
says() { status_is "$1" ".arbiter.problem // \"\" | test(\"$2\")" true; }
# other_files EXPRESSION: of sed, over the file of the node a.
other_files() { sed -i "$1" "$LAB_DIR/a/hokm-xdp.conf" && ctl_ok a reload; }

# A file is replaced as a whole, and nobody tells the daemon.
replace() { cp "$TLS/$2" "$TLS/$1.new" && mv "$TLS/$1.new" "$TLS/$1"; }
asked() { status_is "$1" '.arbiter.problem == null and .arbiter.answered_ms < 6000' true; }
times_of() { lab_ctl "$1" events --recent 1000 --kind state | grep -c -- "-> $2"; }

renewed_while_silent() {
	must replace used.pem other.pem
	must other_files "s|\"$TLS/ca.pem\"|\"$TLS/used.pem\"|"
	must daemon_again a
	within 20 "wrong authority: no answer is taken" phase_is a silent
	must replace used.pem ca.pem
	within 40 "renewed while the node hears nobody: it owns" owns a
	holds "renewed while the node hears nobody: it owns by the record" phase_is a holds
}

renewed_while_heard() {
	local before
	must lab_conf b
	must cp "$LAB_DIR/a/hokm-xdp.conf" "$LAB_DIR/b/hokm-xdp.conf"
	must sed -i "s|$LAB_DIR/a/|$LAB_DIR/b/|" "$LAB_DIR/b/hokm-xdp.conf"
	must lab_game b
	must lab_daemon b
	for node in a b; do must lab_wait 30 phase_is $node not-needed; done
	before=$(times_of a fault)
	must replace used.pem other.pem
	for node in a b; do
		must ctl_ok $node reload
		within 20 "wrong authority while the peer is heard: status of $node" \
			says $node "SSL certificate problem"
	done
	must replace used.pem ca.pem
	for node in a b; do within 40 "renewed while the peer is heard: $node" asked $node; done
	holds "renewed while the peer is heard: the owner stays" owns a
	number_is "renewed while the peer is heard: faults" "$(times_of a fault)" -eq "$before"
}

export LAB_CONF_EXTRA="arbiter = etcd
etcd {
  endpoints = \"$URL\"
  ca_file = \"$TLS/other.pem\"
  cert_file = \"$TLS/node.pem\"
  key_file = \"$TLS/node.key\"
}"
must lab_up a b w
must certificates
must member
within 20 "start: the member serves" serves
must lab_conf a b
must lab_game a
must lab_daemon a
within 20 "another authority: no answer is taken" phase_is a silent
within 20 "another authority: status says why" says a "SSL certificate problem"
holds "another authority: it does not own" owns_not a
must other_files "s|other.pem|ca.pem|; s|^  cert_file.*||; s|^  key_file.*||"
within 20 "no certificate of its own: status says why" says a "alert"
holds "no certificate of its own: it does not own" owns_not a
must other_files "s|^etcd {|&\n  cert_file = \"$TLS/node.pem\"\n  key_file = \"$TLS/node.key\"|"
within 20 "the right files: it owns" owns a
holds "the right files: it owns by the record" phase_is a holds
renewed_while_silent
renewed_while_heard
test_end
