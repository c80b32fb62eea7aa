# SPDX-License-Identifier: GPL-2.0-only
"""The files that the rules of the lint read, each read and parsed once."""

import ast
import functools
import os
import re

SHELL_START = re.compile(r"^([A-Za-z_][\w-]*)\s*\(\)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
SIGNATURE = re.compile(r"^[A-Za-z_].*\)\s*$|^\s+.*\)\s*$")
SKIPPED_FOLDERS = ("build", "__pycache__")


def blank(match):
    """Comments and strings become spaces; lines stay where they are."""
    return re.sub(r"[^\n]", " ", match.group(0))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


class Tree:
    """The source files under a folder. Build results, hidden folders and links are left out."""

    def __init__(self, top):
        self.top = top
        self.files = sorted(self._walk())
        self.names = set(self.files)
        self.read = functools.lru_cache(None)(self._read)
        self.code = functools.lru_cache(None)(self._code)
        self.kind = functools.lru_cache(None)(self._kind)

    def _walk(self):
        for folder, subs, names in os.walk(self.top):
            subs[:] = [s for s in subs if not s.startswith(".") and s not in SKIPPED_FOLDERS]
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    yield os.path.relpath(path, self.top)
        if os.path.exists(os.path.join(self.top, ".ci/run")):
            yield ".ci/run"

    def _read(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def _code(self, path):
        return NOISE.sub(blank, self.read(path))

    def _kind(self, path):
        """c, sh, py, make, md or "" for what no rule reads."""
        endings = {".c": "c", ".h": "c", ".py": "py", ".sh": "sh", ".md": "md"}
        ending = os.path.splitext(path)[1]
        if os.path.basename(path) == "Makefile":
            return "make"
        if ending:
            return endings.get(ending, "")
        with open(os.path.join(self.top, path), "rb") as f:
            head = f.readline(64)
        if not head.startswith(b"#!"):
            return ""
        return "py" if b"python" in head else "sh"

    def of(self, *kinds, under=""):
        """Paths of these kinds below `under`: one prefix or a tuple of them."""
        return [p for p in self.files if p.startswith(under) and self.kind(p) in kinds]

    def lines(self, path):
        return self.read(path).split("\n")

    def code_lines(self, path):
        """Lines of C without comments and without the text of strings."""
        return self.code(path).split("\n")

    def includes(self, path):
        """(line, is a system header, name) of each #include."""
        text = self.read(path)
        for m in INCLUDE.finditer(text):
            yield line_of(text, m.start()), m.group(1) == "<", m.group(2)

    def resolve(self, path, name):
        """The file of the tree that `#include "name"` in path means, or None."""
        for folder in (os.path.dirname(path), "user", "include", "vmlinux"):
            found = os.path.normpath(os.path.join(folder, name))
            if found in self.names:
                return found
        return None


def c_functions(lines):
    """(line, lines) of each C function: its brace stands alone in the first column."""
    start = None
    for n, line in enumerate(lines, 1):
        if line.rstrip() == "{" and n > 1 and SIGNATURE.match(lines[n - 2]):
            start = n
        elif line.startswith("}") and start:
            yield start - 1, n - start + 1
            start = None


def sh_functions(lines):
    start = None
    for n, line in enumerate(lines, 1):
        if SHELL_START.match(line) and not line.rstrip().endswith("}"):
            start = n
        elif line.startswith(("}", ")")) and start:
            yield start, n - start + 1
            start = None


def py_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def functions(tree, path):
    """(line, lines) of each function of a C, shell or Python file."""
    kind = tree.kind(path)
    if kind == "py":
        return py_functions(tree.read(path))
    return c_functions(tree.lines(path)) if kind == "c" else sh_functions(tree.lines(path))
