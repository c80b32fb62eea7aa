#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A slow way through the switch: carries the pulses between two ports, each of them later.

  slow_way.py FROM TO ADDRESS MILLISECONDS     run in the switch's network namespace

Pulses to ADDRESS that come in at port FROM leave at port TO after that time. The switch must drop
them meanwhile (cut_way in cuts.sh). The kernel has no queue that does this. Ends by SIGTERM, or
after LIFE_S.
"""

import collections
import select
import socket
import sys
import time

PORT = b"\x22\x3e"  # 8766
LIFE_S = 120
OUTGOING = 4  # PACKET_OUTGOING
ETH_P_ALL = 0x0003


def packet_socket(interface, protocol):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    s.bind((interface, protocol))
    return s


def main():
    source, way = packet_socket(sys.argv[1], ETH_P_ALL), packet_socket(sys.argv[2], 0)
    to, later_s = socket.inet_aton(sys.argv[3]), float(sys.argv[4]) / 1000
    held = collections.deque()
    end = time.monotonic() + LIFE_S
    print("carrying", flush=True)
    while time.monotonic() < end:
        left = held[0][0] - time.monotonic() if held else 1
        ready = left > 0 and select.select([source], [], [], left)[0]
        if ready:
            frame, address = source.recvfrom(2048)
            if address[2] != OUTGOING and frame[12:14] == b"\x08\x00" and frame[23] == 17 and \
                    frame[30:34] == to and frame[36:38] == PORT:
                held.append((time.monotonic() + later_s, frame))
        while held and held[0][0] <= time.monotonic():
            way.send(held.popleft()[1])


main()
