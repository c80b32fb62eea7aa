#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A small HTTP and WebSocket server that fails in the way its path names, for tests of the checks.

It listens on 127.0.0.1, plain and with TLS (a certificate made at start), prints `ready PLAIN
TLS` with both ports, and ends when its standard input is closed. The good WebSocket paths require
a correct client: masked frames, version 13, an answer to the server's ping, close code 1000. For
any other client the server closes the TCP connection without a close frame, and the check fails.
"""
import base64
import hashlib
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10

flaky_left = {}
flaky_lock = threading.Lock()


def read_head(conn):
    data = b""
    while b"\r\n\r\n" not in data:
        part = conn.recv(4096)
        if not part or len(data) > 65536 or part[0] == 0x16:  # TLS where none is spoken
            return None, {}
        data += part
    lines = data.split(b"\r\n\r\n")[0].split(b"\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return lines[0].split(b" ")[1].decode(), headers


def wait_for_end(conn):
    """Sends nothing until the client closes."""
    while conn.recv(4096):
        pass


def answer(conn, status, body, extra=b""):
    conn.sendall(b"HTTP/1.1 %d Words\r\nContent-Length: %d\r\n%s\r\n%s" % (
        status, len(body), extra, body))


def http_flaky(conn, parts):
    """/flaky/ID/N: the first N requests with this ID get 503."""
    with flaky_lock:
        left = flaky_left.setdefault(parts[1], int(parts[2]))
        flaky_left[parts[1]] = left - 1
    answer(conn, 503 if left > 0 else 200, b"flaky")


def http(conn, parts, headers):
    kind = parts[0]
    if kind == "ok":
        answer(conn, 200, b"all is well at " + headers.get(b"host", b"?"))
    elif kind == "status":
        answer(conn, int(parts[1]), b"so be it")
    elif kind == "split":
        # The body comes in two parts, with a pause between them.
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall i")
        threading.Event().wait(0.1)
        conn.sendall(b"s well")
    elif kind == "long":
        answer(conn, 200, b"x" * (64 * 1024) + b"needle" + b"x" * 4096)
    elif kind == "hang":
        wait_for_end(conn)
    elif kind == "half":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall")
        wait_for_end(conn)
    elif kind == "cut":
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nall")
    elif kind == "drop":
        pass
    elif kind == "big-headers":
        answer(conn, 200, b"", b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(20)))
    elif kind == "garbage":
        conn.sendall(b"\x00\x01\x1b[2J this is not HTTP\r\n\r\n")
    elif kind == "flaky":
        http_flaky(conn, parts)
    else:
        answer(conn, 404, b"no such path")


def frame(op, payload=b"", fin=True, mask=False, rsv=0):
    head = bytes([(0x80 if fin else 0) | rsv | op])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(payload))
    return head + (b"\0\0\0\0" if mask else b"") + payload


def read_exactly(conn, n):
    data = b""
    while len(data) < n:
        part = conn.recv(n - len(data))
        if not part:
            raise ConnectionError("the client closed")
        data += part
    return data


def read_frame(conn):
    head = read_exactly(conn, 2)
    if not head[0] & 0x80 or head[0] & 0x70 or not head[1] & 0x80 or head[1] & 0x7F > 125:
        raise ConnectionError("the client sent a bad frame")
    mask = read_exactly(conn, 4)
    data = read_exactly(conn, head[1] & 0x7F)
    return head[0] & 0x0F, bytes(b ^ mask[i & 3] for i, b in enumerate(data))


def expect(conn, op):
    got, payload = read_frame(conn)
    if got != op:
        raise ConnectionError("opcode %d, expected %d" % (got, op))
    return payload


def handshake(headers, mode):
    key = headers.get(b"sec-websocket-key", b"")
    good = (
        len(base64.b64decode(key)) == 16
        and headers.get(b"sec-websocket-version") == b"13"
        and headers.get(b"upgrade", b"").lower() == b"websocket"
        and headers.get(b"host")
    )
    if not good:
        raise ConnectionError("the client sent a bad handshake")
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    if mode == "bad-accept":
        accept = accept[::-1]
    lines = [b"HTTP/1.1 101 Switching Protocols"]
    if mode != "no-upgrade":
        lines += [b"Upgrade: WebSocket", b"Connection: keep-alive, Upgrade"]
    if mode != "no-accept":
        lines.append(b"Sec-WebSocket-Accept: " + accept)
    if mode == "extension":
        lines.append(b"Sec-WebSocket-Extensions: permessage-deflate")
    if mode == "headers":
        lines.append(b"Sec-WebSocket-Protocol: game")
    if mode == "big-headers":
        lines += [b"X-%d: %s" % (i, b"y" * 1000) for i in range(20)]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def end_well(conn, ping):
    conn.sendall(frame(PONG, ping))
    payload = expect(conn, CLOSE)
    if payload[:2] == struct.pack(">H", 1000):
        conn.sendall(frame(CLOSE, payload[:2]))


def chatter(conn, hello):
    """Sends everything that a server may send before it answers the ping."""
    conn.sendall(hello + frame(TEXT, b'{"welcome":1}') + frame(TEXT, b"in ", fin=False))
    conn.sendall(frame(PING, b"are you there?") + frame(CONT, b"parts"))
    conn.sendall(frame(BINARY, b"z" * 70000) + frame(PONG, b"unsolicited"))
    conn.sendall(frame(BINARY, b"y" * 300))
    ping = expect(conn, PING)
    if expect(conn, PONG) != b"are you there?":
        raise ConnectionError("the client sent a wrong pong")
    end_well(conn, ping)


def drip(conn, hello):
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in hello:
        conn.sendall(bytes([byte]))
    ping = expect(conn, PING)
    for byte in frame(PONG, ping):
        conn.sendall(bytes([byte]))
    expect(conn, CLOSE)
    conn.sendall(frame(CLOSE, struct.pack(">H", 1000)))


def ws_frames(conn, mode):
    """Sends frames after a good 101. The connection is closed when this returns."""
    if mode == "eof":
        return
    if mode == "no-pong":
        wait_for_end(conn)
        return
    ping = expect(conn, PING)
    if mode in ("ok", "proxy-1", "proxy-2", "headers"):
        end_well(conn, ping)
    elif mode == "wrong-pong":
        conn.sendall(frame(PONG, ping[::-1] + b"!"))
        wait_for_end(conn)
    elif mode == "close":
        conn.sendall(frame(CLOSE, struct.pack(">H", 1011) + b"sorry"))
    elif mode == "masked":
        conn.sendall(frame(PONG, ping, mask=True))
    elif mode == "rsv":
        conn.sendall(frame(TEXT, b"deflated?", rsv=0x40))
    elif mode == "no-close":
        conn.sendall(frame(PONG, ping))
        wait_for_end(conn)
    elif mode == "flood":
        while True:
            conn.sendall(frame(BINARY, b"f" * 60000))
    elif mode == "flood-late":
        conn.sendall(frame(PONG, ping))
        while True:
            conn.sendall(frame(BINARY, b"f" * 60000))


def read_proxy(conn):
    """The version of the PROXY protocol that the client speaks first; 0: none, or a wrong one."""
    first = conn.recv(16, socket.MSG_PEEK)
    if first == b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0":
        read_exactly(conn, 16)
        return 2
    if not first.startswith(b"PROXY "):
        return 0
    line = b""
    while not line.endswith(b"\r\n"):
        line += read_exactly(conn, 1)
    (source, sport), (target, dport) = conn.getpeername(), conn.getsockname()
    return int(line.decode().split() == ["PROXY", "TCP4", source, target, str(sport), str(dport)])


def refuses(path, headers, proxy):
    """Does the path demand what the client did not send?"""
    if path.endswith("/proxy-1") or path.endswith("/proxy-2"):
        return proxy != int(path[-1])
    return path.endswith("/headers") and (
        headers.get(b"origin"), headers.get(b"sec-websocket-protocol"),
        headers.get(b"x-a")) != (b"https://h", b"game", b"b")


def websocket(conn, mode, headers):
    if mode == "status":
        answer(conn, 403, b"no")
    elif mode == "hang":
        wait_for_end(conn)
    elif mode == "garbage":
        conn.sendall(b"220 mail here\r\n\r\n")
    elif mode == "drop":
        return
    else:
        hello = handshake(headers, mode)
        if mode == "chatter":
            chatter(conn, hello)
        elif mode == "drip":
            drip(conn, hello)
        else:
            conn.sendall(hello)
            ws_frames(conn, mode)


def serve(conn, context):
    try:
        with conn:
            proxy = read_proxy(conn)
            if context:
                conn = context.wrap_socket(conn, server_side=True)
            path, headers = read_head(conn)
            if path and not refuses(path, headers, proxy):
                parts = path.strip("/").split("/")
                if parts[0] == "ws":
                    websocket(conn, parts[1], headers)
                else:
                    http(conn, parts, headers)
            conn.close()
    except (OSError, ValueError):
        pass


def listen(context):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)

    def accept():
        while True:
            conn, _ = sock.accept()
            threading.Thread(target=serve, args=(conn, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return sock.getsockname()[1]


def make_context():
    with tempfile.TemporaryDirectory() as folder:
        key, cert = os.path.join(folder, "key"), os.path.join(folder, "cert")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=stub", "-days", "1", "-keyout", key, "-out", cert],
            check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context


def main():
    plain, tls = listen(None), listen(make_context())
    print("ready %d %d" % (plain, tls), flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
