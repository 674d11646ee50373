"""Digest of the code behind a stage: its own file and every file of this house that it imports, however far."""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

_HOUSE = ("pipeline", "graphs")
_ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def stage_digest(stage: str) -> str:
    """SHA-256 over the files behind `pipeline.stages.<stage>`; changes when one of them does."""
    total = hashlib.sha256()
    for path in sorted(files_behind(f"pipeline.stages.{stage}")):
        total.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def files_behind(module: str) -> set[Path]:
    """The source files that importing a module can reach inside this house, followed without importing anything."""
    seen: set[Path] = set()
    waiting = _files_of(module)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in _imports(path):
            waiting |= _files_of(name) - seen
    return seen


def _files_of(module: str) -> set[Path]:
    """File of a module; of a package all of its files, since they may be reached lazily through it."""
    if module.split(".")[0] not in _HOUSE:
        return set()
    base = _ROOT.joinpath(*module.split("."))
    if base.is_dir():
        # the two that only gather rooms are no code behind a stage: their doors lead everywhere, on demand
        return set() if module in ("pipeline", "pipeline.stages") else set(base.rglob("*.py"))
    return {base.with_suffix(".py")} if base.with_suffix(".py").is_file() else set()


@functools.cache
def _imports(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(_ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            base = ".".join((*package, *(node.module or "").split("."))).strip(".")
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    return frozenset(n for n in names if n.split(".")[0] in _HOUSE)
