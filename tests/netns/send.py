#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Sends forged and malformed frames, from the network namespace in which it runs.

  send.py [-i eth0] [-n COUNT] [--src IP] [--smac MAC] [--dst IP] [--dmac MAC] [--ttl N] KIND ...

  advert [KEY=VALUE ...]    a VRRP advert, correct unless keys change it (see ADVERT)
  pulse FILE KIND [CHANGE]  a pulse from a capture: the newest "probe" or "answer" to --dst, as it
                            was captured ("replay"), in a new packet ("same") or changed (CHANGES);
                            or "reflect": the newest that --dst itself sent, in a new packet
  repl FILE KIND [CHANGE]   a replication message, likewise: the newest "control" or "data" to
                            --dst, unchanged ("replay", "same") or changed (see REPL_CHANGES); or
                            "all" in the order of the capture, and prints their number
  claim                     gratuitous ARP of the address --src
  tcp CASE                  an impossible packet to --dst:8765 (see TCP_CASES)
  list                      the cases of tcp, one a line, with the counter of each
  serve IN OUT TURN         a helper (see helper.sh): a line is the path of a network namespace and
                            the arguments, separated by tabs; the answer is "sent", a space, and
                            what would be printed

Addresses and MACs that are not given are those of the interface; for a replayed pulse those of the
capture. Frames are sent as whole Ethernet frames, so that the kernel corrects nothing.
"""

import argparse
import fcntl
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
import helper  # noqa: E402  (needs the line above)

VRRP_GROUP = "224.0.0.18"
GROUP_MAC = "01:00:5e:00:00:12"
VRRP, TCP, UDP = 112, 6, 17
PORT = 8765
PULSE_PORT = 8766
PULSE_LEN = 160
SIOCGIFADDR, SIOCGIFHWADDR = 0x8915, 0x8927

# The keys of an advert, with the values of a correct one.
ADVERT = {
    "version": 2, "type": 1, "vrid": 25, "priority": 110, "interval": None, "auth": None,
    "pass": "", "vips": "192.168.1.25", "count": None,  # count: what the message claims
    # or bad, pseudo (version 3: with the pseudo-header), group (with 224.0.0.18)
    "checksum": "good",
    "trailer": 0,        # bytes behind the advert, which the checksum does not cover
    "cut": None,         # bytes of the VRRP message that are sent
    "fragment": 0,       # 1: first of several fragments, 2: a later one
}


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def interface_of(name):
    """MAC and address of an interface; 0.0.0.0 without an address."""
    request = struct.pack("256s", name.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        mac = fcntl.ioctl(s, SIOCGIFHWADDR, request)[18:24]
        try:
            addr = socket.inet_ntoa(fcntl.ioctl(s, SIOCGIFADDR, request)[20:24])
        except OSError:
            addr = "0.0.0.0"
    return mac, addr


def ipv4(o, proto, payload, total=None, ihl=5, version=4, frag=0):
    """IP header, with the checksum that belongs to it, and payload."""
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0xC0,
                       20 + len(payload) if total is None else total, 1, frag, o.ttl, proto, 0,
                       socket.inet_aton(o.src), socket.inet_aton(o.dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ethernet(o, payload, ethertype=0x0800):
    return o.dmac + o.smac + struct.pack("!H", ethertype) + payload


# ---- adverts

def advert(o):
    k = dict(ADVERT)
    for word in o.words:
        key, _, value = word.partition("=")
        if key not in k:
            sys.exit("send.py: an advert has no '%s': %s" % (key, " ".join(k)))
        k[key] = value
    version, vips = int(k["version"]), [v for v in k["vips"].split(",") if v]
    count = len(vips) if k["count"] is None else int(k["count"])
    auth = (1 if k["pass"] else 0) if k["auth"] is None else int(k["auth"])
    if version == 3:
        middle = struct.pack("!H", 10 if k["interval"] is None else int(k["interval"]))
    else:
        middle = bytes([auth, 1 if k["interval"] is None else int(k["interval"])])
    head = bytes([version << 4 | int(k["type"]), int(k["vrid"]), int(k["priority"]), count])
    head += middle
    tail = b"".join(socket.inet_aton(v) for v in vips)
    if version != 3:
        tail += k["pass"].encode().ljust(8, b"\0")[:8]
    summed = head + b"\0\0" + tail
    if k["checksum"] in ("pseudo", "group"):
        dest = VRRP_GROUP if k["checksum"] == "group" else o.dst
        summed += socket.inet_aton(o.src) + socket.inet_aton(dest) + \
            struct.pack("!HH", VRRP, len(summed))
    total = checksum(summed)
    if k["checksum"] == "bad":
        total ^= 0x5555
    message = head + struct.pack("!H", total) + tail + b"\x5a" * int(k["trailer"])
    if k["cut"] is not None:
        message = message[:int(k["cut"])]
    frag = {0: 0, 1: 0x2000, 2: 1}[int(k["fragment"])]
    return ethernet(o, ipv4(o, VRRP, message, frag=frag))


# ---- pulses

IP_SOURCE, IP_DEST = 26, 30  # offsets in a frame

def captured(path):
    """Frames of a classic pcap file, oldest first."""
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "4I", data[at:at + 16])[2]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def find_pulse(path, kind, addr, at):
    """The newest pulse with this address at this offset of its frame."""
    found = None
    for frame in captured(path):
        if len(frame) == 14 + 20 + 8 + PULSE_LEN and frame[42:46] == b"HKMP" and \
                frame[47] == kind and frame[at:at + 4] == socket.inet_aton(addr):
            found = frame
    if not found:
        sys.exit("send.py: no such pulse in %s" % path)
    return found


def set_at(pulse, at, value):
    return pulse[:at] + value + pulse[at + len(value):]


# Offsets are those of struct hokm_pulse.
CHANGES = {
    "tag": lambda p: set_at(p, 152, os.urandom(8)),
    "lease": lambda p: set_at(p, 24, struct.pack("!Q", 10**12)),
    "no-lease": lambda p: set_at(p, 24, struct.pack("!Q", 0)),
    "epoch": lambda p: set_at(p, 40, struct.pack("!Q", 2**62)),
    "newer": lambda p: set_at(p, 16, struct.pack("!Q", struct.unpack("!Q", p[16:24])[0] + 10**9)),
    "version": lambda p: set_at(p, 4, b"\x02"),
    "kind": lambda p: set_at(p, 5, b"\x03"),
    "magic": lambda p: set_at(p, 0, b"EVIL"),
    "vrid": lambda p: set_at(p, 6, b"\x4d"),
    "short": lambda p: p[:-1],
    "long": lambda p: p + b"\0",
    "next": lambda p: set_at(p, 4, b"\x04") + b"\0" * 16,  # a version to come may be longer
    "empty": lambda p: b"",
}


def pulse(o):
    path, kind = o.words[0], o.words[1]
    change = o.words[2] if len(o.words) > 2 else "replay"
    frame = find_pulse(path, {"probe": 1, "answer": 2}[kind], o.dst,
                       IP_SOURCE if change == "reflect" else IP_DEST)
    if change == "replay":
        return frame
    body = frame[42:] if change in ("same", "reflect") else CHANGES[change](frame[42:])
    ports = struct.unpack("!HH", frame[34:38])
    udp = struct.pack("!HHHH", ports[0], ports[1], 8 + len(body), 0) + body
    return ethernet(o, ipv4(o, UDP, udp))


# ---- replication messages

REPL_KINDS = {"control": 1, "data": 2, "all": 0}
REPL_MIN, REPL_MAX, REPL_RECORD = 56, 1216, 40

# Offsets are those of user/decide/repl_wire.h.
REPL_CHANGES = {
    "tag": lambda m: m[:-8] + os.urandom(8),
    "session": lambda m: set_at(m, 8, os.urandom(8)),
    "clock": lambda m: set_at(m, 24, struct.pack("!Q", struct.unpack("!Q", m[24:32])[0] + 10**9)),
    "number": lambda m: set_at(m, 44, struct.pack("!I", struct.unpack("!I", m[44:48])[0] + 1)),
    "record": lambda m: set_at(m, 56, os.urandom(8)),
    "magic": lambda m: set_at(m, 0, b"EVIL"),
    "version": lambda m: set_at(m, 4, b"\x01"),
    "kind": lambda m: set_at(m, 5, b"\x03"),
    "reflected": lambda m: m,
    "vrid": lambda m: set_at(m, 6, b"\x4d"),
    "cut": lambda m: m[:-1],
    "more": lambda m: m + b"\0" * REPL_RECORD,
    "count": lambda m: set_at(m, 7, bytes([m[7] + 1])),
    "tiny": lambda m: m[:REPL_MIN - 1],
    "empty": lambda m: b"",
    "long": lambda m: m + b"\0" * (REPL_MAX + 1 - len(m)),
    "udp-length": lambda m: m,
    "fragment": lambda m: m,
}


def repl_frames(path, kind, node, sent=False):
    """The frames that this node received, or sent."""
    addr = frame_source if sent else frame_target
    for frame in captured(path):
        if frame[42:46] == b"HKMR" and addr(frame) == socket.inet_aton(node) and \
                kind in (0, frame[47]):
            yield frame


def frame_source(frame):
    return frame[26:30]


def frame_target(frame):
    return frame[30:34]


def repl(o):
    """One frame, or all of them."""
    path, kind = o.words[0], o.words[1]
    change = o.words[2] if len(o.words) > 2 else "replay"
    frames = list(repl_frames(path, REPL_KINDS[kind], o.dst, change == "reflected"))
    if not frames:
        sys.exit("send.py: no such replication message in %s" % path)
    if kind == "all":
        o.text = str(len(frames))
        return frames
    if change == "replay":
        return frames[-1]
    message = frames[-1][42:]
    body = message if change == "same" else REPL_CHANGES[change](message)
    length = 8 + len(body) - (change == "udp-length")
    udp = frames[-1][34:38] + struct.pack("!HH", length, 0) + body
    return ethernet(o, ipv4(o, UDP, udp, frag=0x2000 if change == "fragment" else 0))


# ---- TCP for the VIP

SYN, FIN, RST, PSH, ACK, URG = 2, 1, 4, 8, 16, 32


def segment(o, flags, doff=5, sport=20000):
    """A segment from a port that no player uses, another one each time."""
    if sport != PORT:
        sport += o.index
    head = struct.pack("!HHIIBBHHH", sport, PORT, 1000, 2000, doff << 4, flags, 1024, 0, 0)
    pseudo = socket.inet_aton(o.src) + socket.inet_aton(o.dst)
    pseudo += struct.pack("!BBH", 0, TCP, len(head))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def flags_case(flags, sport=20000):
    return lambda o: ethernet(o, ipv4(o, TCP, segment(o, flags, sport=sport)))


def ip_case(payload=None, **header):
    return lambda o: ethernet(o, ipv4(o, TCP, segment(o, SYN) if payload is None else payload,
                                      **header))


def cut_case(length):
    """A frame that ends `length` bytes behind its Ethernet header."""
    return lambda o: ethernet(o, ipv4(o, TCP, segment(o, SYN))[:length])


def tags_case(o):
    tags = struct.pack("!HHHHHH", 0, 0x8100, 0, 0x8100, 0, 0x0800)
    return ethernet(o, tags + ipv4(o, TCP, segment(o, SYN)), 0x8100)


def land(o):
    o.src = o.dst
    return ethernet(o, ipv4(o, TCP, segment(o, SYN, sport=PORT)))


# Name: what is counted, and the frame.
TCP_CASES = {
    "empty-ip": ("bad_ip", lambda o: ethernet(o, b"")),
    "cut-in-ip": ("bad_ip", cut_case(12)),
    "cut-in-tcp": ("bad_ip", cut_case(30)),
    "ip-version-5": ("bad_ip", ip_case(version=5)),
    "ihl-0": ("bad_ip", ip_case(ihl=0)),
    "ihl-4": ("bad_ip", ip_case(ihl=4)),
    "ihl-beyond-total": ("bad_ip", ip_case(ihl=15)),
    "total-0": ("bad_ip", ip_case(total=0)),
    "total-19": ("bad_ip", ip_case(total=19)),
    "total-too-long": ("bad_ip", ip_case(total=41)),
    "total-65535": ("bad_ip", ip_case(total=65535)),
    "total-in-tcp": ("bad_tcp", ip_case(total=30)),
    "no-tcp": ("bad_tcp", ip_case(payload=b"")),
    "tcp-8-bytes": ("bad_tcp", ip_case(payload=b"\x4e\x20\x22\x3d\0\0\0\1")),
    "doff-0": ("bad_tcp", lambda o: ethernet(o, ipv4(o, TCP, segment(o, SYN, doff=0)))),
    "doff-4": ("bad_tcp", lambda o: ethernet(o, ipv4(o, TCP, segment(o, ACK, doff=4)))),
    "doff-15": ("bad_tcp", lambda o: ethernet(o, ipv4(o, TCP, segment(o, SYN, doff=15)))),
    "no-flags": ("bad_tcp", flags_case(0)),
    "syn-fin": ("bad_tcp", flags_case(SYN | FIN)),
    "syn-rst": ("bad_tcp", flags_case(SYN | RST)),
    "syn-ack": ("bad_tcp", flags_case(SYN | ACK)),
    "fin": ("bad_tcp", flags_case(FIN)),
    "xmas": ("bad_tcp", flags_case(FIN | PSH | URG)),
    "all-flags": ("bad_tcp", flags_case(63)),
    "fragment-first": ("fragments", ip_case(frag=0x2000)),
    "fragment-tiny": ("fragments", ip_case(payload=b"\x4e\x20\x22\x3d\0\0\0\1", frag=0x2000)),
    "fragment-later": ("fragments", ip_case(frag=0x2001)),
    "fragment-last": ("fragments", ip_case(frag=0x1FFF)),
    "broadcast": ("other_host", lambda o: b"\xff" * 6 + flags_case(SYN)(o)[6:]),
    "group-mac": ("other_host", lambda o: mac_bytes(GROUP_MAC) + flags_case(SYN)(o)[6:]),
    "tags": ("drop_vlan_stack", tags_case),
    "cut-in-arp": ("bad_arp", lambda o: ethernet(o, b"\0\1\x08\0\6\4\0", 0x0806)),
    "land": ("syn", land),
    "ack-of-nothing": ("unknown_pass", flags_case(ACK, 21000)),
    "rst-of-nothing": ("unknown_pass", flags_case(RST, 22000)),
}


def claim(o):
    src = socket.inet_aton(o.src)
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + o.smac + src + bytes(6) + src
    return ethernet(o, arp, 0x0806)


def tcp(o):
    return TCP_CASES[o.words[0]][1](o)


def send(argv):
    """Does what the arguments say; returns what a caller prints."""
    p = argparse.ArgumentParser(description="Sends frames that no honest sender would.")
    p.add_argument("-i", dest="interface", default="eth0")
    p.add_argument("-n", dest="count", type=int, default=1)
    p.add_argument("--src")
    p.add_argument("--smac", type=mac_bytes)
    p.add_argument("--dst", default=VRRP_GROUP)
    p.add_argument("--dmac", type=mac_bytes, default=mac_bytes(GROUP_MAC))
    p.add_argument("--ttl", type=int, default=255)
    p.add_argument("kind", choices=["advert", "pulse", "repl", "claim", "tcp", "list"])
    p.add_argument("words", nargs="*")
    o = p.parse_args(argv)
    if o.kind == "list":
        return "\n".join("%s %s" % (name, counter) for name, (counter, _) in TCP_CASES.items())
    o.text = ""
    mac, addr = interface_of(o.interface)
    o.smac = o.smac or mac
    o.src = o.src or addr
    make = {"advert": advert, "pulse": pulse, "repl": repl, "claim": claim,
            "tcp": tcp}[o.kind]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((o.interface, 0))
        for o.index in range(o.count):
            frames = make(o)
            for frame in frames if isinstance(frames, list) else [frames]:
                s.send(frame)
    return o.text


def send_from(home, line):
    """Sends from the namespace that the line names, and returns to its own."""
    netns, *argv = line.split("\t")
    try:
        helper.enter(netns)
        return "sent " + send(argv)
    except (OSError, SystemExit, ValueError, KeyError, IndexError) as e:
        print("send.py: %s: %s" % (line.replace("\t", " "), e), file=sys.stderr, flush=True)
        return ""
    finally:
        helper.enter_fd(home)


def main():
    if sys.argv[1:2] == ["serve"]:
        home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        helper.serve(sys.argv[2:], lambda line: send_from(home, line))
    text = send(sys.argv[1:])
    if text:
        print(text)


main()
