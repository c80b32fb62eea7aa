#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Rules about words: riddles that must not come back, and citations of the rules of the product.

  tools/lint_words.py [--top FOLDER] [PREFIX...]

prints the findings of the rule `words` for the files whose path begins with one of the prefixes.
"""

import argparse
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lint_deps  # noqa: E402  (needs the path above)
import lint_tree  # noqa: E402

# Files that must spell out what they forbid.
EXEMPT = ("tools/lint", "tests/lint/")

# A word or phrase that a reader has to guess at, and the word of the field. A space of a phrase
# matches the break of a line as well, with the marks of a comment.
WORDS = [
    ("(?<![-/_.])told(?!-)", "notified (a client), replicated (a peer), reported, logged"),
    ("untold", "suppressed, not reported"),
    ("(?:becomes?|became|came|comes?) of", "the result, the outcome: name it"),
    ("(?:in|out of) step(?! [0-9])", "synchronized, lost synchronization"),
    ("who had been|who was not|(?-i:Who) (?:had|was|were|has|only|does|did|says)",
     "name the subject: a peer that ..., the node that ..."),
    ("(?:says?|said|saying) so", "reports it, logs a warning"),
    ("whoever|whom|whomever", "name the subject: the client, the operator, the caller"),
    ("somebody|someone else's", "another process, a person, an attacker: name it"),
    ("with words", "with a message"),
    ("by the word of|its word for", "by the result of, as reported by"),
    ("(?<![-/_.])(?:hung|hangs|hanging)", "unresponsive"),
    ("(?<!-)(?:lives|lived)", "is alive; is stored in, is in"),
    ("made an end of|makes? an end", "terminated"),
    ("the other side|other side's", "the peer, the client"),
    ("thrown away|throws? away", "discarded"),
    ("put right|puts? right", "reconciled, corrected"),
    ("for ever", "without limit, permanently"),
    ("for want of|for lack of|lest", "because there is no; so that ... does not"),
    ("people", "operators, users"),
    ("taken? in possession|takes? .{1,20} into possession", "acquires, opens"),
    ("unasked", "unsolicited"),
    ("living", "alive"),
]
SPACE = r"(?:[ \t]*(?:\n[ \t]*(?:\*|//|#)?[ \t]*)?[ \t]*)(?<=[\s*/#])"
CITED = re.compile(r"\brules? ([0-9]+(?:(?:, | and | or )[0-9]+)*)")
NUMBERED = re.compile(r"^(?:\*\*)?([0-9]+)\.")
RULES_HEADING = re.compile(r"^## .*[Rr]ules?\b.*$", re.M)


def pattern(phrase):
    return r"\b(?:%s)\b" % phrase.replace(" ", SPACE)


ANY_WORD = re.compile("|".join("(%s)" % pattern(p) for p, _ in WORDS), re.I)


def prose(tree, path):
    """The text of a file with the code of C taken out: comments and strings stay at their place."""
    text = tree.read(path)
    if tree.kind(path) != "c":
        return text
    kept, at = [], 0
    for m in lint_tree.NOISE.finditer(text):
        kept.append(re.sub(r"[^\n]", " ", text[at:m.start()]))
        kept.append(m.group(0))
        at = m.end()
    kept.append(re.sub(r"[^\n]", " ", text[at:]))
    return "".join(kept)


def written(tree):
    return [p for p in tree.of("c", "sh", "py", "md", "make") if not p.startswith(EXEMPT)]


def rule_words(tree):
    for path in written(tree):
        text = prose(tree, path)
        for m in ANY_WORD.finditer(text):
            yield '%s:%d: "%s": better: %s' % (path, lint_tree.line_of(text, m.start()),
                                              " ".join(re.findall(r"[\w'-]+", m.group(0))),
                                              WORDS[m.lastindex - 1][1])


def rule_cited(tree):
    """A rule that is cited stands in the page, and the page is the one of this repository."""
    page = tree.read(lint_deps.PAGE) if lint_deps.PAGE in tree.names else ""
    heading = RULES_HEADING.search(page)
    known = {m.group(1) for _, line in lint_deps.section(page, heading.group(0).strip())
             for m in [NUMBERED.match(line)] if m} if heading else set()
    for path in written(tree):
        text = tree.read(path)
        for m in re.finditer(r"\bDESIGN\b", text):
            yield "%s:%d: DESIGN is no page of this repository: cite %s" % (
                path, lint_tree.line_of(text, m.start()), lint_deps.PAGE)
        if tree.kind(path) == "md":
            continue
        for m in CITED.finditer(text):
            for number in re.findall("[0-9]+", m.group(1)):
                if number not in known:
                    yield "%s:%d: %s has no rule %s" % (path, lint_tree.line_of(text, m.start()),
                                                        lint_deps.PAGE, number)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", default=os.getcwd())
    parser.add_argument("prefixes", nargs="*", metavar="PREFIX")
    args = parser.parse_args()
    tree = lint_tree.Tree(args.top)
    found = [f for f in rule_words(tree) if f.startswith(tuple(args.prefixes) or "")]
    print("\n".join(found + ["%d findings" % len(found)]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
