#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A client of the control socket that misbehaves, in one way for each call.

  ctl_client.py SOCKET WAY [N]

  raw TEXT         sends TEXT without a length before it
  frame TEXT       sends TEXT as one frame
  length N         announces a frame of N bytes and sends none of them
  cut              closes in the middle of a frame
  half             sends half a frame and waits
  silent           sends nothing and waits
  unread           asks for all events again and again and reads nothing
  crowd N          opens N connections that follow events, prints how many were refused, and keeps
                   the others open until the end of stdin
  follow N         follows the events of operator commands without reading, while another connection
                   gives N commands; then reads and prints how many events came, and how many the
                   daemon reported as missed

Every other way prints the answers of the daemon, until the daemon closes or until five seconds
after its deadline.
"""

import json
import os
import socket
import struct
import sys

PATIENCE_S = 10
FOLLOW = '{"verb":"events","args":{"follow":true,"recent":0,"kinds":["operator"]}}'


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # With a timeout the socket does not block, and a full backlog is an error at once.
    s.connect(path)
    s.settimeout(PATIENCE_S)
    return s


def frame(text):
    body = os.fsencode(text)
    return struct.pack(">I", len(body)) + body


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


def read_frame(s):
    """The next answer; None when the daemon has closed."""
    head = read_exactly(s, 4)
    return head and json.loads(read_exactly(s, struct.unpack(">I", head)[0]))


def print_answers(s):
    """All answers until the daemon closes."""
    try:
        while True:
            answer = read_frame(s)
            if answer is None:
                print("closed")
                return
            print(json.dumps(answer), flush=True)
            if answer.get("ok"):
                return
    except ConnectionResetError:
        print("closed")
    except socket.timeout:
        print("still open")


def unread(path):
    """Fills the socket until the daemon stops reading, then waits until the daemon closes."""
    s = connect(path)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    try:
        while True:
            s.sendall(frame('{"verb":"counters"}'))
    except (BrokenPipeError, ConnectionResetError):
        print("closed")
    except socket.timeout:
        print("still open")


def crowd(path, n):
    """A follower has no deadline: a busy machine may take its time for the crowd."""
    held, refused = [], 0
    for _ in range(n):
        held.append(connect(path))
        try:
            held[-1].sendall(frame(FOLLOW))
        except BrokenPipeError:
            pass  # refused and closed; the answer can be read
        answer = read_frame(held[-1])
        refused += not answer["ok"] and "too many clients" in answer["error"]
    print("refused %d of %d" % (refused, n), flush=True)
    sys.stdin.read()


def follow(path, n):
    slow = connect(path)
    slow.sendall(frame(FOLLOW))
    if not read_frame(slow)["ok"]:
        sys.exit("the daemon refuses a follower")
    for i in range(n):
        # A client has a budget of requests; a new one begins with a full one.
        if i % 100 == 0:
            busy = connect(path)
        busy.sendall(frame('{"verb":"undrain"}'))
        if not read_frame(busy)["ok"]:
            sys.exit("the daemon refuses undrain")
    busy.sendall(frame('{"verb":"status"}'))
    if read_frame(busy)["data"]["ctl"]["dropped"] == 0:
        sys.exit("nothing was dropped: not slow enough")
    came = missed = 0
    while came + missed < n:
        line = read_frame(slow)
        missed += line.get("dropped", 0)
        came += line.get("kind") == "operator"
    print("came %d missed %d" % (came, missed))


def main():
    path, way = sys.argv[1:3]
    rest = sys.argv[3:]
    if way == "crowd":
        return crowd(path, int(rest[0]))
    if way == "follow":
        return follow(path, int(rest[0]))
    if way == "unread":
        return unread(path)
    s = connect(path)
    if way == "raw":
        s.sendall(os.fsencode(rest[0]))
    elif way == "frame":
        s.sendall(frame(rest[0]))
    elif way == "length":
        s.sendall(struct.pack(">I", int(rest[0])))
    elif way == "cut":
        s.sendall(frame('{"verb":"status"}')[:9])
        s.shutdown(socket.SHUT_WR)
    elif way == "half":
        s.sendall(frame('{"verb":"status"}')[:9])
    elif way != "silent":
        sys.exit("no such way: " + way)
    print_answers(s)


if __name__ == "__main__":
    main()
