#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Each type of channel against a stand-in that checks what the real service checks.

`hokm-xdp notify test` sends the messages. No credential may be seen in its output, no message may
go to a server with a wrong certificate, and none may be called delivered that was not.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/stub"))
sys.dont_write_bytecode = True
try:
    import aiosmtpd  # noqa: F401
except ImportError:
    print("python3-aiosmtpd is not installed")
    sys.exit(77)
import notify_stub as stub  # noqa: E402

PROGRAM = os.path.join(TOP, "build/hokm-xdp")
SECRETS = (stub.SLACK_PATH, "secret-of-slack", stub.TOKEN, stub.HOOK_KEY, stub.MAIL_PASSWORD)
FAILED = 0


def check(what, good, more=""):
    global FAILED
    FAILED += not good
    print("%s %s%s" % ("ok" if good else "not ok", what, "" if good else ": %s" % (more,)),
          flush=True)


class Bench:
    def __init__(self, folder):
        self.folder = folder
        stub.make_certificates(folder)
        os.chmod(folder, 0o755)
        for name in ("ca.pem", "other.pem"):
            os.chmod(os.path.join(folder, name), 0o644)
        self.ca = folder + "/ca.pem"

    def credential(self, text, mode=0o600):
        path = os.path.join(self.folder, "credential")
        with open(path, "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.chmod(path, mode)
        return path

    def write(self, keys, credential=None, ca=None, mode=0o600, timeout="15s", extra=""):
        """The configuration with one channel."""
        path = os.path.join(self.folder, "conf")
        if credential:
            keys += ' credential_file = "%s"' % self.credential(credential, mode)
        with open(path, "w", encoding="ascii") as f:
            f.write('secret = "0123456789abcdef"\nstate_file = "%s/%%n.state"\n'
                    'node a { address = "203.0.113.201" dns_address = "198.51.100.1" }\n'
                    'node b { address = "203.0.113.202" dns_address = "198.51.100.2" }\n'
                    'notify it { %s ca_file = "%s" timeout = %s %s }\n'
                    % (self.folder, keys, ca or self.ca, timeout, extra))
        os.chmod(path, 0o600)
        return path

    def send(self, keys, credential=None, env=None, **more):
        """One channel with these keys: exit status and output of a test message."""
        path = self.write(keys, credential, **more)
        done = subprocess.run([PROGRAM, "notify", "test", "it", "-c", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                              env=dict(os.environ, **(env or {})), check=False)
        text = done.stdout.decode()
        for secret in SECRETS:
            if secret in text:
                check("no credential in the output", False, text)
        return done.returncode, text.strip()


def slack(b):
    s = stub.Slack(b.folder)
    url = s.url + stub.SLACK_PATH
    code, text = b.send("type = slack", url)
    check("slack: delivered", code == 0 and len(s.got) == 1, text)
    check("slack: the text says who and what", "nothing has happened" in s.got[0] and
          "VIP 192.168.1.25" in s.got[0], s.got)
    code, text = b.send("type = slack", url + "x")
    check("slack: a wrong URL is a failure", code == 1 and "HTTP 404: no_service" in text, text)
    for how in (500, (429, (("Retry-After", "7"),))):
        s.fail = [how]
        code, text = b.send("type = slack", url)
        check("slack: %s is a failure" % (how,), code == 1 and "failed: HTTP" in text, text)
    s.fail = [200]
    code, text = b.send("type = slack", url)
    check("slack: 200 without ok is a failure", code == 1 and "did not answer ok" in text, text)
    s.fail = ["hang"]
    code, text = b.send("type = slack", url, timeout="2s")
    check("slack: an unresponsive server is a failure", code == 1 and "timed out" in text, text)
    code, text = b.send("type = slack", url, ca=b.folder + "/other.pem")
    check("slack: a wrong certificate is refused", code == 1 and "certificate" in text and
          len(s.got) == 1, text)
    code, text = b.send("type = slack", url, mode=0o644)
    check("slack: a credential that others may read is not used", code == 1 and "chmod o=" in text
          and len(s.got) == 1, text)
    code, text = b.send("type = slack", env={"HOKM_NOTIFY_IT": url})
    check("slack: the credential from the environment", code == 0 and len(s.got) == 2, text)
    folder = os.path.join(b.folder, "creds")
    os.mkdir(folder)
    os.rename(b.credential(url), os.path.join(folder, "notify-it"))
    code, text = b.send("type = slack", env={"CREDENTIALS_DIRECTORY": folder})
    check("slack: the credential from systemd", code == 0 and len(s.got) == 3, text)
    code, text = b.send("type = slack")
    check("slack: no credential is said", code == 1 and "no credential" in text, text)
    by_name = url.replace("127.0.0.1", "localhost")
    code, text = b.send("type = slack", by_name)
    check("slack: the confined process resolves a name", code == 0 and len(s.got) == 4, text)
    s.close()


def sms(b):
    s = stub.Twilio(b.folder)
    keys = 'type = sms endpoint = "%s" user = "%s" from = "+15550100" to = "%s"'
    good = keys % (s.url, stub.SID, "+15550101")
    code, text = b.send(good, stub.TOKEN)
    check("sms: delivered", code == 0 and len(s.got) == 1, text)
    check("sms: the form is right", s.got and s.got[0]["To"] == "+15550101" and
          s.got[0]["From"] == "+15550100" and "test message" in s.got[0]["Body"], s.got)
    code, text = b.send(good, "wrong")
    check("sms: a wrong token is a failure", code == 1 and "failed: HTTP 401" in text, text)
    code, text = b.send(keys % (s.url, stub.SID, "nobody"), stub.TOKEN)
    check("sms: a number that is none is refused", code == 1 and "refused: HTTP 400" in text, text)
    s.close()


def webhook(b):
    s = stub.Webhook(b.folder)
    keys = 'type = webhook endpoint = "%s/hook"' % s.url
    code, text = b.send(keys, stub.HOOK_KEY)
    check("webhook: delivered, with a good signature", code == 0 and len(s.got) == 1, text)
    event = s.got[0]["events"][0] if s.got else {}
    check("webhook: the JSON says all", event.get("kind") == "test" and
          event.get("reason") == "operator" and event.get("why") and
          s.got[0]["vip"] == "192.168.1.25" and "players" in event, s.got)
    code, text = b.send(keys, "another key")
    check("webhook: a wrong signature is a failure", code == 1 and "HTTP 403" in text, text)
    s.fail = [302]
    code, text = b.send(keys, stub.HOOK_KEY)
    check("webhook: a redirect is a failure", code == 1 and "HTTP 302" in text, text)
    s.close()


def mail(b):
    m = stub.mail(b.folder)
    keys = ('type = email endpoint = "smtp://127.0.0.1:%d" from = "hokm@example.org" to = "%s" '
            'user = "%s"')
    good = keys % (m.port, "ops@example.org, two@example.org", stub.MAIL_USER)
    old_port = ":%d" % m.port
    code, text = b.send(good, stub.MAIL_PASSWORD)
    check("mail: delivered by STARTTLS with a login", code == 0 and len(m.got) == 1, text)
    sender, to, helo, content = m.got[0] if m.got else ("", [], "", "")
    head, _, body = content.partition("\r\n\r\n")
    check("mail: sender, recipients, EHLO", sender == "hokm@example.org" and
          to == ["ops@example.org", "two@example.org"] and helo == "unknown", m.got)
    check("mail: header", "Subject: [critical] hokm unknown: test message" in head and
          "Date: " in head and "Message-ID: <" in head and
          "From: <hokm@example.org>" in head, head)
    check("mail: body, in lines that end with CR LF", "  who:     node" in body and
          "  players: 0" in body and "\n" not in body.replace("\r\n", ""), body)
    code, text = b.send(good, "wrong")
    check("mail: a wrong login is a failure", code == 1 and "Login denied" in text and
          len(m.got) == 1, text)
    code, text = b.send(keys % (m.port, "unknown@example.org", stub.MAIL_USER),
                        stub.MAIL_PASSWORD)
    check("mail: an unknown recipient is refused", code == 1 and "refused" in text, text)
    code, text = b.send(good.replace("hokm@", "banned@"), stub.MAIL_PASSWORD)
    check("mail: a sender who is not allowed may be allowed later", code == 1 and
          "MAIL failed: 550" in text and "refused" not in text, text)
    code, text = b.send(good, stub.MAIL_PASSWORD, ca=b.folder + "/other.pem")
    check("mail: a wrong certificate is refused", code == 1 and "certificate" in text and
          len(m.got) == 1, text)
    m.stop()
    m = stub.mail(b.folder, tls="always")
    at_once = good.replace("smtp:", "smtps:").replace(old_port, ":%d" % m.port)
    code, text = b.send(at_once, stub.MAIL_PASSWORD)
    check("mail: delivered by TLS from the beginning, with a login", code == 0 and
          len(m.got) == 1, text)
    code, text = b.send(at_once, stub.MAIL_PASSWORD, ca=b.folder + "/other.pem")
    check("mail: there too a wrong certificate is refused", code == 1 and "certificate" in text
          and len(m.got) == 1, text)
    m.stop()
    m = stub.mail(b.folder, tls="never")
    code, text = b.send(keys % (m.port, "ops@example.org", stub.MAIL_USER), stub.MAIL_PASSWORD)
    check("mail: nothing is sent without STARTTLS", code == 1 and not m.got, text)
    m.stop()


class Log:
    """The socket of the system log."""

    def __init__(self, b):
        self.path = os.path.join(b.folder, "log")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.settimeout(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        os.unlink(self.path)

    def line(self):
        try:
            return self.socket.recv(4096).decode()
        except socket.timeout:
            return ""


def syslog(b):
    with Log(b) as log:
        code, text = b.send('type = syslog endpoint = "%s"' % log.path)
        line = log.line()
    check("syslog: a line with facility daemon and level critical", code == 0 and
          line.startswith("<26>hokm-xdp[") and "kind=test" in line and
          "reason=operator" in line and "vip=192.168.1.25 players=0" in line, (text, line))
    code, text = b.send('type = syslog endpoint = "%s.none"' % log.path)
    check("syslog: no log daemon is a failure", code == 1 and "No such file" in text, text)


def can_read(user, pid):
    """Whether a process of this user may look at the memory of that one."""
    return subprocess.run(["cat", "/proc/%d/environ" % pid], user=user, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def of_parent(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def memory(b):
    """Neither process of `notify test` lets others of its user look at the credentials."""
    s = stub.Slack(b.folder)
    s.fail = ["hang"]
    b.write("type = slack", s.url + stub.SLACK_PATH)
    for path in (b.folder + "/conf", b.folder + "/credential"):
        shutil.chown(path, "nobody")
    with subprocess.Popen([PROGRAM, "notify", "test", "-c", b.folder + "/conf"], user="nobody",
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p, \
            subprocess.Popen(["sleep", "60"], user="nobody") as other:
        while s.fail and p.poll() is None:
            time.sleep(0.02)
        pids = [p.pid] + of_parent(p.pid)
        check("memory: nobody may look at another process of his", can_read("nobody", other.pid))
        check("memory: but at none that sends a message", len(pids) == 2 and
              not [pid for pid in pids if can_read("nobody", pid)], pids)
        p.kill()
        other.kill()
    s.close()


class Parts(dict):
    """What the channels of a monitor sent: their type and the text."""

    def of_node(self):
        """The words that only a node may use: a VIP, and players."""
        return [(kind, word) for kind, text in self.items()
                for word in ("192.168.1.25", "vip", "VIP", "players") if word in text]


def monitor(b):
    """A monitor of DNS has no VIP and no players, and no channel says that it has."""
    got = Parts()
    # b.send() closes the section of the last key.
    extra = (' } dns { mode = monitor provider = rfc2136 record = "game.example.com" '
             'endpoint = "dns://127.0.0.1" monitor_state = "%s/monitor.dns"' % b.folder)
    s = stub.Slack(b.folder)
    b.send("type = slack", s.url + stub.SLACK_PATH, extra=extra)
    got["slack"] = str(s.got)
    s.close()
    s = stub.Twilio(b.folder)
    b.send('type = sms endpoint = "%s" user = "%s" from = "+15550100" to = "+15550101"'
           % (s.url, stub.SID), stub.TOKEN, extra=extra)
    got["sms"] = str(s.got)
    s.close()
    s = stub.Webhook(b.folder)
    b.send('type = webhook endpoint = "%s/hook"' % s.url, stub.HOOK_KEY, extra=extra)
    got["webhook"] = str(s.got)
    s.close()
    m = stub.mail(b.folder, tls="never")
    b.send('type = email endpoint = "smtp://127.0.0.1:%d" from = "hokm@example.org" '
           'to = "ops@example.org" starttls = no' % m.port, extra=extra)
    got["email"] = str(m.got)
    m.stop()
    with Log(b) as log:
        b.send('type = syslog endpoint = "%s"' % log.path, extra=extra)
        got["syslog"] = log.line()
    check("monitor: each channel says who reports", len(got) == 5 and
          all("monitor" in text for text in got.values()), got)
    check("monitor: none names a VIP or players", got.of_node() == [], got)


def main():
    # nobody must reach the socket of syslog and the certificates.
    with tempfile.TemporaryDirectory(prefix="hokm-notify.", dir="/tmp") as folder:
        b = Bench(folder)
        for test in (slack, sms, webhook, mail, syslog, monitor, memory):
            test(b)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
