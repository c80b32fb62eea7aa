# SPDX-License-Identifier: GPL-2.0-only
"""The pages as data: blocks of code, links and code spans, and the shape of an output.

A block of commands has a comment in the line before it:

  <!-- run: host -->            in the top folder, without a lab
  <!-- run: steady a -->        in this stage of the lab (stages.sh), on this node
  <!-- run: lab -->             commands that make a lab of their own
  <!-- run: steady a head=4 --> only the first four lines of output are shown, then a line "…"
  <!-- not run: reason -->
  <!-- by hand: command -->     an output that is made by hand, now and then
"""

import glob
import os
import re

MARK = re.compile(r"^\s*<!-- (run|not run|by hand): (.*?) -->$")
FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
COMMAND = re.compile(r"^[#$] (.+)$")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
HEADING = re.compile(r"^#+ (.*)$", re.M)
MORE = "…"


class Block:
    """One fenced block: its language, its lines, and the mark before it."""

    def __init__(self, page, at, language, indent, mark):
        self.page, self.at, self.language, self.indent = page, at, language, indent
        self.kind, self.words = mark or (None, "")
        self.lines = []

    def where(self):
        return "%s:%d" % (self.page.path, self.at + 1)

    def stage(self):
        return self.words.split()[0] if self.kind == "run" else None

    def node(self):
        parts = self.words.split()
        return parts[1] if len(parts) > 1 and "=" not in parts[1] else None

    def head(self):
        m = re.search(r"\bhead=(\d+)", self.words)
        return int(m.group(1)) if m else None

    def commands(self):
        """[[prompt and command, lines of output]]"""
        found = []
        for line in self.lines:
            if COMMAND.match(line):
                found.append([line, []])
            elif found:
                found[-1][1].append(line)
        return found


class Page:
    """A Markdown file of the repository."""

    def __init__(self, top, path):
        self.path = path
        self.file = os.path.join(top, path)
        with open(self.file, encoding="utf-8") as f:
            self.lines = f.read().split("\n")
        self.blocks = []
        self.prose = self._read_blocks()

    def _read_blocks(self):
        """Collects the blocks; returns the text without them."""
        block, prose, mark = None, [], None
        for at, line in enumerate(self.lines):
            fence = FENCE.match(line)
            if block is None and fence:
                block = Block(self, at, fence.group(2), fence.group(1), mark)
            elif block is not None and fence:
                self.blocks.append(block)
                block = None
            elif block is not None:
                block.lines.append(line[len(block.indent):])
            else:
                prose.append(line)
            m = MARK.match(line)
            mark = (m.group(1), m.group(2)) if m else None
        return "\n".join(prose)

    def anchors(self):
        """The names that a browser gives the headings."""
        found = set()
        for heading in HEADING.findall(self.prose):
            word = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
            found.add(word.replace(" ", "-"))
        return found

    def spans(self):
        return SPAN.findall(self.prose)

    def write(self, outputs):
        """New outputs, {id(block): lines}; and the file."""
        for block in reversed(self.blocks):
            if id(block) in outputs:
                lines = [block.indent + line if line else "" for line in outputs[id(block)]]
                self.lines[block.at + 1:block.at + 1 + len(block.lines)] = lines
        with open(self.file, "w", encoding="utf-8") as f:
            f.write("\n".join(self.lines))


def read_all(top):
    names = sorted(glob.glob(os.path.join(top, "*.md")) + glob.glob(os.path.join(top, "docs/*.md")))
    return [Page(top, os.path.relpath(name, top)) for name in names]


# ---- the shape of an output: words stay, what differs from run to run goes ----

MAC = re.compile(r"\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b")
NUMBER = re.compile(r"\d[\d.,]*( ?(us|ms|s|min|h|d|KiB|MiB|kB|MB)\b)?")
TABLE_HEAD = re.compile(r"^\s+[A-Z][A-Z -]*[A-Z](\s{2,}[A-Z][A-Z -]*)+$")
NOTHING = re.compile(r"(?<![\w-])(never|-)(?![\w-])")


def shape_of_line(line):
    line = NUMBER.sub("0", MAC.sub("MAC", line))
    line = NOTHING.sub("0", line).replace("0 ago", "0")
    return " ".join(line.split())


def shape(lines):
    """Words of each line; the rows of a table are one word; repeated shapes count once."""
    found, in_table = [], False
    for line in lines:
        if TABLE_HEAD.match(line):
            words, in_table = " ".join(line.split()), True
        elif in_table and line.startswith("  "):
            words = "(rows)"
        else:
            words, in_table = shape_of_line(line), False
        if words and (not found or found[-1] != words):
            found.append(words)
    return found


def missing(page_lines, real_lines):
    """The first shape of the page that the real output does not have in its order, or None."""
    real = iter(shape(real_lines))
    for words in shape(line for line in page_lines if line.strip() != MORE):
        if words not in real:
            return words
    return None
