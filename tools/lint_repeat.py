# SPDX-License-Identifier: GPL-2.0-only
"""The rule against repetition: no run of six like lines in two files outside tests/."""

import re

import lint_tree

RUN = 6
FOLDERS = ("bpf/", "include/", "user/", "tools/")

# Lines that say nothing by themselves. A run has six lines of other kinds.
TRIVIAL = re.compile(
    r"[\W_]*$"                                # lone punctuation
    r"|#\s*(include|if|ifdef|ifndef|else|endif|define \w+_H$)|import |from \w+ import|\. \S|set -"
    r"|\{.*\},?$"                             # a row of a table
    r"|(struct|enum) \w+;$"                   # a forward declaration
    r"|(break|continue|default:|return( \w+)?;?$|else|fi|done|esac|then|do)\b")
HASH_COMMENT = re.compile(r"(^|\s)#.*$")


def meaningful(tree, path):
    """[(line, text)] with white space made one, without comments and lines that say nothing."""
    kind = tree.kind(path)
    text = tree.read(path)
    if kind == "c":
        text = lint_tree.NOISE.sub(
            lambda m: lint_tree.blank(m) if m.group(0).startswith("/") else m.group(0), text)
    found = []
    for n, line in enumerate(text.split("\n"), 1):
        line = line.strip() if kind == "c" else HASH_COMMENT.sub("", line).strip()
        if line and not TRIVIAL.match(line):
            found.append((n, " ".join(line.split())))
    return found


def rule_repeat(tree, folders=FOLDERS):
    """Reports each run once, at its first place and with its whole length."""
    seen, lines = {}, {}
    for path in tree.of("c", "sh", "py", under=folders):
        mine = lines[path] = meaningful(tree, path)
        texts = [text for _, text in mine]
        at = 0
        while at + RUN <= len(texts):
            other = seen.get(tuple(texts[at:at + RUN]))
            if other is None or other[0] == path:
                at += 1
                continue
            there, size = lines[other[0]], RUN
            while at + size < len(texts) and other[1] + size < len(there) and \
                    there[other[1] + size][1] == texts[at + size]:
                size += 1
            yield "%s:%d: %d lines stand in %s:%d as well" % (
                path, mine[at][0], size, other[0], there[other[1]][0])
            at += size
        for at in range(len(texts) - RUN + 1):
            seen.setdefault(tuple(texts[at:at + RUN]), (path, at))
