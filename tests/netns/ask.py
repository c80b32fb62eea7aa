#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Answers the questions of a namespace test about its nodes, from one process (see helper.sh).

  ask.py serve QUESTIONS ANSWERS TURN

A question is a line of three fields, separated by tabs: the control socket of the daemon, the verb,
and a filter. The answer is what `hokm-xdp ctl VERB --json | jq -r FILTER` would print, without the
last line feed; it is empty when no daemon answers. A test that waits for a condition asks many
times a second: with two new programs a question it would take more time of the processors than the
nodes that it tests.

A filter of paths and sums of paths (".vrrp.sent", ".services[0].state", ".a + .b") is evaluated
here. For every other filter a jq runs until the end, which gets a line for each question.
"""

import json
import re
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
import helper  # noqa: E402  (needs the line above)

PATIENCE_S = 10  # as `hokm-xdp ctl` has
KEY = r'(?:\.[A-Za-z_]\w*|\."[^"\\]*"|\[\d+\])'
PATH = r"\.|%s+" % KEY
SUM = re.compile(r"(?:%s)(?: \+ (?:%s))*" % (PATH, PATH))
END = "end of the answer"  # the last line that a jq prints for a question


def receive(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise ConnectionError("the daemon closed the connection")
        data += more
    return data


def reply_of(path, verb):
    """The data of the daemon's reply, as JSON text."""
    body = json.dumps({"verb": verb, "args": {}}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(PATIENCE_S)
        s.connect(path)
        s.sendall(struct.pack(">I", len(body)) + body)
        reply = json.loads(receive(s, *struct.unpack(">I", receive(s, 4))))
    if not reply["ok"]:
        raise ValueError(reply["error"])
    return reply["data"]


def value_at(data, path):
    """The value at a path; what is not there is None, as with jq."""
    for name, quoted, index in re.findall(r'\.([A-Za-z_]\w*)|\."([^"]*)"|\[(\d+)\]', path):
        if data is None:
            return None
        if index:
            data = data[int(index)] if int(index) < len(data) else None
        else:
            data = data.get(name or quoted)
    return data


def evaluate(data, filter_):
    """A path, or the sum of several; None counts for nothing."""
    values = [value_at(data, path) for path in filter_.split(" + ")]
    there = [v for v in values if v is not None]
    value = sum(there) if len(there) > 1 else there[0] if there else None
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def new_jq(filter_):
    program = "try (%s) catch empty, %s" % (filter_, json.dumps(END))
    return subprocess.Popen(["jq", "-r", "--unbuffered", program], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def ask_jq(jqs, data, filter_):
    jq = jqs.get(filter_)
    if jq is None or jq.poll() is not None:
        jq = jqs[filter_] = new_jq(filter_)
    jq.stdin.write(json.dumps(data) + "\n")
    jq.stdin.flush()
    lines = []
    for line in jq.stdout:
        if line == END + "\n":
            return "".join(lines).rstrip("\n")
        lines.append(line)
    raise ValueError("jq refuses the filter")


def answer(jqs, question):
    path, verb, filter_ = question.split("\t")
    try:
        data = reply_of(path, verb)
        if SUM.fullmatch(filter_):
            return evaluate(data, filter_)
        return ask_jq(jqs, data, filter_)
    except OSError:
        return ""  # no daemon, or one that stopped in the middle
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        print("%s: %s" % (question, e), file=sys.stderr)
        return ""


def main():
    jqs = {}
    helper.serve(sys.argv[2:], lambda question: answer(jqs, question))


if __name__ == "__main__":
    main()
