"""Reference pages of the line: the stages, the measures, what a notebook can call; and the drawing of the plan."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from types import ModuleType

from pipeline.leanings import LEANINGS
from pipeline.measures.catalogue import BEYOND, ELSEWHERE, MEASURES, OVERLAP, UPHELD, WHOLE
from pipeline.plan import STAGES, Stage
from pipeline.schemas import OUTPUTS, TABLES
from tests.support.house import ROOT, files, tree
from tests.support.reference_text import cell, code, sentence, table

SPEAKS = {1: "for", 0: "either way", -1: "against"}
LEANS = {1: "for", 0: "", -1: "against"}


def index() -> str:
    """What stands in the reference."""
    return """# Reference

Made from the program itself; a test fails when a page is stale.

* [Commands](commands.md): arguments, defaults, exit codes.
* [Settings](settings.md): every key of the settings file. [Environment](environment.md): variables.
* [Input tables](input.md), [tables of a finished run](output.md), [working tables](working.md).
* [Stages](stages.md): what each reads and writes.
* [Link types](link-types.md) and [measures](measures.md): what may tie accounts, and what is measured of a group.
* [In a notebook](python.md): `pipeline.load_run`.
* [Rooms](rooms.md): every module and what it is for."""


def decisions() -> str:
    """The decision records by number."""
    head = """# Decision records

What was decided, among which options, and what follows. A record is not changed later; a new one takes its place."""
    return f"{head}\n\n{_titles('docs/decisions')}"


def benchmarks() -> str:
    """The pages of measured figures."""
    head = """# Benchmarks

What was measured, when, on what machine and with what version. `make bench` measures again."""
    return f"{head}\n\n{_titles('docs/benchmarks')}"


def _titles(folder: str) -> str:
    """A list of the pages of a folder by their titles; links in a title are taken as words."""
    pages = [p for p in sorted((ROOT / folder).glob("*.md")) if p.name != "index.md"]
    heads = [re.search(r"^# (.+)$", p.read_text(), flags=re.M) for p in pages]
    return "\n".join(f"- [{h.group(1)}]({p.name})" for p, h in zip(pages, heads, strict=True) if h)


def stages() -> str:
    """The stages in order."""
    head = """# Stages

The line in its order, as `pipeline/plan.py` holds it. A stage is one module of `pipeline/stages`, given the tables that
it reads and the sections of the settings that it declares, and nothing else. The drawing of it stands in
[architecture](../explanation/architecture.md)."""
    return head + "\n\n" + "\n\n".join(_stage(i, s) for i, s in enumerate(STAGES, 1))


def _stage(number: int, stage: Stage) -> str:
    outputs = {t.name for t in OUTPUTS}
    rows = [("input tables", _names(t for t in stage.inputs if t != "prompts"))] if stage.inputs else []
    if "prompts" in stage.inputs:
        rows = [("input", "the prompts, read again from the input by their place")]
    rows += [("reads", _names(stage.reads))] if stage.reads else []
    rows += [("of the previous run", _names(stage.previous))] if stage.previous else []
    rows.append(("writes", _names(t for t in stage.writes if t not in outputs)))
    rows.append(("writes, in the finished run", _names(t for t in stage.writes if t in outputs)))
    rows += [("settings", _names(stage.settings))] if stage.settings else []
    rows += [("work", "spread over tasks")] if stage.wide else []
    body = table(("", ""), [r for r in rows if r[1]])
    return f"## {number}. {stage.name}\n\n{sentence(stage.says)}\n\n{body}"


def rooms() -> str:
    """Every module with the first sentence of its docstring, room by room."""
    head = """# Rooms

Every module of the house and what it is for, in its own words. Who may know whom:
[architecture](../explanation/architecture.md)."""
    held: dict[str, list[tuple[str, str]]] = {}
    for path in files("graphs", "pipeline", "dags"):
        said = ast.get_docstring(tree(path)) or ""
        if said and "migrations" not in path.parts:
            held.setdefault(path.parent.relative_to(ROOT).as_posix(), []).append(_room(path.name, said))
    parts = [f"## {place}\n\n{table(('module', 'what'), sorted(rows))}" for place, rows in held.items()]
    return "\n\n".join([head, *parts])


def _room(name: str, said: str) -> tuple[str, str]:
    first = re.split(r"(?<=[.!?])\s|\n\n", said.replace("\n", " ") if "\n\n" not in said else said)[0]
    return code(name), cell(sentence(" ".join(first.split())))


def _names(tables: Iterable[str]) -> str:
    return ", ".join(code(t) for t in tables)


def measures() -> str:
    """The measures of a group."""
    head = """# Measures

What is measured of each candidate group, and of groups of rewired graphs in the same way. Most are differences from, or
ratios to, the same measure over all accounts of the run. "Speaks" is fixed by hand and bounds the trees: more of a
measure that speaks *for* never lowers what they say, more of one that speaks *against* never raises it. "Leans" is
fixed by hand as well, for the lines that are to hold wherever a log comes from
([decision 25](../decisions/0025-which-way-a-measure-leans.md)). What the model makes of both stands in
`score_parts` of each run, in bits. Formulas: [the method](../explanation/method.md)."""
    rows = [
        (code(m.name), m.family, cell(m.unit), SPEAKS[m.sign], LEANS[LEANINGS.get(m.name, 0)], cell(sentence(m.says)))
        for m in MEASURES
    ]
    of_the_run = (WHOLE, ELSEWHERE, OVERLAP, BEYOND, UPHELD)
    further = [(code(m.name), cell(m.unit), cell(sentence(m.says))) for m in of_the_run]
    after = """## Parts that are no measures

`score_parts` holds five more. The first three come from the other groups that the search found in the same run; two of
them have a value, the third is many comparisons in one and has none, so no usual value stands beside it. The last two
say how far the trees are believed in this run."""
    return (
        f"{head}\n\n{table(('measure', 'family', 'unit', 'speaks', 'leans', 'meaning'), rows)}\n\n{after}\n\n"
        f"{table(('part', 'unit', 'meaning'), further)}"
    )


def python() -> str:
    """What a notebook can call."""
    import pipeline.api as api

    head = """# In a notebook

```python
import pipeline

run = pipeline.load_run("output/latest")
run.rings                             # a DataFrame; so are run.members, run.evidence ...
print(run["R-1A2B3C"].explain())
run["R-1A2B3C"].plot("volume")
```"""
    names = [n for n, v in vars(api).items() if getattr(v, "__module__", "") == api.__name__ and not n.startswith("_")]
    return "\n\n".join([head, *(_thing(api, n) for n in names)])


def _thing(module: ModuleType, name: str) -> str:
    thing = getattr(module, name)
    text = f"## {name}\n\n{inspect.getdoc(thing)}"
    if not inspect.isclass(thing):
        return f"{text}\n\n```python\n{name}{_signature(thing)}\n```"
    rows = []
    for inner, value in vars(thing).items():
        said = value.fget if isinstance(value, property) else value
        if inner.startswith("_") or not callable(said):
            continue
        shown = inner if isinstance(value, property) else f"{inner}{_signature(said)}"
        rows.append((code(shown), cell(sentence((inspect.getdoc(said) or "").split("\n\n")[0]))))
    return f"{text}\n\n{table(('name', 'meaning'), rows)}"


def _signature(thing: Callable[..., object]) -> str:
    """How it is called, without `self` and without quotes around types."""
    signature = inspect.signature(thing)
    kept = [p for p in signature.parameters.values() if p.name != "self"]
    return re.sub(r"(?<=[:>] )'([^']*)'", r"\1", str(signature.replace(parameters=kept)))


# the drawing ---------------------------------------------------------------------------------------------------------

WIDE, HIGH, GAP, TOP = 190, 52, 26, 70


def drawing() -> str:
    """The line as a picture: a box a stage, from top to bottom; left what enters, right what a finished run keeps."""
    outputs = {t.name for t in OUTPUTS}
    assert {t for s in STAGES for t in s.writes} == set(TABLES)
    middle, parts = 380, []
    for i, stage in enumerate(STAGES):
        y = TOP + i * (HIGH + GAP)
        if i:
            parts.append(f'<path d="M{middle + WIDE / 2:g} {y - GAP} V{y - 4}" class="a" marker-end="url(#h)"/>')
        parts.append(f'<rect x="{middle}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6" class="s"/>')
        parts.append(_words(middle + WIDE / 2, y + 22, stage.name, "n"))
        parts.append(_words(middle + WIDE / 2, y + 39, _counted(stage, outputs), "m"))
        entering = [("input", t) for t in stage.inputs if not t.startswith("prompt")]
        entering = [("input", "all input tables")] if len(entering) > 3 else entering
        entering += [("input", "prompts, read again")] if "prompts" in stage.inputs else []
        entering += [("previous run", ", ".join(stage.previous))] if stage.previous else []
        entering += [("decisions", "before the window's end")] if "clean_decisions" in stage.reads else []
        for row, (kind, what) in enumerate(entering):
            at = y + HIGH / 2 + (row - (len(entering) - 1) / 2) * 20
            style = "a" if kind == "input" else "p"
            parts.append(f'<path d="M{middle - 34} {at:g} H{middle - 4}" class="{style}" marker-end="url(#h)"/>')
            parts.append(_words(middle - 40, at + 4, f"{kind}: {what}" if kind != "input" else what, "t", "end"))
        for row, line in enumerate(_folded([t for t in stage.writes if t in outputs])):
            if row == 0:
                x = middle + WIDE
                parts.append(f'<path d="M{x} {y + HIGH / 2:g} H{x + 26}" class="a" marker-end="url(#h)"/>')
            parts.append(_words(middle + WIDE + 36, y + HIGH / 2 + 4 + row * 15, line, "t", "start"))
    high = TOP + len(STAGES) * (HIGH + GAP)
    heads = _words(middle - 40, 34, "enters", "h", "end") + _words(middle + WIDE + 36, 34, "stays", "h", "start")
    heads += _words(middle + WIDE / 2, 34, "stage", "h")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 {high}" role="img" '
        'aria-label="The stages of the line, what enters each and what stays in the finished run">'
        "<style>text{font:12px sans-serif;fill:#1b2430}.n{font-weight:600;font-size:14px}"
        ".m{fill:#4b5664;font-size:11px}.h{fill:#4b5664;font-size:12px}.s{fill:#eef2f6;stroke:#4b5664}.a{stroke:#4b5664;fill:none}"
        ".p{stroke:#4b5664;fill:none;stroke-dasharray:4 3}rect.b{fill:#fff}</style>"
        '<defs><marker id="h" markerWidth="7" markerHeight="7" refX="5" refY="3.5" orient="auto">'
        '<path d="M0 0 L7 3.5 L0 7 z" fill="#4b5664"/></marker></defs>'
        f'<rect class="b" width="940" height="{high}"/>{heads}\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _counted(stage: Stage, outputs: set[str]) -> str:
    inner = [t for t in stage.writes if t not in outputs]
    if not inner:
        return "writes the finished run"
    return inner[0] if len(inner) == 1 else f"{len(inner)} working tables"


def _folded(names: list[str], wide: int = 46) -> list[str]:
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= wide:
            lines[-1] += f", {name}"
        else:
            lines.append(name)
    return lines


def _words(x: float, y: float, text: str, style: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" class="{style}">{cell(text)}</text>'
