# SPDX-License-Identifier: GPL-2.0-only
"""The rule about commits: one topic, a subject that fits, a reason for all but the smallest."""

import os
import re
import subprocess

RANGE = "main..HEAD"  # LINT_RANGE in the environment names another one
SUBJECT_COLUMNS = 72
BODY_COLUMNS = 90
SMALL = 20  # changed lines up to which a subject says enough

SUBJECT = re.compile(r"^[a-z0-9][\w./, -]*: \S")
MARK = "\x1e"  # stands before each commit


def commits(top):
    """(hash, subject, lines of the body, changed lines) of each commit of the range."""
    where = os.environ.get("LINT_RANGE", RANGE)
    argv = ["git", "-C", top, "log", "--no-merges", "--numstat",
            "--format=%x1e%h%n%s%n%b%x1f", where]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    for commit in done.stdout.decode("utf-8", "replace").split(MARK)[1:]:
        message, numbers = commit.split("\x1f")
        head, subject, *body = message.strip().split("\n")
        counts = re.findall(r"^(\d+)\t(\d+)\t", numbers, re.M)
        yield head, subject, body, sum(int(a) + int(b) for a, b in counts)


def rule_commits(tree):
    try:
        found = list(commits(tree.top))
    except (OSError, subprocess.CalledProcessError) as err:
        yield "the commits cannot be read: %s" % err
        return
    for head, subject, body, changed in found:
        if len(subject) > SUBJECT_COLUMNS:
            yield "%s: a subject of %d columns, %d is the limit" % (head, len(subject),
                                                                    SUBJECT_COLUMNS)
        if not SUBJECT.match(subject):
            yield "%s: the subject is not of the form 'area: what'" % head
        if changed > SMALL and not body:
            yield "%s: %d changed lines without a reason in the body" % (head, changed)
        if any(len(line) > BODY_COLUMNS and not line.startswith(" ") for line in body):
            yield "%s: the body has lines over %d columns" % (head, BODY_COLUMNS)
