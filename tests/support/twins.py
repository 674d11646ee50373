"""Code that stands twice: equal runs of tokens, however they are broken into lines.

Comments, docstrings, imports, blank lines and signatures do not count (two functions may be called alike), nor do
brackets that only close something. A run is reported where it covers at least `lines` lines of code in both places.
"""

from __future__ import annotations

import ast
import tokenize
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path

SEED = 24  # tokens that must agree before a run is followed
QUIET = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
CLOSING = {*")]},:"}
Token = tuple[str, int]


def tokens(path: Path) -> list[Token]:
    """The tokens of a file that count, each with its line."""
    tree = ast.parse(path.read_text())
    passed: set[int] = set()
    for node in ast.walk(tree):
        alone = node.value if isinstance(node, ast.Expr) else None
        words = isinstance(alone, ast.Constant) and isinstance(alone.value, str)
        if words or isinstance(node, (ast.Import, ast.ImportFrom)):
            passed.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef):
            passed.update(range(node.lineno, node.body[0].lineno))
    with path.open("rb") as file:
        found = [(t.string, t.start[0]) for t in tokenize.tokenize(file.readline) if t.type not in QUIET]
    # a comma before a closing bracket is a matter of layout
    kept = [t for t in found[1:] if t[1] not in passed]
    after = [*(t[0] for t in kept[1:]), ""]
    return [t for t, next_word in zip(kept, after, strict=False) if t[0] != "," or next_word not in (")", "]", "}")]


def twins(paths: Iterable[Path], *, lines: int = 10) -> list[tuple[int, Path, int, Path, int]]:
    """Runs that stand twice, longest first: lines covered, and file and first line of both places."""
    streams = {path: tokens(path) for path in paths}
    places: dict[tuple[str, ...], list[tuple[Path, int]]] = defaultdict(list)
    for path, stream in streams.items():
        words = [t[0] for t in stream]
        for start in range(len(words) - SEED + 1):
            places[tuple(words[start : start + SEED])].append((path, start))
    followed: set[tuple[Path, int, Path, int]] = set()
    found = []
    for where in places.values():
        for (a, i), (b, j) in combinations(where[:20], 2):
            if (a, i - 1, b, j - 1) in followed or _same(streams, a, i - 1, b, j - 1):
                continue  # this run was begun further up
            n = 0
            while i + n < len(streams[a]) and j + n < len(streams[b]) and streams[a][i + n][0] == streams[b][j + n][0]:
                followed.add((a, i + n, b, j + n))
                n += 1
            n = min(n, j - i) if a == b else n
            one, two = streams[a][i : i + n], streams[b][j : j + n]
            covered = min(_lines(one), _lines(two)) if n else 0
            if covered >= lines:
                found.append((covered, a, one[0][1], b, two[0][1]))
    return sorted(found, key=lambda f: (-f[0], str(f[1]), f[2]))


def _lines(run: list[Token]) -> int:
    """Lines of code that a run covers; a line of closing brackets alone is none."""
    return len({line for word, line in run if word not in CLOSING})


def _same(streams: dict[Path, list[Token]], a: Path, i: int, b: Path, j: int) -> bool:
    return i >= 0 and j >= 0 and streams[a][i][0] == streams[b][j][0]
