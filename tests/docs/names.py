# SPDX-License-Identifier: GPL-2.0-only
"""What the pages name, and whether it is there: each check yields "page: what is wrong"."""

import glob
import os
import re
import sys

import pages

FOLDERS = ("bpf/", "include/", "user/", "tools/", "tests/", "docs/", "vmlinux/")
README_LINES, PAGE_LINES = 155, 450
LANGUAGES = ("console", "sh", "conf", "text")
GENERATED = re.compile(r"<!-- generated: (\w+) -->\n(.*?)<!-- end -->", re.S)
REASON = re.compile(r'X\(p, \w+, "([a-z-]+)",\s*"([^"]+)"\)')
COUNTER = re.compile(r'X\((\w+),\s*"([^"]+)"\)')
# A text of more than one line is made of several strings.
LONG_REASON = re.compile(r'X\(p, \w+, "([a-z-]+)",\s*((?:"[^"]+"\s*)+)\)')
SIZE = re.compile(r"sizeof\(struct (\w+)\) == (\d+)")
MAP_ROW = re.compile(r"^\| `\w+` \|.*\| `(hokm_\w+)` \| (\d+)(?: each)? \|", re.M)
FILE_HEAD = 'secret = "sixteen characters"\nnode a { address = "10.0.0.1" }\n' \
            'node b { address = "10.0.0.2" }\n'
SNIPPET = re.compile(r'^([a-z_]+ = [\w"]+|[a-z]+( [a-z]+)? \{ .* \})$')
# Where a key of a snippet may stand.
PLACES = ("%s", 'node c { address = "10.0.0.3" } %s',
          'etcd { endpoints = "http://10.0.0.5:2379" } %s',
          "service game { port = 8765 %s }", "service game { port = 8765 check http { %s } }",
          "passive { %s }", "hooks { %s }",
          'notify mail { type = email endpoint = "smtp://h:25" from = "a@b" to = "c@d" %s }')


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()


def headers(top):
    return "".join(read(top, p) for p in sorted(glob.glob(os.path.join(top, "include/hokm/*.h"))))


class Known:
    """What the program, the Makefile and the headers know."""

    def __init__(self, top, run, folder):
        self.top, self.run, self.folder = top, run, folder
        self.commands = {m.group(1) for m in map(re.compile(r"^  ([a-z][a-z-]+) ").match,
                                                 run("hokm-xdp --help")) if m}
        self.verbs = [w for w in run("hokm-xdp ctl --words") if not w.startswith("-")]
        self.options = {v: set(run("hokm-xdp ctl --words " + v)) for v in self.verbs}
        self.targets = set(re.findall(r"^([a-z][a-z-]*)(?: [a-z -]+)?:(?!=)", read(top, "Makefile"),
                                      re.M))
        for line in re.findall(r"^\.PHONY: (.*)$", read(top, "Makefile"), re.M):
            self.targets.update(line.split())
        text = headers(top).replace("\\\n", " ")
        reasons = text[text.index("#define HOKM_REASONS("):text.index("#define HOKM_REASON_ENUM")]
        self.reasons = {name: "".join(re.findall(r'"([^"]+)"', words))
                        for name, words in LONG_REASON.findall(reasons)}
        self.counters = dict(COUNTER.findall(text[text.index("#define HOKM_COUNTERS("):
                                                  text.index("#define HOKM_COUNTER_FIELD")]))
        self.kinds = self._kinds(text)
        self.sizes = dict(SIZE.findall(text))
        self.abi = re.search(r"#define HOKM_ABI_VERSION (\d+)", text).group(1)
        self.keys = self._keys()
        self.sections = {key.split(".")[0] for key in self.keys if "." in key}

    def _kinds(self, text):
        """What `ctl events --kind` takes."""
        kernel = text[text.index("#define HOKM_EVENT_KINDS("):text.index("enum hokm_event_kind {")]
        own = re.search(r"#define EVENT_WHATS(.*?)\n\n", read(self.top, "user/sense/events.h"),
                        re.S)
        return {"kernel", "daemon"} | set(re.findall(r'"([a-z-]+)"', kernel + own.group(1)))

    def _keys(self):
        """Keys by their path, from the page that is made of the table of keys."""
        found, section = set(), ()
        for line in read(self.top, "docs/configuration.md").split("\n"):
            row = re.match(r"\| `([a-z_]+)` \|", line)
            if line.startswith("## "):
                section = re.findall(r"([a-z]+) (?:[A-Z]+ )?\{", line)
            elif row:
                found.add(".".join([*section, row.group(1)]))
        return found

    def conf_is_good(self, text):
        # The example of the pages is refused, because everybody knows it.
        text = text.replace('secret = "put the', 'secret = "Put the')
        path = os.path.join(self.folder, "snippet.conf")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o600)
        # Notes may stand before the verdict.
        said = self.run("hokm-xdp check-config " + path)
        return any(line.startswith("OK ") for line in said)


def commands_in(page):
    """Lines of shell: from code spans and from blocks."""
    yield from page.spans()
    for block in page.blocks:
        if block.language in ("sh", "console"):
            for line in block.lines:
                m = pages.COMMAND.match(line)
                if m or block.language == "sh":
                    yield (m.group(1) if m else line).split("  #")[0]


def links(known, page):
    for target in pages.LINK.findall(page.prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page.path), path)) if path \
            else page.path
        if not os.path.exists(os.path.join(known.top, path)):
            yield "%s: a link to %s, which is not there" % (page.path, target)
        elif anchor and anchor not in pages.Page(known.top, path).anchors():
            yield "%s: a link to %s: no such heading" % (page.path, target)


def paths(known, page):
    for text in commands_in(page):
        for word in re.findall(r"[^\s`'\"(){},:;]+", text):
            word = word.rstrip(".,")
            if word.startswith(FOLDERS) and not glob.glob(os.path.join(known.top, word)):
                yield "%s: %s is not there" % (page.path, word)


def verbs(known, page):
    for text in commands_in(page):
        for word in re.findall(r"\bhokm-xdp ([a-z][a-z-]*)", text):
            if word not in known.commands:
                yield "%s: `%s`: no command %s" % (page.path, text, word)
        ctl = re.search(r"(?:^|hokm-xdp )ctl ([a-z][a-z-]*)(.*)", text)
        plain = re.match(r"([a-z-]+)( --.*)$", text)
        if not ctl and plain and plain.group(1) in known.verbs:
            ctl = plain
        if not ctl:
            continue
        verb, rest = ctl.groups()
        if verb not in known.verbs:
            yield "%s: `%s`: no verb %s" % (page.path, text, verb)
            continue
        for kind in re.findall(r"--kind ([a-z-]+)", rest):
            if kind not in known.kinds:
                yield "%s: `%s`: no kind of events %s" % (page.path, text, kind)
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            if option not in known.options[verb]:
                yield "%s: `%s`: %s has no option %s" % (page.path, text, verb, option)


def targets(known, page):
    for text in commands_in(page):
        for word in re.findall(r"(?:^|&& |sudo )make ([a-z][a-z-]*)(?=\s|$)", text):
            if word not in known.targets:
                yield "%s: `%s`: make has no target %s" % (page.path, text, word)


def configuration(known, page):
    for text in page.spans():
        if re.match(r"^[a-z_]+\.[a-z_]+$", text):
            if text.split(".")[0] in known.sections and text not in known.keys:
                yield "%s: no key %s" % (page.path, text)
        elif SNIPPET.match(text) and "..." not in text:
            if not any(known.conf_is_good(FILE_HEAD + p % text) for p in PLACES):
                yield "%s: check-config refuses `%s`" % (page.path, text)
    for block in page.blocks:
        if block.language == "conf":
            text = "\n".join(block.lines)
            if not known.conf_is_good(text if "secret" in text else FILE_HEAD + text):
                yield "%s: check-config refuses it" % block.where()


def counters(known, page):
    for text in page.spans():
        if re.match(r"^drop_\w+$", text) and text not in known.counters:
            yield "%s: no counter %s" % (page.path, text)


def layouts(known, page):
    if page.path != "docs/internals.md":
        return
    if "`HOKM_ABI_VERSION` is %s" % known.abi not in page.prose:
        yield "%s: HOKM_ABI_VERSION is %s" % (page.path, known.abi)
    for name, size in MAP_ROW.findall(page.prose):
        if known.sizes.get(name, size) != size:
            yield "%s: struct %s has %s bytes" % (page.path, name, known.sizes[name])


def length(known, page):
    """A page is read as a whole, and the README at the first look. The list of changes is not: it
    is read from its head."""
    del known
    most = {"README.md": README_LINES, "NEWS.md": sys.maxsize}.get(page.path, PAGE_LINES)
    if len(page.lines) - 1 > most:
        yield "%s: %d lines, at most %d: give a subject of it its own page" % (
            page.path, len(page.lines) - 1, most)


def blocks(known, page):
    del known
    for block in page.blocks:
        if block.language not in LANGUAGES and not page.prose.startswith("<!-- Made by"):
            yield "%s: a block of language \"%s\"" % (block.where(), block.language)
        if block.language in ("sh", "console") and not block.kind:
            yield "%s: no comment says how it is run" % block.where()


# ---- tables made from the headers ----

def table(rows):
    return "".join(["| code | meaning |\n| --- | --- |\n"] +
                   ["| `%s` | %s |\n" % row for row in rows])


def list_in(top, path, macro):
    """Names and texts of a list in a header; the first value is no fault."""
    text = read(top, path).replace("\\\n", " ")
    text = text[text.index("#define %s(" % macro):]
    return REASON.findall(text[:text.index("\n")])[1:]


def made_tables(top):
    known = Known(top, lambda command: [], None)
    drops = [(n, t.split(": ", 1)[-1]) for n, t in known.counters.items() if n.startswith("drop_")]
    return {"reasons": table(known.reasons.items()),
            "drops": table(drops).replace("| code |", "| counter |", 1),
            "faults": table(list_in(top, "user/decide/repl_wire.h", "REPL_FAULTS")),
            "discards": table(list_in(top, "user/decide/vrrp_wire.h", "VRRP_DISCARDS"))}


def tables(known, page):
    made = made_tables(known.top)
    for name, text in GENERATED.findall(page.prose):
        if text != made[name]:
            yield "%s: the table of %s is old: tests/docs/test_pages.py --update" % (page.path,
                                                                                  name)


def write_tables(top, page):
    made = made_tables(top)
    text = "\n".join(page.lines)
    text = GENERATED.sub(lambda m: "<!-- generated: %s -->\n%s<!-- end -->" % (
        m.group(1), made[m.group(1)]), text)
    page.lines = text.split("\n")
    page.write({})


def unnamed_pages(all_pages):
    readme = next(p for p in all_pages if p.path == "README.md")
    linked = {t.partition("#")[0] for t in pages.LINK.findall(readme.prose)}
    for page in all_pages:
        if page.path != "README.md" and page.path not in linked:
            yield "README.md: no link to %s" % page.path


CHECKS = (
    ("links lead somewhere", links),
    ("paths are there", paths),
    ("commands, verbs and options are known", verbs),
    ("make has the targets", targets),
    ("keys and snippets of the configuration are good", configuration),
    ("counters are known", counters),
    ("sizes are those of the headers", layouts),
    ("tables are those of the headers", tables),
    ("every block says how it is run", blocks),
    ("pages are short", length),
)
