"""The source files of the house as the rules of test_house see them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# what stands where; a module not named here stands on floor 1 and may import floors 0 and 1 alone
GROUPS = ("stages", "review", "exports", "worlds", "evaluate", "explain", "validate")
FLOORS = {
    "text": 0, "storage": 2, "decisions": 2, **dict.fromkeys(GROUPS, 3), "run": 4, "privacy": 4, "api": 5, "cli": 5,
    "commands": 5, "__main__": 5, "": 5,
}  # fmt: skip
HEAVY = {
    "igraph": ("graphs",),
    "leidenalg": ("graphs",),
    "airflow": ("dags",),
    "dask": ("pipeline.storage", "pipeline.run"),
    "distributed": ("pipeline.storage", "pipeline.run"),
    "fastapi": ("pipeline.review",),
    "sqlalchemy": ("pipeline.review", "pipeline.decisions"),
    "typst": ("pipeline.exports",),
    "stix2": ("pipeline.exports",),
}


@functools.cache
def files(*folders: str) -> tuple[Path, ...]:
    """The Python files below some folders of the house, sorted."""
    return tuple(sorted(p for f in folders or ("pipeline", "graphs", "dags") for p in (ROOT / f).rglob("*.py")
                        if "node_modules" not in p.parts))  # fmt: skip


@functools.cache
def tree(path: Path) -> ast.Module:
    """A file, parsed."""
    return ast.parse(path.read_text())


def module(path: Path) -> str:
    """Dotted name of a file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The modules a file imports, as full as they can be told, with the line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
                base = ".".join((*parts, base)).strip(".")
            for alias in node.names:
                inner = ROOT.joinpath(*base.split("."), alias.name)
                is_module = base and (inner.is_dir() or inner.with_suffix(".py").is_file())
                yield (f"{base}.{alias.name}" if is_module else base), node.lineno


def top_imports(path: Path) -> set[str]:
    """First names of what a file imports when it is itself imported: not inside functions or for types alone."""
    found: set[str] = set()
    waiting: list[ast.stmt] = list(tree(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, (ast.Try, ast.With, ast.If)) and "TYPE_CHECKING" not in ast.dump(node)[:90]:
            waiting += node.body
    return found


def room(name: str) -> str:
    """The room of a module of `pipeline`: `stages`, `storage`, `plan` ..."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


def floor(name: str) -> int:
    """Floor of a module."""
    if name.split(".")[0] == "graphs":
        return 0
    if name.split(".")[0] == "dags":
        return 5
    return FLOORS.get(room(name), 1)


def constants(path: Path) -> Iterator[tuple[str, int]]:
    """The text constants of a file that are no docstrings, with the line."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree(path))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body
        and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value, node.lineno
