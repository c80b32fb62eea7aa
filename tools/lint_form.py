# SPDX-License-Identifier: GPL-2.0-only
"""Rules about the form of a file: how long, how wide, how its strings and declarations are cut."""

import re
import statistics

import lint_tree

FUNCTION_LINES = 60
FILE_LINES = 600
MEDIAN_LINES = 20  # of C functions: the median lies below
COLUMNS = 100
TAB = 8

# A string literal that ends with a space and goes on in the next line.
CUT = re.compile(r'"((?:\\.|[^"\\\n])*) "[ \t]*\n[ \t]*"')
# Where a text may be cut: after a sentence, a clause, a line, a bracket, a column of a table.
WHOLE_PHRASE = (".", ",", ";", ":", "?", "!", "\\n", "{", "}", "]", ")", " ")

TYPE_WORD = r"(?:(?:static|extern|const|volatile|inline|unsigned|signed|long|short|int|char|" \
    r"void|bool|double|float|size_t|ssize_t|__always_inline|\w+_t|__(?:u|s|be|le)\d+|json_t|" \
    r"(?:struct|union|enum)\s+\w+)\b\s*)"
TORN_TYPE = re.compile(r"^\s*%s+\**\s*$" % TYPE_WORD)
TORN_NAME = re.compile(r"^\s*\**\s*[A-Za-z_]\w*\s*[\[(;,=)]")


def rule_length(tree):
    sizes = []
    for path in tree.of("c", "sh", "py"):
        count = len(tree.read(path).splitlines())
        if count > FILE_LINES:
            yield "%s:1: %d lines, %d is the limit" % (path, count, FILE_LINES)
        for n, size in lint_tree.functions(tree, path):
            if tree.kind(path) == "c":
                sizes.append(size)
            if size > FUNCTION_LINES:
                yield "%s:%d: a function of %d lines, %d is the limit" % (path, n, size,
                                                                          FUNCTION_LINES)
    if not sizes:
        return
    median = statistics.median(sizes)
    print("# %d C functions: median %g lines, longest %d" % (len(sizes), median, max(sizes)))
    if median >= MEDIAN_LINES:
        yield "the median C function has %g lines, it must have under %d" % (median, MEDIAN_LINES)


def rule_columns(tree):
    for path in tree.of("c", "sh", "py"):
        for n, line in enumerate(tree.lines(path), 1):
            width = len(line.expandtabs(TAB))
            if width > COLUMNS:
                yield "%s:%d: %d columns, %d is the limit" % (path, n, width, COLUMNS)


def rule_torn(tree):
    """A declaration whose type stands on one line and whose name on the next."""
    for path in tree.of("c"):
        lines = tree.code_lines(path)
        for n in range(1, len(lines)):
            if TORN_TYPE.match(lines[n - 1]) and TORN_NAME.match(lines[n]):
                yield "%s:%d: the name of this declaration stands on the next line" % (path, n)


def rule_strings(tree):
    """A string is cut only where a clause or a line of its text ends."""
    for path in tree.of("c"):
        text = tree.read(path)
        for m in CUT.finditer(text):
            if not m.group(1).endswith(WHOLE_PHRASE):
                yield '%s:%d: a string is cut in the middle of a phrase: "... %s "' % (
                    path, lint_tree.line_of(text, m.start()), m.group(1)[-24:].lstrip())
