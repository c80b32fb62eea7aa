#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A stand-in for the APIs of Cloudflare, AWS and DigitalOcean, over TLS.

  dns_server.py FOLDER [--bind ADDRESS]

It makes an authority and a certificate in FOLDER (ca.pem; other-ca.pem has signed nothing here),
prints "ready PORT", and ends with its standard input. FOLDER/control.json, if it is there, is read
at each request:

  {"run": N,          another number starts anew, with the records as they were
   "fail": WORD,      how requests fail: 500 429 throttle expired timeout half garbage lost silent
                      errored (of an action of DigitalOcean) ignored (of a change at Cloudflare)
                      stale (a connection ends without an answer at its second request, which is
                      not carried out)
                      drip (a byte of the answer a second)
   "on": METHOD,      only these; "" for all
   "times": N,        so many of them; without it all
   "shape": WORD}     the records: one none foreign many member weighted alias health; the
                      floating address (dns_floating.py): one none foreign primary

After each change the present state is in FOLDER/state.json. `changes` counts requests that change
a record, `flips` those after which it has another value. `untouched` says whether everything
but the content of the record is as it was, `open` how many connections there are and actions that
are not yet carried out, `connections` how many have brought a request, `changed` when the last
change was accepted, `pending` whether a change at Route53 was not reported as INSYNC yet,
`holder` which machine has the floating address.
"""

import argparse
import copy
import http.server
import io
import json
import os
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns_floating  # noqa: E402  (needs the path above)
import sigv4  # noqa: E402

ZONE, NAME = "example.com", "game.example.com"
A, B, X, Y = "203.0.113.26", "203.0.113.27", "198.51.100.1", "198.51.100.2"
A6, B6 = "2001:db8::26", "2001:db8::27"
TOKEN = "stub-token-0123456789"
KEY_ID, SECRET = "AKIDSTUB", "stub/secret+0123456789"
SESSION = "stub-session-token"
AWS_NS = "https://route53.amazonaws.com/doc/2013-04-01/"
HANG_S = 30
# In the certificate. No resolver asks for it: a part of a name has 63 characters at most.
UNRESOLVED = "a" * 64 + ".example.com"
RETRY_S = 1800

VALUES = {"one": [A], "health": [A], "none": [], "foreign": [X], "many": [A, X],
          "member": [X, A, Y], "weighted": [A], "alias": [], "primary": [A]}


class Records:
    """Every record of the zone, as each provider stores it: 450 of them, ours after the 400th."""

    def __init__(self, shape):
        self.shape = shape
        self.list = []
        for i in range(430):
            self.add("host%03d.%s" % (i, ZONE), "A", "198.51.100.%d" % (i % 250))
        for value in VALUES[shape]:
            self.add(NAME, "A", value)
        self.add(NAME, "AAAA", A6)
        self.add(NAME, "TXT", "game")
        for i in range(20):
            self.add("z%02d.%s" % (i, ZONE), "A", "198.51.100.%d" % i)
        self.before = copy.deepcopy(self.list)

    def add(self, name, kind, value):
        number = 1000 + len(self.list)
        self.list.append({"id": number, "name": name, "type": kind, "content": value,
                          "proxied": True, "ttl": 120, "comment": "do not touch \u00e9",
                          "tags": ["a:b"]})

    def untouched(self):
        rest = [[{k: v for k, v in r.items() if k != "content"} for r in part]
                for part in (self.before, self.list)]
        strangers = [[r for r in part if r["name"] != NAME] for part in (self.before, self.list)]
        return rest[0] == rest[1] and strangers[0] == strangers[1]

    def ours(self, kind):
        return [r["content"] for r in self.list if r["name"] == NAME and r["type"] == kind]


class World:
    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.RLock()
        self.run = None
        self.open = 0
        self.read_control()

    def read_control(self):
        try:
            with open(os.path.join(self.folder, "control.json"), encoding="utf-8") as f:
                self.control = json.load(f)
        except FileNotFoundError:
            self.control = {}
        if self.run != self.control.get("run", 0):
            self.run = self.control.get("run", 0)
            self.records = Records(self.control.get("shape", "one"))
            self.address = dns_floating.Address(self.control.get("shape", "one"))
            self.failed = self.requests = self.changes = self.changed = self.polls = 0
            self.flips = self.connections = 0
            self.pending = False
            self.values = None
            self.save()

    def save(self):
        path = os.path.join(self.folder, "state.json")
        values = (self.records.ours("A"), self.records.ours("AAAA"), self.address.holder)
        self.flips += self.values not in (None, values)
        self.values = values
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump({"run": self.run, "A": self.records.ours("A"),
                       "AAAA": self.records.ours("AAAA"), "changes": self.changes,
                       "flips": self.flips, "requests": self.requests, "open": self.open,
                       "connections": self.connections, "pending": self.pending,
                       "changed": self.changed, "holder": self.address.holder,
                       "untouched": self.records.untouched()}, f)
        os.rename(path + ".new", path)

    def note_change(self):
        self.changes += 1
        self.changed = time.time()

    def failure(self, method):
        """How this request fails, or None."""
        self.read_control()
        self.requests += 1
        word = self.control.get("fail")
        if not word or self.control.get("on") not in ("", None, method):
            return None
        if self.failed >= self.control.get("times", 1 << 30):
            return None
        self.failed += 1
        return word


class Handler(dns_floating.Floating, http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world = None
    served = 0  # requests of this connection

    def log_message(self, *args):
        pass

    def count(self, n):
        with self.world.lock:
            self.world.open += n
            self.world.save()

    def setup(self):
        self.count(1)
        super().setup()

    def finish(self):
        try:
            super().finish()
        finally:
            self.count(-1)

    # ---- what all have in common ----

    def send(self, status, text, kind, headers=()):
        data = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        if self.url.path.startswith("/v2/"):
            # DigitalOcean sends these with every answer.
            for name, value in (("limit", 5000), ("remaining", 0),
                                ("reset", int(time.time()) + RETRY_S)):
                self.send_header("ratelimit-" + name, str(value))
        self.end_headers()
        if self.failing == "half":
            self.wfile.write(data[:len(data) // 2])
            self.close_connection = True
        else:
            self.wfile.write(data)

    def send_json(self, status, value, headers=()):
        self.send(status, json.dumps(value), "application/json", headers)

    def handle_any(self):
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query))
        with self.world.lock:
            self.failing = self.world.failure(self.command)
            self.world.connections += self.served == 0
            self.served += 1
            hang = self.failing == "timeout"
            line = self.wfile
            if self.failing == "drip":
                self.wfile = io.BytesIO()
            if self.failing == "stale" and self.served > 1:
                self.close_connection = True
            elif not hang:
                self.answer()
            self.world.save()
        self.drip(line)
        if hang or self.failing == "silent":
            time.sleep(HANG_S)
            self.close_connection = True

    def drip(self, line):
        """What was written aside goes out as a byte a second."""
        if self.failing != "drip":
            return
        answer, self.wfile = self.wfile.getvalue(), line
        self.close_connection = True
        for i in range(len(answer)):
            line.write(answer[i:i + 1])
            time.sleep(1)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

    def answer(self):
        path = self.url.path
        for prefix, serve in (("/client/v4/", self.cloudflare), ("/v2/", self.digitalocean),
                              ("/2013-04-01/", self.route53), ("/", self.aws_query)):
            if path.startswith(prefix) and (prefix != "/" or path == "/"):
                # carried out, but the client never learns it: the connection ends, or stays
                if self.failing in ("lost", "silent"):
                    self.wfile = open(os.devnull, "wb")
                    self.close_connection = True
                if self.failing == "garbage":
                    return self.send(200, "<html>{not what you asked for", "text/html")
                return serve(path[len(prefix):])
        return self.send(404, "no such API", "text/plain")

    def page(self, found):
        per = int(self.query.get("per_page", 20))
        number = int(self.query.get("page", 1))
        pages = max(1, (len(found) + per - 1) // per)
        return found[(number - 1) * per:number * per], number, pages

    def change(self, record, content):
        if self.failing != "ignored":
            record["content"] = content
        self.world.note_change()

    # ---- Cloudflare ----

    def cf_fail(self, status, code, message, headers=()):
        self.send_json(status, {"success": False, "errors": [{"code": code, "message": message}],
                                "messages": [], "result": None}, headers)

    def cf_ok(self, result, info=None):
        answer = {"success": True, "errors": [], "messages": [], "result": result}
        if info:
            answer["result_info"] = info
        self.send_json(200, answer)

    def cloudflare(self, path):
        if self.failing in ("500", "throttle"):
            return self.cf_fail(500, 7003, "internal error")
        if self.failing == "429":
            return self.cf_fail(429, 971, "rate limited", [("Retry-After", str(RETRY_S))])
        if self.failing == "expired" or self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.cf_fail(401, 1000, "Invalid API Token")
        parts = path.split("/")
        if (self.command, path) == ("GET", "user/tokens/verify"):
            return self.cf_ok({"id": "t1", "status": "active"})
        if (self.command, path) == ("GET", "zones"):
            name = self.query.get("name")
            return self.cf_ok([{"id": "zone1", "name": name}] if name == ZONE else [])
        if self.command == "GET" and parts == ["zones", "zone1", "dns_records"]:
            # As when the filter by name is not applied: clients compare names themselves.
            found = [r for r in self.world.records.list if r["type"] == self.query.get("type")]
            found, number, pages = self.page(found)
            return self.cf_ok([dict(r, id="id%d" % r["id"]) for r in found],
                              {"page": number, "total_pages": pages, "count": len(found)})
        if self.command == "PATCH" and parts[:3] == ["zones", "zone1", "dns_records"]:
            return self.cf_patch(parts[3])
        return self.cf_fail(404, 7000, "No route for that URI")

    def cf_patch(self, record_id):
        body = json.loads(self.body)
        if self.headers.get("Content-Type") != "application/json" or set(body) != {"content"}:
            return self.cf_fail(400, 9000, "only the content may be sent here")
        for record in self.world.records.list:
            if "id%d" % record["id"] == record_id:
                self.change(record, body["content"])
                return self.cf_ok(dict(record, id=record_id))
        return self.cf_fail(404, 81044, "Record does not exist.")

    # ---- DigitalOcean ----

    def do_fail(self, status, word, message):
        self.send_json(status, {"id": word, "message": message})

    def digitalocean(self, path):
        if self.failing in ("500", "throttle"):
            return self.do_fail(500, "server_error", "Unexpected server-side error")
        if self.failing == "429":
            return self.do_fail(429, "too_many_requests", "API Rate limit exceeded.")
        if self.failing == "expired" or self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.do_fail(401, "unauthorized", "Unable to authenticate you.")
        parts = path.split("/")
        if parts[0] == "reserved_ips":
            return self.reserved_ips(parts)
        if parts[0] != "domains" or len(parts) < 2 or parts[1] != ZONE:
            return self.do_fail(404, "not_found", "The resource you requested could not be found.")
        if self.command == "GET" and len(parts) == 2:
            return self.send_json(200, {"domain": {"name": ZONE, "ttl": 1800}})
        if self.command == "GET" and parts[2:] == ["records"]:
            found = [r for r in self.world.records.list if r["type"] == self.query.get("type")]
            found, number, pages = self.page(found)
            answer = {"domain_records": [self.do_record(r) for r in found], "links": {}}
            if number < pages:
                answer["links"] = {"pages": {"next": "https://elsewhere.example/?page=%d" %
                                             (number + 1)}}
            return self.send_json(200, answer)
        if self.command == "PATCH" and parts[2] == "records" and len(parts) == 4:
            return self.do_patch(parts[3])
        return self.do_fail(404, "not_found", "no such path")

    @staticmethod
    def do_record(record):
        name = record["name"][:-len(ZONE) - 1] or "@"
        return {"id": record["id"], "type": record["type"], "name": name,
                "data": record["content"], "ttl": record["ttl"]}

    def do_patch(self, record_id):
        body = json.loads(self.body)
        for record in self.world.records.list:
            if str(record["id"]) == record_id:
                if set(body) != {"type", "data"} or body["type"] != record["type"]:
                    return self.do_fail(422, "unprocessable_entity", "type and data, no more")
                self.change(record, body["data"])
                return self.send_json(200, {"domain_record": self.do_record(record)})
        return self.do_fail(404, "not_found", "no such record")

    # ---- AWS ----

    def aws_query(self, _):
        return self.ec2(KEY_ID, SECRET, SESSION)

    def aws_fail(self, status, code, message):
        self.send(status, '<?xml version="1.0"?>\n<ErrorResponse xmlns="%s"><Error><Type>Sender'
                  "</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>1</RequestId>"
                  "</ErrorResponse>" % (AWS_NS, code, message), "text/xml")

    def aws_ok(self, root, inside):
        self.send(200, '<?xml version="1.0" encoding="UTF-8"?>\n<%s xmlns="%s">%s</%s>' %
                  (root, AWS_NS, inside, root), "text/xml")

    def route53(self, path):
        if self.failing == "500":
            return self.aws_fail(500, "InternalFailure", "internal")
        if self.failing in ("429", "throttle"):
            return self.aws_fail(400, "Throttling", "Rate exceeded")
        if self.failing == "expired":
            return self.aws_fail(403, "ExpiredToken", "The security token is expired")
        headers = {k.lower(): v for k, v in self.headers.items()}
        token = SESSION if "x-amz-security-token" in headers else ""
        why = sigv4.why_wrong((self.command, self.url.path, self.url.query, headers, self.body),
                              KEY_ID, SECRET, token, "us-east-1", "route53")
        if why:
            return self.aws_fail(403, why, "the request is not signed as it must be")
        parts = path.rstrip("/").split("/")
        if (self.command, parts) == ("GET", ["hostedzonesbyname"]):
            return self.aws_zones()
        if self.command == "GET" and parts == ["hostedzone", "Z1STUB", "rrset"]:
            return self.aws_list()
        if self.command == "POST" and parts == ["hostedzone", "Z1STUB", "rrset"]:
            return self.aws_change()
        if self.command == "GET" and parts[0] == "change":
            self.world.polls += 1
            self.world.pending = self.world.polls < 2
            return self.aws_ok("GetChangeResponse", self.aws_change_info(
                parts[1], "PENDING" if self.world.pending else "INSYNC"))
        return self.aws_fail(404, "NoSuchHostedZone", "no such path")

    def aws_zones(self):
        zones = [("Z0OTHER", "another.example.", "false"), ("Z9PRIVATE", ZONE + ".", "true"),
                 ("Z1STUB", ZONE + ".", "false"), ("Z2LAST", "zz.example.", "false")]
        first = self.query.get("dnsname", "")
        shown = [z for z in zones if z[1].split(".")[::-1] >= first.split(".")[::-1]]
        self.aws_ok("ListHostedZonesByNameResponse", "<HostedZones>%s</HostedZones>"
                    "<IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>" % "".join(
                        "<HostedZone><Id>/hostedzone/%s</Id><Name>%s</Name><CallerReference>1"
                        "</CallerReference><Config><PrivateZone>%s</PrivateZone></Config>"
                        "<ResourceRecordSetCount>3</ResourceRecordSetCount></HostedZone>" % z
                        for z in shown))

    def aws_sets(self):
        """(key, name, type, XML) of all sets, in Route53's order."""
        groups = {}
        for r in self.world.records.list:
            groups.setdefault((r["name"], r["type"]), []).append(r)
        shape = self.world.records.shape
        sets = []
        for (name, kind), found in groups.items():
            extra = ""
            if (name, kind) == (NAME, "A"):
                extra = {"weighted": "<SetIdentifier>w1</SetIdentifier><Weight>5</Weight>",
                         "health": "<HealthCheckId>hc-1</HealthCheckId>"}.get(shape, "")
            values = "".join("<ResourceRecord><Value>%s</Value></ResourceRecord>" %
                             escape(r["content"]) for r in found)
            sets.append((name, kind, "<TTL>%d</TTL><ResourceRecords>%s</ResourceRecords>%s" %
                         (found[0]["ttl"], values, extra)))
        if shape == "alias":
            sets.append((NAME, "A", "<AliasTarget><HostedZoneId>Z9</HostedZoneId><DNSName>"
                         "lb.example.</DNSName><EvaluateTargetHealth>false"
                         "</EvaluateTargetHealth></AliasTarget>"))
        return sorted(((n + ".").split(".")[::-1], k, n, x) for n, k, x in sets)

    def aws_list(self):
        limit = int(self.query.get("maxitems", 100))
        start = (self.query.get("name", ""), self.query.get("type", ""))
        sets = self.aws_sets()
        if start[0]:
            name = start[0] if start[0].endswith(".") else start[0] + "."
            sets = [s for s in sets if (s[0], s[1]) >= (name.split(".")[::-1], start[1])]
        tail = "<IsTruncated>false</IsTruncated>"
        if len(sets) > limit:
            tail = ("<IsTruncated>true</IsTruncated><NextRecordName>%s.</NextRecordName>"
                    "<NextRecordType>%s</NextRecordType>" % (sets[limit][2], sets[limit][1]))
        self.aws_ok("ListResourceRecordSetsResponse", "<ResourceRecordSets>%s</ResourceRecordSets>"
                    "%s<MaxItems>%d</MaxItems>" % ("".join(
                        "<ResourceRecordSet><Name>%s.</Name><Type>%s</Type>%s</ResourceRecordSet>"
                        % (n, k, x) for _, k, n, x in sets[:limit]), tail, limit))

    @staticmethod
    def aws_change_info(change_id, status):
        return ("<ChangeInfo><Id>/change/%s</Id><Status>%s</Status><SubmittedAt>"
                "2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>" % (change_id, status))

    def aws_change(self):
        ns = "{%s}" % AWS_NS
        try:
            root = ET.fromstring(self.body)
            changes = root.find("%sChangeBatch/%sChanges" % (ns, ns))
            actions = [c.find(ns + "Action").text for c in changes]
            old, rrset = [c.find(ns + "ResourceRecordSet") for c in changes]
            name = rrset.find(ns + "Name").text.rstrip(".")
            kind = rrset.find(ns + "Type").text
            ttl = int(rrset.find(ns + "TTL").text)
            values = [v.text for v in rrset.iter(ns + "Value")]
            health = rrset.find(ns + "HealthCheckId")
        except (ET.ParseError, AttributeError, ValueError) as err:
            return self.aws_fail(400, "InvalidInput", escape(str(err)))
        records = [r for r in self.world.records.list if (r["name"], r["type"]) == (name, kind)]
        had_health = self.world.records.shape == "health" and kind == "A"
        was = [[e.text for e in old.iter(ns + tag)] for tag in ("Type", "TTL", "Value")]
        if not records or was != [[kind], [str(records[0]["ttl"])],
                                  [r["content"] for r in records]]:
            return self.aws_fail(400, "InvalidChangeBatch",
                                 "[Tried to delete resource record set [name='%s.', type='%s'] but "
                                 "the values provided do not match the current values]"
                                 % (name, kind))
        if actions != ["DELETE", "CREATE"] or \
                ttl != records[0]["ttl"] or len(values) != len(records) or \
                old.find(ns + "Name").text.rstrip(".") != name or \
                {health is not None, old.find(ns + "HealthCheckId") is not None} != {had_health}:
            return self.aws_fail(400, "InvalidChangeBatch", "this would change more than a value")
        for record, value in zip(records, values):
            record["content"] = value
        self.world.note_change()
        self.world.polls = 0
        self.world.pending = True
        return self.aws_ok("ChangeResourceRecordSetsResponse",
                           self.aws_change_info("C1STUB", "PENDING"))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that refuses the certificate, or that was killed


def openssl(folder, *args):
    subprocess.run(["openssl"] + list(args), cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificates(folder, address):
    for name in ("ca", "other-ca"):
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                "-keyout", name + ".key", "-out", name + ".pem")
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=stub", "-keyout", "stub.key", "-out", "stub.csr")
    with open(os.path.join(folder, "ext"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=IP:%s,DNS:localhost,DNS:%s\n" % (address, UNRESOLVED))
    openssl(folder, "x509", "-req", "-in", "stub.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "stub.pem")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    make_certificates(args.folder, args.bind)
    Handler.world = World(args.folder)
    server = Server((args.bind, args.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(args.folder, "stub.pem"),
                            os.path.join(args.folder, "stub.key"))
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready %d" % server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
