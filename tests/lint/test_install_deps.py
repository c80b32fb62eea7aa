#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Whose services tools/install-deps disables: those that it installed, and no operator's.

It runs in a mount namespace with an empty /usr/sbin, where it puts its policy, and with programs
that only note what they are asked for in the place of those that install.
"""

import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNSHARE = ["unshare", "--mount"] + (["--map-root-user"] if os.geteuid() else [])
# In Debian 12: what runs as the unit is in this package, whichever of its kind was asked for.
UNITS = {"bind9": "named.service", "etcd-server": "etcd.service", "haproxy": "haproxy.service",
         "keepalived": "keepalived.service", "nginx": "nginx.service",
         "prometheus": "prometheus.service"}
PROGRAMS = {
    "dpkg-query": 'grep -qx -- "$4" "$MACHINE/installed" && printf installed',
    "apt-get": ":",
    "deb-systemd-helper": 'echo "$@" >>"$MACHINE/asked"',
}


def disabled(installed):
    """The units that it disables on a machine with these packages."""
    with tempfile.TemporaryDirectory() as machine:
        for name, body in PROGRAMS.items():
            path = os.path.join(machine, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write("#!/bin/sh\n%s\n" % body)
            os.chmod(path, 0o755)
        with open(os.path.join(machine, "installed"), "w", encoding="utf-8") as f:
            f.write("".join("%s\n" % package for package in installed))
        asked = os.path.join(machine, "asked")
        with open(asked, "w", encoding="utf-8"):
            pass
        subprocess.run(UNSHARE + ["sh", "-c", 'mount -t tmpfs none /usr/sbin && exec "$@"', "sh",
                                  os.path.join(TOP, "tools", "install-deps"), "all"],
                       env=dict(os.environ, MACHINE=machine, PATH=machine + ":/usr/bin:/bin"),
                       stdout=subprocess.DEVNULL, check=True)
        with open(asked, encoding="utf-8") as f:
            return sorted(f.read().splitlines())


def main():
    failed = 0
    for what, installed, units in (
            ("what it installs is disabled", [], UNITS.values()),
            ("what was there stays enabled", list(UNITS), [])):
        found = disabled(installed)
        good = found == sorted("disable %s" % unit for unit in units)
        failed += not good
        print("%s %s%s" % ("ok" if good else "not ok", what, "" if good else ": %s" % found))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
