#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A man in the middle of replication: carries the messages of a node to its peer, with faults.

  relay.py NETNS INTERFACE MODE     run in the sender's network namespace

Messages that leave eth0 are sent at INTERFACE in the namespace NETNS (the end of the receiver's
cable at the switch). The direct way must be closed meanwhile (tools/lab/lose.bpf.c).

  swap     swaps each pair of DATA messages; a message without a second one for HOLD_S is sent alone
  double   sends every message twice

CONTROL messages are not changed. Ends by SIGTERM, or after LIFE_S.
"""

import select
import socket
import sys
import time

sys.dont_write_bytecode = True
import helper  # noqa: E402  (needs the line above)

PORT = b"\x22\x3f"  # 8767
DATA = 2
HOLD_S = 0.015
LIFE_S = 60
OUTGOING = 4  # PACKET_OUTGOING
ETH_P_ALL = 0x0003


def packet_socket(interface, protocol):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    s.bind((interface, protocol))
    return s


def is_replication(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[36:38] == PORT and \
        frame[42:46] == b"HKMR"


def main():
    netns, interface, mode = sys.argv[1:4]
    source = packet_socket("eth0", ETH_P_ALL)
    helper.enter(netns)
    way = packet_socket(interface, 0)
    held = None
    end = time.monotonic() + LIFE_S
    print("carrying", flush=True)
    while time.monotonic() < end:
        ready, _, _ = select.select([source], [], [], HOLD_S)
        if not ready:
            if held:
                way.send(held)
            held = None
            continue
        frame, address = source.recvfrom(2048)
        if address[2] != OUTGOING or not is_replication(frame):
            continue
        if mode == "double":
            way.send(frame)
            way.send(frame)
        elif frame[47] != DATA:
            way.send(frame)
        elif held:
            way.send(frame)
            way.send(held)
            held = None
        else:
            held = frame


main()
