"""The briefing: every number found in the tables, the same bytes twice, readable by everybody, harmless."""

from __future__ import annotations

import builtins
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from pipeline.cli import main
from pipeline.exports import briefing, make_all
from pipeline.exports.briefing import html, typeset
from pipeline.exports.briefing.changes import compared, earlier_of, stopped
from pipeline.exports.briefing.model import Document, Heading, Para, Picture, Table
from pipeline.exports.figures import FORMS
from pipeline.exports.linter import faults
from pipeline.exports.pseudonyms import Pseudonyms
from pipeline.exports.redaction import Redacted
from pipeline.exports.tables import DESCRIBED, RunTables, empty
from pipeline.exports.trace import plain
from pipeline.schemas import OUTPUTS, arrow_schema
from pipeline.settings import Settings
from tests.pipeline.exports.conftest import FEW, tables_of
from tests.pipeline.exports.resolve import value_of
from tests.support.finished_run import write_run


@pytest.fixture(scope="module")
def document(tables: RunTables) -> Document:
    """The briefing of the run for inside use."""
    return briefing.build(tables)


def test_every_number_is_found_in_the_tables(run: Path, document: Document) -> None:
    found = document.numbers()
    assert len(found) > 80
    for number in found:
        truth = value_of(run, number.source)
        if isinstance(truth, str):
            assert str(pd.Timestamp(number.exact).date()) == truth, number
        else:
            assert float(number.exact) == pytest.approx(truth, abs=1e-9), number


def test_shown_numbers_agree_with_their_exact_values(document: Document) -> None:
    """What is read is the exact value, rounded as the house rounds."""
    for number in document.numbers():
        shown = number.shown.replace(",", "").replace("−", "-")
        if re.search(r"(%| points?)$", shown):
            assert float(re.sub(r"%| points?", "", shown)) == pytest.approx(100 * float(number.exact), abs=0.51)
        elif shown.endswith(" million"):
            assert float(shown.split()[0]) == pytest.approx(float(number.exact) / 1e6, abs=0.05)
        elif re.fullmatch(r"[+-]?\d+(\.\d+)?", shown):
            assert float(shown) == pytest.approx(float(number.exact), rel=0.01, abs=0.06)
        else:
            ends = r"(below 0\.01|above 0\.99|below 1%|above 99%|\d{1,2} [A-Z][a-z]{2} \d{4})$"
            assert re.match(ends, number.shown), number


def test_numbers_in_the_text_of_the_pdf_are_those_of_the_tables(made: Path) -> None:
    text = " ".join(page.extract_text() for page in PdfReader(made / "briefing.pdf").pages)
    rings = tables_of(made).table("rings")
    flagged = rings[rings["flagged"]]
    assert f"{len(flagged)} flagged rings made {int(flagged['n_events'].sum()):,} requests" in text
    for _, ring in flagged.sort_values("score_bits", ascending=False).head(2).iterrows():
        assert f"{int(ring['size']):,} accounts" in text


def test_a_sentence_that_leads_a_table_stands_on_its_page(document: Document, tmp_path: Path) -> None:
    """Wherever the page ends: it is tried line by line."""
    table = Table("Rivals", ("name", "chance"), (("Alder", "0.20"), ("nobody", "0.80")))
    for lines in range(28, 44):
        filler = tuple(Para(f"line {n}", free=True) for n in range(lines))
        blocks = (Heading(1, "Operation"), *filler, Heading(2, "What else"), Para("It is unlikely.", leads=True), table)
        place = tmp_path / f"{lines}.pdf"
        place.write_bytes(typeset.pdf(replace(document, blocks=blocks, logo=None), {}))
        pages = [p.extract_text() for p in PdfReader(place).pages]
        (only,) = [p for p in pages if "It is unlikely." in p]
        assert "What else" in only and "Rivals" in only


def test_generated_briefings_pass_the_linter(document: Document) -> None:
    assert faults(document) == []


def test_every_hypothesis_on_a_named_operator_stands_with_its_likelihood(run: Path, document: Document) -> None:
    told = [b for b in document.blocks if isinstance(b, Table) and b.title.startswith("Who operates")]
    rings = tables_of(run).table("rings")
    named = rings[rings["flagged"] & rings["operator"].notna()]
    attribution = tables_of(run).table("attribution")
    assert len(told) == min(len(named), 12) > 0
    for table in told:
        ring_id = table.title.split()[2].rstrip(":")
        mine = attribution[attribution["ring_id"] == ring_id]
        assert len(table.rows) == len(mine)
        held = named.set_index("ring_id").loc[ring_id, "operator"]
        others = set(mine["operator"]) - {held}
        assert not {row[0] for row in table.rows} & others, "no other name is printed"


def test_no_section_is_too_long(document: Document) -> None:
    words = [len(plain(b.text).split()) for b in document.blocks if isinstance(b, Para)]
    assert max(words) <= 120
    assert {b.sheet.form for b in document.blocks if isinstance(b, Picture)} >= set(FORMS) - {
        "evasion",
        "replacement",
        "synchrony_few",
    }


def test_all_files_are_there(made: Path) -> None:
    for name in ("briefing.pdf", "briefing.html", "stix.json", "graph.gexf"):
        assert (made / name).stat().st_size > 2000
    names = {p.stem for p in (made / "figures").iterdir()}
    for stem in names:
        assert {p.suffix for p in (made / "figures").glob(f"{stem}.*")} == {".svg", ".png", ".csv", ".txt"}


def test_same_bytes_twice(made: Path, tmp_path: Path) -> None:
    again = write_run(tmp_path, rings=6, hostile=True)
    make_all(again, FEW, json.loads((again / "manifest.json").read_text()))
    first = {p.relative_to(made): p.read_bytes() for p in made.rglob("*") if p.is_file()}
    second = {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()}
    assert first == second


def test_pdf_is_tagged_and_complete(made: Path) -> None:
    reader = PdfReader(made / "briefing.pdf")
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata is not None and reader.metadata.title
    assert not reader.metadata.creation_date
    alts = alt_texts(root["/StructTreeRoot"])
    assert len(alts) >= 8
    assert all(len(alt.split()) >= 6 for alt in alts)
    for page in reader.pages:
        for font in (page["/Resources"].get("/Font") or {}).values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            assert "/FontFile2" in inner or "/FontFile3" in inner
        images = (page["/Resources"].get("/XObject") or {}).values()
        assert not any(i.get_object()["/Subtype"] == "/Image" for i in images)  # no raster where a vector can be


def alt_texts(node: Any, found: list[str] | None = None) -> list[str]:
    """Alternative texts of a structure tree."""
    found = [] if found is None else found
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for one in node:
            alt_texts(one, found)
    elif isinstance(node, dict):
        if "/Alt" in node:
            found.append(str(node["/Alt"]))
        if "/K" in node:
            alt_texts(node["/K"], found)
    return found


def test_page_needs_nothing_and_runs_nothing(made: Path) -> None:
    page = (made / "briefing.html").read_text()
    assert "<script" not in page
    assert not re.search(r"(?:src|href|srcset)=\"(?!data:)", page)
    assert "onerror=window" not in re.sub(r"&[a-z#0-9]+;", "", page) or "&lt;img" in page
    assert page.count("<img alt=") == page.count("<source media=") > 5
    assert re.search(r"<data value=\"[^\"]+\" title=\"[^\"]+\">", page)


@pytest.mark.parametrize("rings", [0, 1])
def test_runs_with_nothing_to_tell(tmp_path: Path, rings: int) -> None:
    run = empty_run(tmp_path) if rings == 0 else write_run(tmp_path, rings=1)
    make_all(run, FEW, json.loads((run / "manifest.json").read_text()))
    text = " ".join(page.extract_text() for page in PdfReader(run / "briefing.pdf").pages)
    assert ("No coordinated operation was flagged" in text) == (rings == 0)
    assert (run / "stix.json").exists() and (run / "graph.gexf").exists() and (run / "briefing.html").exists()


def empty_run(folder: Path) -> Path:
    """A run without a single ring."""
    import pyarrow.parquet as pq

    for table in OUTPUTS:
        pq.write_table(arrow_schema(table).empty_table(), folder / f"{table.name}.parquet")
    manifest = {
        "run_id": "2026-06-06-00000000",
        "since": "2026-04-22T00:00:00+00:00",
        "until": "2026-06-06T00:00:00+00:00",
        "version": "0",
        "stages": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_without_the_extra_there_is_still_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in ("typst", "stix2") or name == "pipeline.exports.stix":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    run = empty_run(tmp_path)
    monkeypatch.setattr(builtins, "__import__", lacking)
    make_all(run, Settings(), json.loads((run / "manifest.json").read_text()))
    assert (run / "briefing.html").exists() and (run / "graph.gexf").exists()
    assert not (run / "briefing.pdf").exists() and not (run / "stix.json").exists()
    assert "briefing.pdf was not made" in (run / "figures" / "README.txt").read_text()


def test_strangers_text_is_no_markup(document: Document) -> None:
    wild = '#set page(width: 0pt) "] <b>&\\n $x$'
    text = typeset.literal(wild)
    assert text.startswith('"') and text.endswith('"') and '\\"]' in text
    assert "<b>" not in html.text(wild)


def test_two_windows_are_compared(tmp_path: Path) -> None:
    before, now = (tables_of(write_run(tmp_path, rings=6, grown=g)) for g in (False, True))
    words = compared(before, now, now)
    assert set(words.values()) <= {"new", "grew", "shrank", "continued", "came back"}
    assert words["R-0001"] in ("grew", "continued")
    assert "new" in words.values()
    assert stopped(now, before, before) == ("R-0007",) or stopped(now, before, before) == ()
    earlier = replace(earlier_of(before, now, now), gone=("R-0009",))
    document = briefing.build(now, briefing.Wish(compared=earlier, most=0))
    assert faults(document) == []
    text = " ".join(plain(t) for t, _ in document.texts())
    assert "Flagged in the earlier window and not reported in this one: R-0009." in text
    table = next(b for b in document.blocks if isinstance(b, Table) and b.title.startswith("Flagged rings of both"))
    assert before.manifest["run_id"] in table.title
    old = before.table("rings").set_index("ring_id")["size"]
    for ring_id, then, *_, became in table.rows:
        assert plain(then) == (f"{old[ring_id]:,}" if ring_id in old.index else "-")
        assert became == ("stopped" if ring_id == "R-0009" else words[ring_id])


def test_two_windows_tell_a_partner_no_difference_of_counts(tmp_path: Path) -> None:
    before, now = (tables_of(write_run(tmp_path, rings=6, grown=g)) for g in (False, True))
    shown = Redacted(now, "partner", Pseudonyms(b"k" * 32, "partner:one"), 5, frozenset())
    earlier = earlier_of(before, now, shown)
    assert earlier.then == {} and earlier.words
    document = briefing.build(shown, briefing.Wish(compared=earlier, most=0))
    assert faults(document) == []
    assert not any(isinstance(b, Table) and b.title.startswith("Flagged rings of both") for b in document.blocks)


def test_calibration_from_an_evaluation(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bins = [
        {"said": s, "held": h, "n": n} for s, h, n in ((0.1, 0.1, 20), (0.5, 0.5, 4), (0.6, 0.5, 6), (0.9, 0.95, 20))
    ]
    for name, run_id in (("right", run.name), ("wrong", "2020-01-01-00000000")):
        figures = {"run_id": run_id, "kind": "decisions", "calibration": {"bins": bins}}
        (tmp_path / name).write_text(json.dumps(figures))
    words = ["brief", str(run), "--ring", "R-0006"]
    assert main([*words, "--to", str(tmp_path / "a"), "--evaluation", str(tmp_path / "wrong")]) == 2
    assert "another run" in capsys.readouterr().err
    assert main([*words, "--to", str(tmp_path / "b"), "--evaluation", str(tmp_path / "right")]) == 0
    marks = pd.read_csv(tmp_path / "b" / "figures" / "f6-scores.csv")
    curve = marks[marks["panel"] == "calibration"]
    assert curve["n"].tolist() == [20, 10, 20]
    assert curve["n_held"].sum() == 2 + 5 + 19
    assert "judged by decisions" in (tmp_path / "b" / "figures" / "f6-scores.txt").read_text()


def test_days_of_approved_lists_stand_in_came_and_went(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(run, tmp_path / run.name))
    members = pq.read_table(run / "members.parquet").to_pandas()
    own = members.index[members["ring_id"] == "R-0001"]
    members.loc[own[::2], "first_seen"] = pd.Timestamp("2026-05-20", tz="UTC")  # half of them came after the others
    place = run / "members.parquet"
    pq.write_table(pa.Table.from_pandas(members, schema=pq.read_schema(place)), place)
    approved = tmp_path / "lists.csv"
    inside, outside = "2026-05-03T09:41:00+00:00", "2027-01-01T00:00:00+00:00"
    approved.write_text(
        "list_id,approved_at,ring_id,n_accounts,action\n"
        f"L-1,{inside},R-0001,40,suspend\nL-2,{inside},R-0001,2,close\nL-3,{outside},R-0001,7,close\n"
    )
    words = ["brief", str(run), "--ring", "R-0001"]
    assert main([*words, "--to", str(tmp_path / "out"), "--lists", str(approved)]) == 0
    marks = pd.read_csv(tmp_path / "out" / "figures" / "f8-came-and-went-R-0001.csv").fillna("")
    said = marks.set_index("day")["list_approved"]
    assert said["2026-05-03"] == "2 lists of 42 accounts approved" and (said != "").sum() == 1
    words_of = (tmp_path / "out" / "figures" / "f8-came-and-went-R-0001.txt").read_text()
    assert "3 May 2026: 2 lists of 42 accounts approved." in words_of
    approved.write_text("list_id,when\nL-1,today\n")
    assert main([*words, "--to", str(tmp_path / "no"), "--lists", str(approved)]) == 2
    assert "--export-lists" in capsys.readouterr().err


def test_brief_with_slides_title_logo_and_ring(run: Path, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'
    )
    target = tmp_path / "out"
    words = ["--title", "Summer review", "--logo", str(logo), "--ring", "R-0005", "--slides"]
    assert main(["brief", str(run), "--to", str(target), *words]) == 0
    reader = PdfReader(target / "briefing.pdf")
    assert reader.metadata is not None and reader.metadata.title == "Summer review"
    text = " ".join(page.extract_text() for page in reader.pages)
    assert "R-0005" in text and "R-0001: 453 accounts, very" not in text
    assert (target / "slides" / "f1-ring-R-0005.svg").exists()
    numbers = pd.read_csv(target / "numbers.csv")
    assert len(numbers) > 20 and set(numbers.columns) == {"number", "exact", "from"}


def test_a_title_that_claims_too_much_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["brief", str(run), "--to", str(tmp_path / "out"), "--title", "A massive attack by 400 criminals"]) == 1
    assert "rules of wording" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_empty_tables_have_the_columns_of_the_contract() -> None:
    for name, table in DESCRIBED.items():
        assert set(empty(name).columns) == {c.name for c in table.columns if c.type != "dynamic"}
