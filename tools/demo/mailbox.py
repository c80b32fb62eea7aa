#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A mail server for the demo: accepts every mail and appends it to a file.

    mailbox.py ADDRESS PORT FILE

It prints "ready" when it listens, and runs until it is ended.
"""
import logging
import sys
import threading

from aiosmtpd.controller import Controller


class Box:
    def __init__(self, path):
        self.path = path

    async def handle_DATA(self, server, session, envelope):
        with open(self.path, "ab") as f:
            f.write(envelope.content.replace(b"\r\n", b"\n") + b"\n")
        return "250 OK"


def main():
    address, port, path = sys.argv[1:]
    # A controller asks itself whether it runs, and closes that connection in the middle.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    Controller(Box(path), hostname=address, port=int(port)).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
