#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compares the frames that the kernel counted with those that the ends of a frames test counted.

  compare.py conns CONNS CLIENT                  connection by connection
  compare.py counters BEFORE AFTER CLIENT        by opcode and direction
  compare.py between BEFORE AFTER CONNS CLIENT   the same, when connections lost synchronization

CONNS is `bpftool -j map dump` of the map conns. BEFORE and AFTER are `ctl counters --all --json`
of one service (".services.NAME"). CLIENT is a line of frames_client. The answer is one line of
JSON; the exit status is 0 when nothing is wrong.

For a connection that never lost synchronization both counts must be equal. For a connection that
lost it, the kernel missed frames but counted none that was not sent. So the kernel's count by
opcode lies between all frames of the connections that never lost it and all frames of all
connections.
"""

import json
import sys

KINDS = ("continuation", "text", "binary", "close", "ping", "pong")
ESTABLISHED = 3
FRAMES = 1  # hokm_follow_state
WAYS = (("in", "sent", "c2s"), ("out", "received", "s2c"))


def load(path):
    """The last line of a file that is not empty."""
    with open(path, encoding="utf-8") as f:
        return json.loads([l for l in f.read().splitlines() if l.strip()][-1])


def entries(dump):
    """Established connections, by the port of the client."""
    found = {}
    for entry in dump:
        key, value = entry["formatted"]["key"], entry["formatted"]["value"]
        if value["tcp_state"] == ESTABLISHED:
            port = key["client_port"]
            found[(port & 0xff) << 8 | port >> 8] = value
    return found


def judge(conn, entry):
    """What is wrong with one connection: a list of messages."""
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
    """Compares every connection of the client."""
    kernel = entries(dump)
    answer = {"conns": 0, "exact": 0, "lost": 0, "out_of_step": 0, "frames": 0, "wrong": [],
              "stuck": []}
    for conn in client["conns"]:
        entry = kernel.get(conn["port"])
        answer["conns"] += 1
        answer["frames"] += sum(sum(conn[end].values()) for _, end, _ in WAYS)
        wrong = judge(conn, entry)
        answer["wrong"] += ["port %d %s" % (conn["port"], w) for w in wrong]
        if entry:
            answer["lost"] += bool(entry["sync_lost"])
            answer["exact"] += not wrong and not entry["sync_lost"]
            stuck = [h for _, _, h in WAYS if entry[h]["ws"]["state"] != FRAMES]
            answer["out_of_step"] += bool(stuck)
            answer["stuck"] += [{"port": conn["port"], "way": h, "follows": entry[h],
                                 "sync_lost": entry["sync_lost"]} for h in stuck]
    return answer


def counters(before, after, least, most):
    """Compares by opcode: the kernel's count must lie between `least` and `most`."""
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
    """The frames of the connections that never lost synchronization."""
    kernel = entries(dump)
    part = {end: dict.fromkeys(KINDS, 0) for _, end, _ in WAYS}
    for conn in client["conns"]:
        if conn["port"] in kernel and not kernel[conn["port"]]["sync_lost"]:
            for _, end, _ in WAYS:
                for kind in KINDS:
                    part[end][kind] += conn[end][kind]
    return part


def main():
    """Makes the comparison that the command line names."""
    what, files = sys.argv[1], [load(path) for path in sys.argv[2:]]
    if what == "conns":
        answer = conns(*files)
    elif what == "counters":
        before, after, client = files
        answer = counters(before, after, client, client)
    else:
        before, after, dump, client = files
        answer = counters(before, after, exact_part(dump, client), client)
    print(json.dumps(answer, separators=(",", ":")))
    return 1 if answer["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
