#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Proves that the unit brings a daemon back whenever a start can succeed, and in time, and that
what a stop leaves is removed by the unit that waits for it."""

import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNITS = os.path.join(TOP, "tools", "packaging")
# sysexits of what no later start mends: command line, capabilities, text of the file.
STOPS_FOR_GOOD = {"64", "77", "78"}
LEASE_FAST_MS = 275
# user/test/drill_guard.h (DRILL_DELAY_MAX_NS), and 30 s for each way (user/test/drill.c).
DRILL_MIN = 60 + 1


def read_unit(name):
    """Its settings as {"Section.Key": "value"}; of a key that stands twice, both."""
    settings, section = {}, ""
    with open(os.path.join(UNITS, name), encoding="utf-8") as f:
        text = f.read().replace("\\\n", " ")
    for line in text.splitlines():
        m = re.fullmatch(r"\[(\w+)\]", line)
        if m:
            section = m.group(1)
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            key = "%s.%s" % (section, key)
            settings[key] = settings[key] + " " + value if key in settings else value
    return settings


def timer_is_off():
    """The package neither enables nor starts it, and removes it before it is gone."""
    with open(os.path.join(UNITS, "debian", "rules"), encoding="utf-8") as f:
        rules = f.read().replace("\\\n", " ")
    with open(os.path.join(UNITS, "debian", "hokm-xdp.prerm"), encoding="utf-8") as f:
        prerm = f.read().replace("\\\n", " ")
    return (re.search(r"dh_installsystemd --no-enable --no-start .*-drill\.timer", rules) and
            re.search(r"deb-systemd-invoke stop .*-drill\.timer", prerm))


def drill_cases(unit):
    drill = read_unit("hokm-xdp-drill.service")
    timer = read_unit("hokm-xdp-drill.timer")
    most = re.fullmatch(r"(\d+)min", drill.get("Service.TimeoutStartSec", ""))
    return [
        ("a drill may last as long as the VIP takes to come back",
         most is not None and int(most.group(1)) > DRILL_MIN),
        # Without --scheduled it would move the VIP of a pair that is not well.
        ("a drill of the timer is one that moves nothing unless it is safe",
         " test failover --scheduled " in drill.get("Service.ExecStart", "")),
        # Else each drill of a node whose files are in /home or /root is left out.
        ("a drill reads what the daemon reads", drill.get("Service.ProtectHome") == "read-only"),
        ("a drill that failed is not repeated, and starts no daemon",
         drill.get("Service.Type") == "oneshot" and "Service.Restart" not in drill and
         not {"Unit.Requires", "Unit.Wants", "Unit.BindsTo"} & set(drill)),
        ("a drill has no capability, and keeps its history in the folder of the daemon",
         drill.get("Service.CapabilityBoundingSet") == "" and
         drill.get("Service.StateDirectory") == unit.get("Service.StateDirectory") and
         drill.get("Service.StateDirectoryMode") == unit.get("Service.StateDirectoryMode")),
        ("the timer is weekly, at a random moment, and makes up for no drill that was missed",
         re.match(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ", timer.get("Timer.OnCalendar", "")) and
         timer.get("Timer.RandomizedDelaySec") == "1h" and
         timer.get("Timer.Persistent") == "false"),
        ("the timer is off until the operator enables it", timer_is_off()),
    ]


def witness_cases():
    witness = read_unit("hokm-xdp-witness.service")
    return [
        # BPF and NET_ADMIN stay (user/witness/witness_run.c), the others are for the start.
        ("a witness has the capabilities of its start, and no other",
         set(witness.get("Service.CapabilityBoundingSet", "").split()) ==
         {"CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"}),
        ("a restart of a witness leaves what answers in the kernel, a stop does not",
         witness.get("Service.RestartKillSignal") == "SIGUSR1" and
         "Service.KillSignal" not in witness),
        # In a mount namespace the pins would be others, or read-only.
        ("a witness has no mount namespace, and may call bpf()",
         not [k for k in witness if re.fullmatch(
             r"Service\.(DynamicUser|Private.*|ReadOnlyPaths|ProtectSystem|ProtectHome|"
             r"ProtectControlGroups|ProtectKernel.*|ProtectProc|LoadCredential)", k)] and
         "bpf" in witness.get("Service.SystemCallFilter", "").split()),
        ("a witness reads the configuration again",
         witness.get("Service.ExecReload") == "/bin/kill -HUP $MAINPID"),
        # A late answer is none.
        ("a witness may have real-time priority and locked memory",
         witness.get("Service.LimitRTPRIO") == "99" and
         witness.get("Service.LimitMEMLOCK") == "infinity" and
         "Service.RestrictRealtime" not in witness),
        # One that is started on a node by mistake must not stop the node.
        ("a witness comes back after each failure, and conflicts with no other unit",
         witness.get("Service.Restart") == "on-failure" and
         witness.get("Unit.StartLimitIntervalSec") == "0" and
         "Unit.Conflicts" not in witness),
    ]


def late_cases():
    # systemd looks at a condition once. A folder of the configuration makes the unit require its
    # mount (systemd.exec(5), implicit dependencies), and one that fails ends the start for good.
    return [
        ("%s starts also when its configuration is mounted late" % name,
         not {"Unit.ConditionPathExists", "Unit.AssertPathExists", "Unit.RequiresMountsFor",
              "Service.ConfigurationDirectory"} & set(read_unit(name)))
        for name in ("hokm-xdp.service", "hokm-xdp-witness.service", "hokm-xdp-monitor.service")
    ]


def main():
    unit = read_unit("hokm-xdp.service")
    linger = read_unit(unit.get("Unit.OnSuccess", "nothing"))
    monitor = read_unit("hokm-xdp-monitor.service")
    delay = re.fullmatch(r"(\d+)ms", unit.get("Service.RestartSec", ""))
    prevented = set(unit.get("Service.RestartPreventExitStatus", "").split())
    cases = [
        ("there is no limit of starts", unit.get("Unit.StartLimitIntervalSec") == "0"),
        ("every failure leads to a restart", unit.get("Service.Restart") == "on-failure"),
        ("the restart comes within half a lease of profile fast",
         delay is not None and int(delay.group(1)) <= LEASE_FAST_MS // 2),
        ("only what no start mends stops for good", prevented == STOPS_FOR_GOOD),
        # Its exit status does not count for RestartPreventExitStatus: a wrong file would be read
        # ten times a second.
        ("no command runs before the daemon", "Service.ExecStartPre" not in unit),
        ("the orders of the operator have a folder",
         unit.get("Service.StateDirectory") == "hokm-xdp"),
        ("after a stop a unit waits, and removes what is left",
         " cleanup --wait " in linger.get("Service.ExecStart", "")),
        # It would end the daemon that starts again, or be ended by it before anything is removed.
        ("it conflicts with no other unit", "Unit.Conflicts" not in linger),
        ("it has no capability that the daemon has not",
         set(linger["Service.CapabilityBoundingSet"].split()) <=
         set(unit["Service.CapabilityBoundingSet"].split())),
        ("a monitor has no capability and a user of its own",
         monitor.get("Service.CapabilityBoundingSet") == "" and
         monitor.get("Service.DynamicUser") == "yes"),
        ("a monitor is handed the configuration and the credentials",
         "hokm-dns:" in monitor.get("Service.LoadCredential", "") and
         monitor.get("Service.ExecStart", "").endswith("-c %d/hokm-xdp.conf")),
        ("a monitor has the folders of its keys",
         monitor.get("Service.RuntimeDirectory") == monitor.get("Service.StateDirectory") ==
         "hokm-xdp-monitor"),
        # The group @system-service has no seccomp(), and a call outside of it is death.
        ("the agents of a monitor may confine themselves",
         "seccomp" in monitor.get("Service.SystemCallFilter", "").split()),
    ] + drill_cases(unit) + witness_cases() + late_cases()
    for words, good in cases:
        print("%s %s" % ("ok" if good else "not ok", words))
    return 0 if all(good for _, good in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
