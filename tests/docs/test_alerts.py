#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Proves by promtool that each alert in tools/monitoring fires when it should, and only then, and
that alerts and dashboard use only metrics that docs/metrics.md has."""

import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(TOP, "tools", "monitoring")
RULES = os.path.join(FOLDER, "hokm-xdp.rules.yml")
DASHBOARD = os.path.join(FOLDER, "hokm-xdp.dashboard.json")
PAGE = os.path.join(TOP, "docs", "metrics.md")

# What an alert names: the labels of the series below.
GROUP = {"job": "hokm"}
NODE = dict(GROUP, instance="a:8768")
OTHER = dict(GROUP, instance="b:8768")
SERVICE = dict(NODE, service="game")
PEER = dict(NODE, peer="backup")
LATE = dict(NODE, work="pulse")


def series(name, labels, values, **more):
    words = ",".join('%s="%s"' % pair for pair in dict(labels, **more).items())
    return {"series": "%s{%s}" % (name, words), "values": values}


def one(name, labels, values, **more):
    return [series(name, labels, values, **more)]


def owners(a, b):
    return [series("hokm_owner", NODE, a), series("hokm_owner", OTHER, b)]


def up(b):
    return [series("up", NODE, "1x40"), series("up", OTHER, b)]


def pongs(in_time):
    """Of 100 pongs in each step, so many come within a second."""
    name = "hokm_ping_in_latency_seconds_bucket"
    return [series(name, SERVICE, "0+%dx40" % n, le=le)
            for le, n in (("0.524288", in_time), ("2.097152", 100), ("+Inf", 100))]


# alert: (labels, series that make it fire, series that do not, when both are looked at)
CASES = {
    "HokmNodeUnreachable": (NODE, one("up", NODE, "0x40"), one("up", NODE, "0x2 1x40"), "2m"),
    "HokmNoOwner": (GROUP, owners("1 0x40", "0x40") + up("1x40"),
                    owners("1 stale", "0x40") + up("1 0x40"), "1m"),
    "HokmOwnerUnknown": (GROUP, owners("1 stale", "0x40") + up("1 0x40"),
                         owners("1x40", "_x40") + up("0x40"), "3m"),
    "HokmTwoOwners": (GROUP, owners("1x40", "1x40"), owners("1 1 0x40", "0 1 1x40"), "1m"),
    "HokmPanicHold": (NODE, one("hokm_panic_hold", NODE, "0 1x40"),
                      one("hokm_panic_hold", NODE, "0x40"), "1m"),
    "HokmServiceDown": (SERVICE, one("hokm_service_up", SERVICE, "1 0x40"),
                        one("hokm_service_up", SERVICE, "1 0 1x40"), "1m"),
    "HokmOwnerFlaps": (GROUP, owners("0 1 0 1 0x40", "1 0 1 0 1x40"),
                       owners("0 1x40", "1 0x40"), "2m"),
    "HokmPeerSilent": (PEER, one("hokm_peer_pulsing", PEER, "0x40"),
                       one("hokm_peer_pulsing", PEER, "0 1x40"), "1m"),
    "HokmReplicaCold": (PEER, one("hokm_replica_warm", PEER, "0x40"),
                        one("hokm_replica_warm", PEER, "0x8 1x40"), "6m"),
    "HokmNotSteerable": (PEER, one("hokm_peer_steerable", PEER, "0x40"),
                         one("hokm_peer_steerable", PEER, "0x8 1x40"), "6m"),
    "HokmPartsMissing": (NODE, one("hokm_missing_parts", NODE, "0 1x40"),
                         one("hokm_missing_parts", NODE, "0 1 0x40"), "1m"),
    "HokmForeignClaim": (NODE, one("hokm_foreign_claims", NODE, "1x40"),
                         one("hokm_foreign_claims", NODE, "0x40"), "1m"),
    "HokmSettingsDiffer": (PEER, one("hokm_peer_settings_differ", PEER, "2x40"),
                           one("hokm_peer_settings_differ", PEER, "0x40"), "6m"),
    "HokmHookFails": (NODE, one("hokm_hooks_failed_total", NODE, "0 1x40"),
                      one("hokm_hooks_failed_total", NODE, "3x40"), "1m"),
    "HokmTableFull": (NODE, one("hokm_conns_full_total", SERVICE, "0+5x40"),
                      one("hokm_conns_full_total", SERVICE, "7x40"), "1m"),
    "HokmLoopLate": (LATE, one("hokm_late_seconds", LATE, "0.2x40"),
                     one("hokm_late_seconds", LATE, "0.01x40"), "6m"),
    "HokmSlowServer": (SERVICE, pongs(50), pongs(100), "8m"),
}


def filled(template, labels):
    return re.sub(r"\{\{ *\$labels\.(\w+) *\}\}", lambda m: labels[m.group(1)], template)


def tests_of(rule):
    labels, fires, quiet, when = CASES[rule["alert"]]
    alert = {"exp_labels": dict(labels, **rule["labels"]),
            "exp_annotations": {name: filled(text, labels)
                                for name, text in rule["annotations"].items()}}
    for given, expected in ((fires, [alert]), (quiet, [])):
        yield {"interval": "15s", "input_series": given,
               "alert_rule_test": [{"eval_time": when, "alertname": rule["alert"],
                                    "exp_alerts": expected}]}


def promtool(*words):
    done = subprocess.run(("promtool",) + words, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def unknown_metrics(text):
    with open(PAGE, encoding="utf-8") as f:
        known = set(re.findall(r"^\| `(hokm_\w+)`", f.read(), re.M))
    used = set(re.findall(r"\bhokm_[a-z0-9_]+", text))
    return {name for name in used
            if name not in known and re.sub(r"_(bucket|count)$", "", name) not in known}


def main():
    failed = 0

    def check(words, good, why=""):
        nonlocal failed
        print("%s - %s" % ("ok" if good else "not ok", words))
        if not good:
            failed = 1
            print(why)

    with open(RULES, encoding="utf-8") as f:
        text = f.read()
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    with open(DASHBOARD, encoding="utf-8") as f:
        panels = f.read()
    json.loads(panels)
    code, said = promtool("check", "rules", RULES)
    check("promtool accepts the rules", code == 0, said)
    check("each alert has a rule test", {r["alert"] for r in rules} == set(CASES))
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as f:
        json.dump({"rule_files": [RULES], "evaluation_interval": "15s",
                   "tests": [t for rule in rules for t in tests_of(rule)]}, f)
        f.flush()
        code, said = promtool("test", "rules", f.name)
    check("each alert fires when it should, and only then", code == 0, said)
    for what, content in (("alerts", text), ("dashboard", panels)):
        unknown = unknown_metrics(content)
        check("the %s use metrics that exist" % what, not unknown, str(unknown))
    return failed


sys.exit(main())
