#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Stand-ins for what notifications are sent to: Slack, Twilio and a webhook over HTTP, and mail.

Each checks what the real service checks, and answers as it does. What was accepted is in `got`;
`fail` is a list of answers for the next requests: a status, or a pair of status and headers, or
"hang".

As a program it is a webhook without TLS for the lab:

    notify_stub.py ADDRESS PORT FILE      appends each body to FILE, one a line
"""
import base64
import hashlib
import hmac
import http.server
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

SLACK_PATH = "/services/T0000/B0000/secret-of-slack"
SID, TOKEN = "AC0123456789abcdef", "token-of-twilio"
HOOK_KEY = "key-of-the-webhook"
MAIL_USER, MAIL_PASSWORD = "hokm", "password-of-mail"


def make_certificates(folder):
    """ca.pem signs server.pem (for 127.0.0.1 and localhost); other.pem is nobody's."""
    def openssl(*argv):
        subprocess.run(["openssl", *argv], check=True, cwd=folder, capture_output=True)
    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out",
                name + ".pem", "-days", "2", "-subj", "/CN=" + name)
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost")
    with open(folder + "/san", "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-CAcreateserial", "-extfile", "san", "-out", "server.pem")


def context(folder):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    return ctx


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, text, kind="text/plain", headers=()):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stub = self.server.stub
        if stub.fail:
            how = stub.fail.pop(0)
            if how == "hang":
                stub.hang.wait(30)
                return
            status, headers = how if isinstance(how, tuple) else (how, ())
            self.reply(status, "failure on demand", headers=headers)
            return
        try:
            stub.answer(self, body)
        except (ValueError, KeyError) as e:
            self.reply(400, "bad request: %r" % e)

    def do_GET(self):
        self.reply(405, "method not allowed")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


class Http:
    """A server in a thread. Without a folder of certificates it speaks plain HTTP."""

    def __init__(self, folder=None, address=("127.0.0.1", 0)):
        self.got, self.fail, self.hang = [], [], threading.Event()
        self.server = Server(address, Handler)
        self.server.stub = self
        if folder:
            self.server.socket = context(folder).wrap_socket(self.server.socket, server_side=True,
                                                             do_handshake_on_connect=False)
        self.url = "%s://127.0.0.1:%d" % ("https" if folder else "http",
                                          self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()


class Slack(Http):
    def answer(self, h, body):
        if h.path != SLACK_PATH:
            return h.reply(404, "no_service")
        if h.headers["Content-Type"] != "application/json":
            return h.reply(400, "invalid_payload")
        message = json.loads(body)
        if not isinstance(message.get("text"), str) or not message["text"]:
            return h.reply(400, "no_text")
        self.got.append(message["text"])
        return h.reply(200, "ok")


class Twilio(Http):
    def answer(self, h, body):
        def error(status, code, text):
            h.reply(status, json.dumps({"code": code, "message": text, "status": status}),
                    "application/json")
        want = "Basic " + base64.b64encode((SID + ":" + TOKEN).encode()).decode()
        if h.headers["Authorization"] != want:
            return error(401, 20003, "Authenticate")
        if h.path != "/2010-04-01/Accounts/%s/Messages.json" % SID:
            return error(404, 20404, "The requested resource was not found")
        if h.headers["Content-Type"] != "application/x-www-form-urlencoded":
            return error(415, 20415, "Unsupported media type")
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        if not form["To"][0].startswith("+"):
            return error(400, 21211, "The 'To' number is not a valid phone number")
        if len(form["Body"][0]) > 1600:
            return error(400, 21617, "The concatenated message body exceeds the limit")
        self.got.append({k: v[0] for k, v in form.items()})
        return h.reply(201, json.dumps({"sid": "SM1", "status": "queued"}), "application/json")


class Webhook(Http):
    def answer(self, h, body):
        stamp = h.headers["X-Hokm-Timestamp"]
        mac = hmac.new(HOOK_KEY.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        if h.headers["X-Hokm-Signature"] != "sha256=" + mac.hexdigest():
            return h.reply(403, "wrong signature")
        if abs(time.time() - int(stamp)) > 300:
            return h.reply(403, "too old")
        self.got.append(json.loads(body))
        return h.reply(204, "")


def mail(folder, tls="starttls"):
    """aiosmtpd's controller: STARTTLS, then a login, before any mail. Accepted ones are in .got.

    With tls="always" TLS begins with the connection; with "never" there is neither TLS nor login.
    """
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    # What a client does wrong on purpose is no news.
    logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)

    class Box:
        async def handle_MAIL(self, server, session, envelope, address, options):
            if address.startswith("banned@"):
                return "550 5.7.1 this sender is not allowed"
            envelope.mail_from = address
            return "250 OK"

        async def handle_RCPT(self, server, session, envelope, address, options):
            if address.startswith("unknown@"):
                return "550 5.1.1 no such user"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        async def handle_DATA(self, server, session, envelope):
            controller.got.append((envelope.mail_from, envelope.rcpt_tos, session.host_name,
                                   envelope.content.decode("ascii")))
            return "250 OK"

    def login(server, session, envelope, mechanism, data):
        good = data.login == MAIL_USER.encode() and data.password == MAIL_PASSWORD.encode()
        return AuthResult(success=good, handled=good)

    keys = {"starttls": {"tls_context": context(folder), "require_starttls": True},
            # aiosmtpd does not know that the connection has TLS.
            "always": {"auth_require_tls": False}, "never": {}}[tls]
    # The controller itself cannot say which port it was given.
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))

    class Bound(Controller):
        def _create_server(self):
            return self.loop.create_server(self._factory_invoker, sock=listener,
                                           ssl=context(folder) if tls == "always" else None)

    controller = Bound(Box(), hostname="127.0.0.1", port=listener.getsockname()[1],
                       authenticator=login, auth_required=tls != "never", **keys)
    controller.got = []
    controller.start()
    return controller


class ToFile(Http):
    def answer(self, h, body):
        with open(self.path, "ab") as f:
            f.write(body + b"\n")
        h.reply(204, "")


if __name__ == "__main__":
    to_file = ToFile(address=(sys.argv[1], int(sys.argv[2])))
    to_file.path = sys.argv[3]
    threading.Event().wait()
