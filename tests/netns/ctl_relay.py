#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A control socket that loses answers.

  ctl_relay.py SOCKET DAEMON VERB...

Listens on SOCKET and passes each request on to the daemon's socket DAEMON. Of the first request
with each VERB the daemon's answer is not passed back: the connection is closed.
"""

import json
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
import ask  # noqa: E402  (needs the line above)


def receive(s):
    head = ask.receive(s, 4)
    return head + ask.receive(s, *struct.unpack(">I", head))


def main():
    path, daemon, *lost = sys.argv[1:]
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(path)
        s.listen(16)
        while True:
            client = s.accept()[0]
            with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as to:
                try:
                    request = receive(client)
                    to.connect(daemon)
                    to.sendall(request)
                    answer = receive(to)
                    verb = json.loads(request[4:])["verb"]
                    if verb in lost:
                        lost.remove(verb)
                    else:
                        client.sendall(answer)
                except OSError as e:
                    print(e, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
