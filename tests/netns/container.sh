# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A container on a node, as container engines make it: a network namespace of its own behind the
# node, which translates the port of the VIP to it.

INSIDE=172.17.0.2 # its address

# box NODE: the namespace of its container, and the rules that lead there.
box() {
	local node=$1 inside=in-$1
	ip netns add "$(lab_ns "$inside")" && lab_quiet "$inside" &&
		ip -n "$(lab_ns "$node")" link add docker0 type veth \
			peer name eth0 netns "$(lab_ns "$inside")" &&
		ip -n "$(lab_ns "$node")" -batch - <<<$'addr add 172.17.0.1/24 dev docker0
			link set docker0 up' &&
		ip -n "$(lab_ns "$inside")" -batch - <<-END &&
			link set lo up
			addr add $INSIDE/24 dev eth0
			link set eth0 up
			route add default via 172.17.0.1
		END
		lab_run "$inside" ethtool -K eth0 tx off >/dev/null &&
		lab_run "$node" ethtool -K docker0 tx off >/dev/null &&
		lab_run "$node" sysctl -qw net.ipv4.ip_forward=1 && translate "$node"
}
translate() {
	lab_run "$1" nft -f - <<-END
		table ip docker {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				tcp dport $LAB_PORT fib daddr type local dnat to $INSIDE:$LAB_PORT
			}
			chain output {
				type nat hook output priority -100;
				tcp dport $LAB_PORT fib daddr type local dnat to $INSIDE:$LAB_PORT
			}
			chain forward {
				type filter hook forward priority filter; policy drop;
				ct state established,related accept
				oifname docker0 accept
			}
		}
	END
}
# in_box NODE NAME CMD...: a program of the container, known by the node and NAME.
in_box() {
	lab_spawn "$1" "$2" nsenter --net="/run/netns/$(lab_ns "in-$1")" -- "${@:3}"
}
