"""The house stands as it was drawn: imports flow one way, one writer a table, no circles, prompts stop at templates."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from pipeline.plan import BY_NAME, STAGES
from pipeline.schemas import INPUTS, OUTPUTS, TABLES
from pipeline.settings import SECTIONS
from tests.support.house import (
    GROUPS,
    HEAVY,
    ROOT,
    constants,
    files,
    floor,
    imports,
    module,
    room,
    top_imports,
    tree,
)
from tests.support.twins import twins

# imports -----------------------------------------------------------------------------------------------------------


def test_imports_flow_one_way() -> None:
    wrong = []
    for path in files("pipeline", "graphs"):
        name = module(path)
        for target, line in imports(path):
            if target.split(".")[0] not in ("pipeline", "graphs") or target == "pipeline":
                continue
            if floor(target) > floor(name):
                wrong.append(f"{name}:{line} (floor {floor(name)}) imports {target} (floor {floor(target)})")
    assert wrong == []


def test_the_import_contracts_are_kept() -> None:
    """Chains included: what a module imports by way of others counts as well."""
    words = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rooms_of_the_third_floor_do_not_know_each_other() -> None:
    wrong = []
    for path in files("pipeline"):
        name = module(path)
        for target, line in imports(path):
            other = room(target) if target.startswith("pipeline.") else ""
            if (room(name), other) == ("validate", "stages") and ".intake" in target:
                continue  # validate is the checks of intake without a run
            if room(name) in GROUPS and other in GROUPS and other != room(name):
                wrong.append(f"{name}:{line} imports {target}")
    assert wrong == []


def test_no_stage_imports_another() -> None:
    wrong = []
    for path in files("pipeline/stages"):
        mine = path.relative_to(ROOT / "pipeline/stages").parts[0].removesuffix(".py")
        for target, line in imports(path):
            parts = target.split(".")
            if parts[:2] == ["pipeline", "stages"] and len(parts) > 2 and parts[2] in BY_NAME and parts[2] != mine:
                wrong.append(f"{module(path)}:{line} imports {target}")
    assert wrong == []


def test_stages_have_no_door_of_their_own() -> None:
    for path in files("pipeline/stages"):
        for target, line in imports(path):
            if target.startswith("pipeline."):
                assert floor(target) < 2 or room(target) == "stages", f"{path}:{line} imports {target}"


def test_review_and_exports_know_no_mathematics_and_no_stage() -> None:
    for path in files("pipeline/review", "pipeline/exports"):
        for target, line in imports(path):
            assert target.split(".")[0] != "graphs" and not target.startswith("pipeline.stages"), f"{path}:{line}"


def test_what_holds_does_not_know_each_other() -> None:
    pairs = {(room(module(p)), room(t)) for p in files("pipeline") for t, _ in imports(p) if t.startswith("pipeline.")}
    assert ("storage", "decisions") not in pairs and ("decisions", "storage") not in pairs


def test_graphs_is_free_of_files_dask_and_this_house() -> None:
    banned = {"dask", "distributed", "pyarrow", "pandas", "duckdb", "fsspec", "pathlib", "os", "io", "time", "datetime"}
    for path in files("graphs"):
        for target, line in imports(path):
            assert target.split(".")[0] not in banned | {"pipeline"}, f"{path}:{line} imports {target}"


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_library_lives_in_its_rooms(library: str) -> None:
    for path in files():
        for target, line in imports(path):
            # a command may name a type of its room's library; it imports nothing of it
            named_only = module(path).startswith("pipeline.commands.") and library not in top_imports(path)
            if target.split(".")[0] == library and not named_only:
                assert module(path).startswith(HEAVY[library]), f"{path}:{line} imports {library}"


def test_there_is_no_circle_of_imports() -> None:
    known = {module(p): p for p in files("pipeline", "graphs")}
    needs = {name: {t for t in _at_top(path) if t in known and t != name} for name, path in known.items()}
    done: set[str] = set()
    while len(done) < len(needs):
        ready = {n for n, wants in needs.items() if n not in done and wants <= done}
        assert ready, f"a circle among {sorted(set(needs) - done)[:12]}"
        done |= ready


def _at_top(path: Path) -> set[str]:
    """House modules a file imports when it is itself imported."""
    body = [n for n in tree(path).body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test))]
    lines = {n.lineno for n in body if isinstance(n, (ast.Import, ast.ImportFrom))}
    found = {t for t, line in imports(path) if line in lines}
    # a package that a module lies in is no need of its own
    return {t for t in found if not module(path).startswith(t + ".")}


def test_pictures_have_no_hidden_state() -> None:
    for path in files():
        assert all("pyplot" not in target for target, _ in imports(path)), path


def test_tables_are_carried_out_in_one_place() -> None:
    for path in files("pipeline"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "compute":
                assert room(module(path)) == "storage", f"{path}:{node.lineno} calls .compute()"


@pytest.mark.parametrize(
    ("name", "heavy"),
    [
        ("pipeline.plan", "pandas numpy dask igraph pyarrow duckdb"),
        ("pipeline.cli", "pandas numpy dask igraph pyarrow duckdb rich"),
        ("pipeline", "pandas numpy dask igraph pyarrow duckdb"),
        ("pipeline.settings_reader", "pandas numpy dask igraph pyarrow"),
        ("graphs", "pandas dask pyarrow igraph leidenalg matplotlib networkx"),
    ],
)
def test_some_imports_stay_light(name: str, heavy: str) -> None:
    code = f"import sys, {name}; sys.exit(' '.join(sorted({{*{heavy.split()!r}}} & set(sys.modules))) or 0)"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert done.returncode == 0, f"{name} imports {done.stderr}"


# the plan ----------------------------------------------------------------------------------------------------------


def test_every_table_has_one_writer_and_a_schema() -> None:
    writers = Counter(t for s in STAGES for t in s.writes)
    assert [t for t, n in writers.items() if n != 1] == []
    assert set(writers) == set(TABLES)


def test_the_plan_has_no_circle() -> None:
    seen: set[str] = set()
    for stage in STAGES:
        assert set(stage.reads) <= seen, f"{stage.name} reads {set(stage.reads) - seen} too early"
        seen |= set(stage.writes)
    outputs = {t.name for t in OUTPUTS}
    assert {t for s in STAGES for t in s.previous} <= outputs


def test_every_working_table_is_read() -> None:
    read = {t for s in STAGES for t in s.reads}
    unread = {t for t in TABLES if t not in read and t not in {o.name for o in OUTPUTS}}
    assert {t for t in unread if not t.startswith("rejected_")} <= {"community_runs"}


def test_stages_ask_for_what_the_plan_declares() -> None:
    import importlib
    import inspect

    always = {"settings", "bench", "shelf", "period", "run_id"}
    for stage in STAGES:
        make = importlib.import_module(f"pipeline.stages.{stage.name}").make
        parameters = inspect.signature(make).parameters
        extra = {n for n, p in parameters.items() if p.default is not inspect.Parameter.empty}
        asked = set(parameters) - always - extra
        declared = {*stage.reads, *(f"previous_{t}" for t in stage.previous)}
        declared |= {"inputs"} if "events" in stage.inputs else set()
        declared |= {"prompts"} if "prompts" in stage.inputs else set()
        assert asked <= declared, f"{stage.name} asks for {asked - declared}"
        assert declared <= asked | extra | {"inputs"}, f"{stage.name} declares {declared - asked} and does not read it"


def test_stages_use_what_they_ask_for() -> None:
    """A table that is read and not used costs time, and tells a tale of what a stage rests on that is not true."""
    for path in files("pipeline/stages"):
        for node in tree(path).body:
            if isinstance(node, ast.FunctionDef) and node.name == "make":
                used = {inner.id for part in node.body for inner in ast.walk(part) if isinstance(inner, ast.Name)}
                asked = {a.arg for a in (*node.args.args, *node.args.kwonlyargs)}
                assert asked <= used, f"{path} asks for {asked - used}"


def test_stages_touch_only_the_settings_they_declare() -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for path in files("pipeline/stages"):
        stage = path.relative_to(ROOT / "pipeline/stages").parts[0].removesuffix(".py")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "settings":
                used[stage].add(node.attr)
    for stage, names in used.items():
        if stage in BY_NAME:
            sections = names & {*SECTIONS, "link_types"}
            assert sections <= set(BY_NAME[stage].settings), f"{stage} uses {sections - set(BY_NAME[stage].settings)}"


# prompts and words -------------------------------------------------------------------------------------------------


def test_prompts_stop_at_the_templates_stage() -> None:
    assert [t.name for t in (*INPUTS.values(), *TABLES.values()) if "prompt" in t.names] == ["events"]
    for path in files("pipeline"):
        where = module(path)
        allowed = ("pipeline.stages.intake", "pipeline.stages.templates", "pipeline.text", "pipeline.worlds")
        named = [line for text, line in constants(path) if text == "prompt"]
        if not where.startswith(allowed):
            assert not named or where in READERS_OF_THE_NAME, f"{path}:{named}"


# these say the name of the column, and see no prompt
READERS_OF_THE_NAME = {
    "pipeline.schemas.inputs", "pipeline.schemas.working", "pipeline.storage.prompts", "pipeline.run.walk",
    "pipeline.settings_reader", "pipeline.validate", "pipeline.commands.validate",
}  # fmt: skip


# the same words with another meaning
OTHER_WORDS = {
    "pipeline.stages._entity_classes": ("payment",),  # a family
    "pipeline.stages.attribution.ledger": ("ip", "payment", "template"),  # what indicators may point at
}


def test_link_types_are_an_open_list() -> None:
    """The built-in names stand in one file; stages after the door go by the list."""
    wrong = []
    for path in files("pipeline/stages"):
        if "intake" in path.parts:
            continue
        named = [(text, line) for text, line in constants(path) if text in ("ip", "payment", "template")]
        named = [(text, line) for text, line in named if text not in OTHER_WORDS.get(module(path), ())]
        wrong += [f"{module(path)}:{line} {text}" for text, line in named]
    assert wrong == []


# files -------------------------------------------------------------------------------------------------------------


def test_no_file_is_long() -> None:
    long = {str(p.relative_to(ROOT)): n for p in files("pipeline", "graphs", "dags", "tests")
            if (n := len(p.read_text().splitlines())) > 500}  # fmt: skip
    assert long == {}


def test_no_ten_lines_stand_twice() -> None:
    found = twins(files("pipeline", "graphs", "dags", "tests"))
    assert [f"{a.relative_to(ROOT)}:{i} and {b.relative_to(ROOT)}:{j}, {n} lines" for n, a, i, b, j in found] == []


def test_code_that_stands_twice_is_seen(tmp_path: Path) -> None:
    """However it is broken into lines, and not where only signatures, imports or words are the same."""
    body = "".join(f"    total += table[{i}] * weight[{i}]\n" for i in range(10)) + "    return total\n"
    (tmp_path / "one.py").write_text(f"import os\n\n\ndef one(table, weight):\n    total = 0\n{body}")
    folded = body.replace("table[3] *", "table[\n        3,\n    ] *").replace("3,\n", "3\n")
    (tmp_path / "two.py").write_text(f"def two(table, weight):\n    # another word\n    total = 0\n{folded}")
    (tmp_path / "other.py").write_text(body.replace("total", "sum_").replace("    ", ""))
    found = twins(sorted(tmp_path.glob("*.py")))
    assert [(a.name, b.name) for _, a, _, b, _ in found] == [("one.py", "two.py")]


def test_the_tree_shows_the_pipeline_and_nothing_else() -> None:
    """What a command leaves in the checkout by mistake does not stay unseen."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tops = {name.split("/")[0] for name in listed.split("\0") if name}
    rooms = {"pipeline", "graphs", "tests", "dags", "output", "docs"}
    files_at_top = {"pyproject.toml", "README.md", "Makefile", "mkdocs.yml"}
    others = tops - rooms - files_at_top
    assert [name for name in sorted(others) if not name.startswith(".") and not name.endswith(".lock")] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    places = re.compile("|".join(("/wo" r"rk/(main|shared|\.)", "/ro" "ot/", "py" r"pi\.org", "python" "hosted", "registry" r"\.npmjs", "files" r"\.python")))  # noqa: E501
    wrong = []
    for name in listed:
        path = ROOT / name
        if path.suffix in (".png", ".parquet", ".pdf", ".gz") or not path.is_file() or path == Path(__file__):
            continue
        wrong += [f"{name}: {found.group()}" for found in [places.search(path.read_text(errors="replace"))] if found]
    assert wrong == []


def test_tests_stay_out_of_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["pipeline", "graphs"]
    assert project["project"]["license"] == "GPL-3.0-or-later"


def test_every_public_function_says_what_it_does() -> None:
    silent = []
    for path in files("pipeline", "graphs"):
        if ast.get_docstring(tree(path)) is None and path.read_text().strip():
            silent.append(str(path.relative_to(ROOT)))
        for node in tree(path).body if "migrations" not in path.parts else ():
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if public and ast.get_docstring(node) is None:
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


def test_the_core_imports_without_the_extras() -> None:
    """Modules on the way of `run` import no package of an extra when they are imported (exports do without)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[><=\[ ]", d)[0] for d in project["dependencies"]}
    extras = {re.split(r"[><=\[ ]", d)[0] for v in project["optional-dependencies"].values() for d in v} - core
    names = {"python-multipart": "multipart", "psycopg": "psycopg"}
    banned = {names.get(e, e).replace("-", "_") for e in extras}
    rest = [p for p in files("pipeline", "graphs") if room(module(p)) not in ("review", "exports")]
    on_demand = {module(p) for p in rest if top_imports(p) & banned}
    assert all(name.startswith("pipeline.text.compiled") for name in on_demand), on_demand
    for path in rest:
        assert not _at_top(path) & on_demand, f"{path} imports {on_demand} when it is imported itself"
