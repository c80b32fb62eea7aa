# SPDX-License-Identifier: GPL-2.0-only
"""Rules about what may use what: folders, files, names."""

import os
import re

PAGE = "docs/architecture.md"
ROW = re.compile(r"^\|([^|]*)\|([^|]*)\|\s*$")
QUOTED = re.compile(r"`([^`]+)`")
CODE_FOLDERS = ("user/", "bpf/", "include/")
STEM_FOLDERS = ("bpf/", "include/", "user/")
STATE = re.compile(r"^struct daemon \{", re.M)
FAN_IN = 10  # files that include the header of the daemon's state: fewer than this

SIGNATURE = r"[\w \t*]*?\b([A-Za-z_]\w*)\([^;{}]*\)\s*\n\{"
DEFINITION = re.compile(r"^(?!static\b|typedef\b|return\b|else\b)[A-Za-z_]" + SIGNATURE, re.M)
STATIC = re.compile(r"^static\b" + SIGNATURE, re.M)
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")


def section(text, heading):
    """Lines of a Markdown page below a heading, with their numbers, to the next of its rank."""
    rank = heading.split(" ", 1)[0] + " "
    inside = False
    for n, line in enumerate(text.split("\n"), 1):
        if line.startswith(rank):
            inside = line.strip() == heading
        elif inside:
            yield n, line


def may_use(tree):
    """{folder: folders it may use} as the page has it; None without a table."""
    table = {}
    if PAGE not in tree.names:
        return None
    for _, line in section(tree.read(PAGE), "## May use"):
        m = ROW.match(line)
        names = m and QUOTED.findall(m.group(1))
        if names:
            table[names[0].rstrip("/")] = [f.rstrip("/") for f in QUOTED.findall(m.group(2))]
    return table or None


def folder_of(table, path):
    """The row of a file: its own, or that of its folder."""
    return path if path in table else os.path.dirname(path)


def rule_may_use(tree):
    table = may_use(tree)
    if table is None:
        yield "%s:1: no table below the heading '## May use'" % PAGE
        return
    for row in table:
        if row not in tree.names and not any(p.startswith(row + "/") for p in tree.files):
            yield "%s:1: the table '## May use' names %s, which is not there" % (PAGE, row)
    for circle in circles({row: set(used) - {row} for row, used in table.items()}, str):
        yield "%s:1: folders may use each other: %s" % (PAGE, " -> ".join(circle))
    for path in tree.of("c", under=CODE_FOLDERS):
        folder = folder_of(table, path)
        if folder not in table:
            yield "%s:1: %s has no row in the table of %s" % (path, folder, PAGE)
            continue
        for n, system, name in tree.includes(path):
            found = None if system else tree.resolve(path, name)
            used = found and folder_of(table, found)
            if used and used != folder and used not in table[folder]:
                yield "%s:%d: %s may not use %s (%s)" % (path, n, folder, used, name)


def parts(graph):
    """Strongly connected parts of {node: nodes}: Tarjan's algorithm without recursion."""
    index, low, stack, work = {}, {}, [], []

    def enter(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        work.append((node, iter(sorted(graph[node]))))

    for root in sorted(graph):
        if root not in index:
            enter(root)
        while work:
            node, following = work[-1]
            other = next((o for o in following if o in graph), None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    yield set(stack[at:])
                    del stack[at:]
            elif other not in index:
                enter(other)
            elif other in stack:
                low[node] = min(low[node], index[other])


def way(graph, start, end):
    """Nodes of a shortest way from start to end, both included, or None."""
    before, queue = {start: None}, [start]
    for node in queue:
        if node == end:
            found = [node]
            while before[found[0]] is not None:
                found.insert(0, before[found[0]])
            return found
        for other in sorted(graph.get(node, ())):
            if other not in before:
                before[other] = node
                queue.append(other)
    return None


def circles(graph, group):
    """A shortest circle through nodes of more than one group, one for each connected part."""
    for part in parts(graph):
        found = [[node] + way(graph, other, node) for node in sorted(part)
                 for other in sorted(graph[node]) if other in part and group(node) != group(other)]
        if found:
            yield min(found, key=len)


def unit(path):
    """A .c and its .h count as one."""
    return os.path.splitext(path)[0]


def definitions(tree, paths):
    """{function: unit that defines it for others}"""
    return {m.group(1): unit(p) for p in paths if p.endswith(".c")
            for m in DEFINITION.finditer(tree.code(p))}


def edges(tree):
    """{unit: {unit it uses: "file:line: how"}} for the files of user/."""
    paths = tree.of("c", under="user/")
    defined = definitions(tree, paths)
    graph = {unit(p): {} for p in paths}
    for path in paths:
        mine, text = graph[unit(path)], tree.code(path)
        for n, system, name in tree.includes(path):
            found = None if system else tree.resolve(path, name)
            if found and unit(found) in graph and unit(found) != unit(path):
                mine.setdefault(unit(found), "%s:%d includes %s" % (path, n, name))
        if not path.endswith(".c"):
            continue
        own = set(STATIC.findall(text))
        for m in CALL.finditer(text):
            other = defined.get(m.group(1), unit(path))
            if other != unit(path) and m.group(1) not in own:
                mine.setdefault(other, "%s:%d calls %s()" % (
                    path, text.count("\n", 0, m.start()) + 1, m.group(1)))
    return graph


def concern(name):
    """What a unit is about: its folder and the first word of its stem; hooks is hook."""
    folder, stem = os.path.split(name)
    return folder, stem.split("_")[0].rstrip("s")


def rule_circles(tree):
    """No circle through files of different concerns, by includes and calls."""
    graph = edges(tree)
    for circle in circles(graph, concern):
        steps = [graph[a][b] for a, b in zip(circle, circle[1:])]
        yield "%s:1: a circle of files: %s (%s)" % (
            circle[0], " -> ".join(circle), "; ".join(steps))


def rule_fan_in(tree):
    """The header with the daemon's state is no meeting place of everything."""
    for state in tree.of("c", under="user/"):
        if not state.endswith(".h") or not STATE.search(tree.code(state)):
            continue
        users = [p for p in tree.of("c", under="user/")
                 if state in (tree.resolve(p, name) for _, _, name in tree.includes(p))]
        print("# %s is included by %d files" % (state, len(users)))
        if len(users) >= FAN_IN:
            yield "%s:1: %d files include it, %d is too many" % (state, len(users), FAN_IN)


def same_unit(a, b):
    """A .c and its header, in its folder or in include/."""
    return {a[-2:], b[-2:]} == {".c", ".h"} and (
        os.path.dirname(a) == os.path.dirname(b) or
        any(p.startswith("include/") and p.endswith(".h") for p in (a, b)))


def rule_stems(tree):
    """No two files have the same name but for the ending."""
    seen = {}
    for path in tree.of("c", under=STEM_FOLDERS):
        stem = os.path.basename(path).split(".", 1)[0]
        for other in seen.setdefault(stem, []):
            if not same_unit(path, other):
                yield "%s:1: %s has the same stem" % (path, other)
                break
        seen[stem].append(path)
