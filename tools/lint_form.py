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

# A string literal in several pieces.
LITERAL = r'"(?:\\.|[^"\\\n])*"'
PIECES = re.compile(r"%s(?:\s*\n\s*%s)+" % (LITERAL, LITERAL))
PIECE = re.compile(LITERAL)
# A text may be cut after a sentence, a clause, a line, a bracket or a column of a table, and before
# a word that begins a clause.
CLAUSE_END = (".", ",", ";", ":", "?", "!", "\\n", "{", "}", "]", ")", " ")
CLAUSE_BEGIN = re.compile(
    r"(and|or|but|nor|because|so|as|if|when|while|until|unless|before|after|since|though|where|"
    r"which|who|that|than|for|to|by|with|without|from)\b|\w+=|[(\[{]")
# A text of several sentences is no message but a paragraph: it is cut where its lines are full.
SENTENCES = re.compile(r"\. [A-Z%]")

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


# A comment of one line is too long for its end.
TORN_END = re.compile(r"^[ \t]*/\*(?:(?!\*/).)*\S[ \t]*\n[ \t]*\*/", re.M)


def rule_torn(tree):
    """A declaration whose type stands on one line and whose name on the next; a comment of one line
    whose end does."""
    for path in tree.of("c"):
        for m in TORN_END.finditer(tree.read(path)):
            yield "%s:%d: the end of this comment stands on the next line" % (
                path, lint_tree.line_of(tree.read(path), m.start()))
        lines = tree.code_lines(path)
        for n in range(1, len(lines)):
            if TORN_TYPE.match(lines[n - 1]) and TORN_NAME.match(lines[n]):
                yield "%s:%d: the name of this declaration stands on the next line" % (path, n)


def bad_cuts(text, run):
    """(offset, piece) of each piece of a string that ends with a space where no phrase ends."""
    pieces = list(PIECE.finditer(text, run.start(), run.end()))
    if SENTENCES.search("".join(p.group(0)[1:-1] for p in pieces)):
        return
    for piece, following in zip(pieces, pieces[1:]):
        body = piece.group(0)[1:-1]
        if body.endswith(" ") and not body[:-1].endswith(CLAUSE_END) and \
                not CLAUSE_BEGIN.match(following.group(0)[1:]):
            yield piece.start(), body


def rule_strings(tree):
    """The text of a message is cut where a clause or a line of it ends."""
    for path in tree.of("c"):
        text = tree.read(path)
        for run in PIECES.finditer(text):
            for offset, body in bad_cuts(text, run):
                yield '%s:%d: a string is cut in the middle of a phrase: "... %s"' % (
                    path, lint_tree.line_of(text, offset), body[-24:].lstrip())
