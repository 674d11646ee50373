"""Figures under docs/benchmarks were made with the settings and the model that ship."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.settings import ScoresSettings, Settings
from tests.benchmarks.digest import digest_of, front_matter, read_front_matter, stale_pages


def test_no_page_of_figures_is_stale() -> None:
    assert stale_pages() == [], "make these anew (make bench), or say in their text what they were made with"


def test_a_page_goes_stale_with_what_it_depends_on(tmp_path: Path) -> None:
    (tmp_path / "fresh.md").write_text(front_matter("settings", "model") + "\n# Figures\n")
    (tmp_path / "plain.md").write_text("# No digest\n")
    assert stale_pages(tmp_path) == []
    (tmp_path / "old.md").write_text("---\ndepends: model\ndigest: 0000000000000000\n---\n# Figures\n")
    assert stale_pages(tmp_path) == ["old.md (depends on model)"]


def test_the_digest_follows_only_what_is_named() -> None:
    other = replace(Settings(), scores=ScoresSettings(threshold=0.61))
    assert digest_of(["settings"]) != digest_of(["settings"], other)
    assert digest_of(["scores"]) != digest_of(["scores"], other)
    assert digest_of(["templates", "link_types"]) == digest_of(["templates", "link_types"], other)
    assert digest_of(["model", "settings"]) == digest_of(["settings", "model"])
    with pytest.raises(ValueError, match="weather"):
        digest_of(["weather"])


def test_front_matter_is_read_as_it_was_written() -> None:
    front = read_front_matter(front_matter("templates") + "text\n---\nnot: front\n")
    assert front["depends"] == "templates" and front["digest"] == digest_of(["templates"])
    assert set(front) == {"made", "commit", "depends", "digest"}
    assert read_front_matter("# Page\n\n---\n") == {}
