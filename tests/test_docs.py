"""The documentation is whole, fresh and true: links lead somewhere, commands and settings shown are accepted."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.cli import COMMANDS, build_parser, command
from pipeline.link_types import LinkType
from pipeline.measures.catalogue import MEASURES
from pipeline.plan import STAGES
from pipeline.schemas import INPUTS, TABLES
from pipeline.settings import Settings
from pipeline.settings_reader import settings_from
from tests.support import reference
from tests.support.house import files
from tests.support.reference_commands import arguments, known
from tests.support.reference_settings import KEYS_OF_A_LINK_TYPE, VARIABLES

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(p for p in (ROOT / "docs").rglob("*.md"))
WRITTEN = [p for p in PAGES if p.relative_to(ROOT).as_posix() not in reference.PAGES]
README = ROOT / "README.md"


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# the reference -------------------------------------------------------------------------------------------------------


def test_the_reference_is_fresh() -> None:
    assert reference.stale() == [], "run `make docs`"


def test_no_page_of_the_reference_is_left_over() -> None:
    here = {_name(p) for p in (ROOT / "docs/reference").iterdir()}
    assert here == {p for p in reference.PAGES if p.startswith("docs/reference/")}


@pytest.mark.parametrize("described", [*INPUTS.values(), *TABLES.values()], ids=lambda t: t.name)
def test_every_table_says_what_it_holds(described) -> None:  # type: ignore[no-untyped-def]
    assert len(described.grain) >= 8
    assert [c.name for c in described.columns if len(c.meaning) < 3] == []
    page = reference.made()[f"docs/reference/{_page_of(described.name)}.md"]
    assert f"\n## {described.name}\n" in page


def _page_of(table: str) -> str:
    if table in INPUTS:
        return "input"
    return "working" if f"\n## {table}\n" in reference.made()["docs/reference/working.md"] else "output"


def test_every_setting_says_what_it_does() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text()
    for section in fields(Settings):
        if section.name == "link_types":
            continue
        assert f"\n## {section.name}\n" in page
        for key in fields(section.default_factory):  # type: ignore[arg-type]
            assert len(key.metadata["help"]) >= 15 and key.metadata["help"].endswith("."), key.name
            assert f"| `{key.name}` |" in page
    assert set(KEYS_OF_A_LINK_TYPE) == {f.name for f in fields(LinkType)} - {"name"}


@pytest.mark.parametrize("name", known())
def test_every_command_says_what_it_does(name: str) -> None:
    module = command(name)
    assert module is not None
    assert len(module.HELP) >= 15 and module.EXAMPLE.startswith(f"ringtrace {name}")
    assert [a.dest for a in arguments(name) if not a.help and a.help != ""] == []
    assert f"\n## {name}\n" in (ROOT / "docs/reference/commands.md").read_text()
    build_parser(name).parse_args(shlex.split(module.EXAMPLE)[1:])


def test_every_stage_and_measure_stands_in_the_reference() -> None:
    pages = reference.made()
    assert all(s.says and f". {s.name}\n" in pages["docs/reference/stages.md"] for s in STAGES)
    assert all(m.says and f"| `{m.name}` |" in pages["docs/reference/measures.md"] for m in MEASURES)


def test_every_environment_variable_is_told() -> None:
    named = {name for p in files() for name in re.findall(r"RINGTRACE_[A-Z_]*[A-Z]", p.read_text())}
    assert named <= set(VARIABLES), named - set(VARIABLES)


# what people wrote ----------------------------------------------------------------------------------------------------


def _links(path: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.S)
    yield from re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "`code`", text))


def _anchors(path: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.M)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", h.lower()).strip()) for h in heads}


@pytest.mark.parametrize("page", [README, *PAGES], ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in _links(page):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        place = (page.parent / target).resolve() if target else page
        if not place.exists() or (anchor and anchor not in _anchors(place)):
            wrong.append(link)
    assert wrong == []


def test_paths_named_in_the_pages_exist() -> None:
    wrong = []
    for page in [README, *WRITTEN]:
        if "decisions" in page.parts:
            continue  # a record speaks of the day it was written
        for place in re.findall(r"`((?:pipeline|graphs|tests|docs|dags)/[\w./-]*\w/?)`", page.read_text()):
            if not (ROOT / place).exists():
                wrong.append(f"{_name(page)}: {place}")
    assert wrong == []


def _blocks(path: Path) -> Iterator[tuple[str, str]]:
    """Language and text of every block of code; an indented block has no language."""
    text = path.read_text()
    yield from re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.S | re.M)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    yield from (("", block) for block in re.findall(r"(?:^    .+\n)+", rest, flags=re.M))


def _commands(path: Path) -> Iterator[list[str]]:
    for language, block in _blocks(path):
        if language not in ("", "sh", "bash", "console"):
            continue
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            found = re.match(r"^\s*(?:\$ |[a-z]+=\$\()?(?:\.venv/bin/)?ringtrace (.*?)\)?$", line)
            if found and "[" not in line and "<" not in line:
                yield shlex.split(found.group(1).split(" | ")[0].split(" > ")[0], comments=True)


@pytest.mark.parametrize("page", [README, *WRITTEN], ids=_name)
def test_commands_shown_are_accepted(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for words in _commands(page):
        if not words or words[0] not in COMMANDS or "..." in words:
            wrong += [] if words and "..." in words else [" ".join(words)]
            continue
        try:
            build_parser(words[0]).parse_args(words)
        except SystemExit:
            wrong.append(f"{' '.join(words)}: {capsys.readouterr().err.splitlines()[-1]}")
    assert wrong == []


@pytest.mark.parametrize("page", [README, *WRITTEN], ids=_name)
def test_settings_and_code_shown_are_accepted(page: Path) -> None:
    for language, block in _blocks(page):
        if language == "toml":
            settings_from(tomllib.loads(block), shown=_name(page))
        elif language == "python":
            compile(block, _name(page), "exec")


def test_every_page_is_on_the_way() -> None:
    """From the first page every other can be reached by links."""
    seen, waiting = set(), [ROOT / "docs/index.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [(page.parent / link.partition("#")[0]).resolve() for link in _links(page) if ":" not in link]
        waiting += [t for t in targets if t.suffix == ".md" and t.exists() and (ROOT / "docs") in t.parents]
    assert sorted(_name(p) for p in PAGES if p not in seen) == []


@pytest.mark.parametrize("page", [README, *WRITTEN], ids=_name)
def test_a_page_has_one_title(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    assert text.lstrip().startswith("# ")
    assert len(re.findall(r"^# ", text, flags=re.M)) == 1


def test_the_site_builds(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/reference/settings/index.html").read_text()
    assert "report_floor" in page
    everything = "".join(p.read_text(errors="replace") for p in (tmp_path / "site").rglob("*.html"))
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(https?://[^"]+)"', everything)
    assert loaded == [], "a page loads something from elsewhere"
