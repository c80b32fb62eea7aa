# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the package and its units do on the two systems under players: the drill of the timer, an
# upgrade, a game server that is started again, and a purge, of the backup and of the owner.
# tests/system/test_debian.sh sources this file and has the rest of the words (begin, end).

PACKAGE=$LAB_DIR/package.deb

# package_as VERSION: the package once more, with another version.
package_as() {
	local tree=$LAB_DIR/package/again
	rm -rf "$tree" "$PACKAGE"
	dpkg-deb -R "$LAB_ROOT"/build/deb/hokm-xdp_*.deb "$tree" &&
		sed -i "s/^Version: .*/Version: $1/" "$tree/DEBIAN/control" &&
		dpkg-deb -Znone --root-owner-group -b "$tree" "$PACKAGE" >/dev/null
}
package_put() {
	cp "$PACKAGE" "$LAB_DIR/$1/root/root/new.deb" &&
		machine_run "$1" dpkg -i /root/new.deb >>"$LAB_DIR/log/dpkg-$1" 2>&1 &&
		rm "$LAB_DIR/$1/root/root/new.deb"
}
package_purge() { machine_run "$1" dpkg --purge hokm-xdp >>"$LAB_DIR/log/dpkg-$1" 2>&1; }
unit_is() { [ "$(machine_run "$1" systemctl "is-$2" "$3" 2>/dev/null)" = "$4" ]; }

# ---- the drill of the timer ----

DRILL=hokm-xdp-drill
drills() { machine_run "$1" hokm-xdp test --history --json | jq -r ".[-1].$2"; }

# The unit as it is on the backup, where it moves nothing; on the owner with shorter waits.
drill_units() {
	begin "unit of the drill"
	for node in a b; do
		holds "$CASE: its timer is off on $node" unit_is $node enabled $DRILL.timer disabled
	done
	within 20 "$CASE: both replicas are warm" status_is a \
		'.peers[0].replica | .warm and .peer_warm' true
	holds "$CASE: on the backup it does not fail" machine_run b systemctl start $DRILL.service
	holds "$CASE: on the backup nothing moves" owns a
	must machine_file a /etc/systemd/system/$DRILL.service.d/sooner.conf <<-END
		[Service]
		ExecStart=
		ExecStart=/usr/sbin/hokm-xdp test failover --scheduled --rest 0s \\
			--settled 100ms --within 10s
	END
	must machine_run a systemctl daemon-reload
	holds "$CASE: on the owner it does not fail" machine_run a systemctl start $DRILL.service
	holds "$CASE: the drill passed" test "$(drills a result)" = passed
	holds "$CASE: by a timer" test "$(drills a scheduled)" = true
	holds "$CASE: the daemon reports it" event a drill "the peer owned after"
	end 2
	must rm -r "$LAB_DIR/a/root/etc/systemd/system/$DRILL.service.d"
	must machine_run a systemctl daemon-reload
	must machine_run a systemctl enable -q --now $DRILL.timer
}

# ---- upgrade ----

# The daemon is the file that the package put there: both have the same number, of two that are
# printed.
runs_installed() {
	[ "$(machine_run "$1" stat -L -c %i "/proc/$(main_pid "$1")/exe" /usr/sbin/hokm-xdp |
		uniq -c | awk '{ print $1 }')" = 2 ]
}

package_upgraded() {
	local before
	begin "upgrade of the package"
	must package_as 9.0
	for node in b a; do
		before=$(main_pid $node)
		must package_put $node
		holds "$CASE: the version is new on $node" test 9.0 = \
			"$(machine_run $node dpkg-query -W -f '${Version}' hokm-xdp)"
		holds "$CASE: the daemon of $node is the same process" \
			test "$(main_pid $node)" = "$before"
		within 20 "$CASE: and runs the new program" runs_installed $node
	done
	holds "$CASE: the timer stays as it was" unit_is a enabled $DRILL.timer enabled
	end
}

# ---- recover ----

# The game is killed, and its unit has no Restart=. The command runs as root without capabilities:
# systemd asks for the user only.
game_recovered() {
	local conf=$LAB_DIR/a/root/etc/hokm-xdp/hokm-xdp.conf kept=$LAB_DIR/a/kept.conf
	CASE="recover of a unit"
	within 60 "$CASE: before it all is well" as_usual
	must cp -p "$conf" "$kept"
	must sed -i 's|^service game { |&recover { user = root \
		command = "/usr/bin/systemctl restart game" } |' "$conf"
	must ctl_ok a reload
	within 20 "$CASE: it is configured" status_is a '.services[0].recover.state' idle
	must machine_run a systemctl kill -s KILL game.service
	within 20 "$CASE: an attempt begins" event a service "recovery attempt 1 of"
	within 60 "$CASE: it is up again" event a service "is up again after recover"
	holds "$CASE: the game is systemd's" unit_is a active game.service active
	number_is "$CASE: attempts" "$(lab_ctl a events --recent 1000 --kind service |
		grep -c 'recovery attempt')" -eq 1
	within 60 "$CASE: then all is well" as_usual
	must mv "$kept" "$conf"
	must ctl_ok a reload
}

# ---- purge ----

# Everything of ours that is on a machine: files, units, pins, programs, routes, sysctls, rules.
left_by_package() {
	LEFT=$(
		machine_run "$1" sh -c 'find / -xdev -name "*hokm-xdp*" ! -path "/proc/*" \
			! -path "/var/log/journal/*" ! -path "/root/*" 2>/dev/null
			find /sys/fs/bpf -name "*hokm*"
			nft list tables inet 2>/dev/null | grep hokm
			systemctl list-units --all --plain --no-legend "hokm-xdp*"'
		lab_run "$1" ip -d link show dev eth0 | grep -o 'prog/xdp.*'
		lab_run "$1" tc filter show dev eth0 egress
		lab_run "$1" ip route show table all | grep -wF "$LAB_VIP"
		lab_run "$1" sysctl net.ipv4.conf.eth0.{arp_ignore,arp_announce} | grep -v ' = 0$'
	)
	[ -n "$LEFT" ]
}
nothing_left() {
	holds "$CASE: nothing is left on $1" lacks left_by_package "$1"
	[ -z "$LEFT" ] || echo "# left: $LEFT"
	holds "$CASE: $1 has no VIP" has_no_vip "$1"
}

# By the code that the first machine showed at the beginning. Exit status 2: as in machine_setup().
join_again() {
	local code
	code=$(grep -o 'HOKM1[A-Z2-7]*' "$LAB_DIR/log/setup-a") || return 1
	machine_run "$1" hokm-xdp setup --join - --yes --start <<<"$code" >"$LAB_DIR/log/again" 2>&1
	case $? in
	0 | 2) ;;
	*) cat "$LAB_DIR/log/again"; return 1 ;;
	esac
}

# The players come to the owner.
players_anew() {
	observe_stop && observe_start && lab_wait 20 players_on a
}

purged_backup() {
	must lab_wait 60 as_usual
	must players_anew
	begin "purge of the backup"
	holds "$CASE: it is done" package_purge b
	nothing_left b
	ALONE=true
	end
	holds "$CASE: the players play" players_on a
	ALONE=false
	CASE="installed again"
	must package_put b
	holds "$CASE: it joins by the same code" join_again b
	within 60 "$CASE: then all is well" as_usual
}

purged_owner() {
	begin "purge of the owner"
	holds "$CASE: the players are on it" players_on a
	holds "$CASE: it is done" package_purge a
	within 10 "$CASE: the peer owns" owns b
	nothing_left a
	within 60 "$CASE: the players play again" well
	observe_mark end
	holds "$CASE: a RST notified each of them" test -z \
		"${REPLY_PLAYERS##*\"broken_by\":{\"reset\":$PLAYERS\}*}"
	one_owner 1
}
