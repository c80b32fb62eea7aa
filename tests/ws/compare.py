#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares what the kernel counted with what the ends of a frames test did.

  compare.py conns CONNS CLIENT             connection by connection
  compare.py counters BEFORE AFTER CLIENT   by opcode and direction
  compare.py between BEFORE AFTER CONNS CLIENT   the same, where connections lost their step

CONNS is `bpftool -j map dump` of the map conns, BEFORE and AFTER are `ctl counters --all --json` of one
service (".services.NAME"), CLIENT a line of frames_client. The answer is one line of JSON; the exit
status is 0 when nothing is wrong.

A connection that never lost its step must have the exact numbers. One that did has missed some, and has
counted none that was not sent; so by opcode the truth lies between all frames of the exact ones and all
frames of everybody.
"""

import json
import sys

KINDS = ("continuation", "text", "binary", "close", "ping", "pong")
ESTABLISHED = 3
FRAMES = 1  # hokm_follow_state
WAYS = (("in", "sent", "c2s"), ("out", "received", "s2c"))


def load(path):
    """The last line of a file that has something in it."""
    with open(path, encoding="utf-8") as f:
        return json.loads([l for l in f.read().splitlines() if l.strip()][-1])


def entries(dump):
    """Established connections by the client's port."""
    found = {}
    for entry in dump:
        key, value = entry["formatted"]["key"], entry["formatted"]["value"]
        if value["tcp_state"] == ESTABLISHED:
            port = key["client_port"]
            found[(port & 0xff) << 8 | port >> 8] = value
    return found


def judge(conn, entry):
    """Words about what is wrong with one connection, or none."""
    if entry is None:
        return ["not in conns"]
    wrong = []
    for way, end, half in WAYS:
        there, here = sum(conn[end].values()), entry[half]["frames"]
        if here != there and not (entry["sync_lost"] and here < there):
            wrong.append("%s: kernel %d, ends %d, sync_lost %d" % (way, here, there,
                                                                  entry["sync_lost"]))
    return wrong


def conns(dump, client):
    """Every connection of the client."""
    kernel = entries(dump)
    answer = {"conns": 0, "exact": 0, "lost": 0, "out_of_step": 0, "frames": 0, "wrong": []}
    for conn in client["conns"]:
        entry = kernel.get(conn["port"])
        answer["conns"] += 1
        answer["frames"] += sum(sum(conn[end].values()) for _, end, _ in WAYS)
        wrong = judge(conn, entry)
        answer["wrong"] += ["port %d %s" % (conn["port"], w) for w in wrong]
        if entry:
            answer["lost"] += bool(entry["sync_lost"])
            answer["exact"] += not wrong and not entry["sync_lost"]
            answer["out_of_step"] += any(entry[h]["ws"]["state"] != FRAMES for _, _, h in WAYS)
    return answer


def counters(before, after, least, most):
    """The kernel's frames by opcode must be from `least` to `most`."""
    answer = {"wrong": [], "kernel": 0}
    for way, end, _ in WAYS:
        for kind in KINDS:
            name = "%s_%s" % (way, kind)
            n = after[name] - before[name]
            answer["kernel"] += n
            if not least[end][kind] <= n <= most[end][kind]:
                answer["wrong"].append("%s: kernel %d, ends %s" % (
                    name, n, "%d" % most[end][kind] if least is most else
                    "%d..%d" % (least[end][kind], most[end][kind])))
    for name in ("sync_lost_in", "sync_lost_out", "sync_regained_in", "sync_regained_out"):
        answer[name] = after[name] - before[name]
    return answer


def exact_part(dump, client):
    """The frames of connections that never lost their step."""
    kernel = entries(dump)
    part = {end: dict.fromkeys(KINDS, 0) for _, end, _ in WAYS}
    for conn in client["conns"]:
        if conn["port"] in kernel and not kernel[conn["port"]]["sync_lost"]:
            for _, end, _ in WAYS:
                for kind in KINDS:
                    part[end][kind] += conn[end][kind]
    return part


def main():
    """One comparison."""
    what, files = sys.argv[1], [load(path) for path in sys.argv[2:]]
    if what == "conns":
        answer = conns(*files)
    elif what == "counters":
        before, after, client = files
        answer = counters(before, after, client, client)
    else:
        before, after, dump, client = files
        answer = counters(before, after, exact_part(dump, client), client)
    print(json.dumps(answer))
    return 1 if answer["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
