"""Settings: every key has a default, help and a check; a file is accepted whole or refused by name."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.link_types import LinkType, link_types
from pipeline.settings import SECTIONS, Settings, default_of
from pipeline.settings_reader import read_settings, settings_from


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_defaults_without_a_file() -> None:
    assert read_settings(None) == Settings()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_has_help_and_a_default_it_accepts(section: str) -> None:
    inner = getattr(Settings(), section)
    for field in fields(inner):
        assert field.metadata["help"].endswith("."), field.name
        value = default_of(field)
        if not isinstance(value, dict):
            assert getattr(getattr(settings_from({section: {field.name: value}}), section), field.name) == value


@pytest.mark.parametrize("section", SECTIONS)
def test_every_bound_is_held(section: str) -> None:
    for field in fields(getattr(Settings(), section)):
        for bound, step in (("low", -1), ("high", 1)):
            if field.metadata[bound] is not None:
                with pytest.raises(SettingsError, match="out of bounds"):
                    settings_from({section: {field.name: type(default_of(field))(field.metadata[bound] + step)}})


def test_a_full_file(tmp_path: Path) -> None:
    made = read_settings(write(tmp_path, """
        [window]
        days = 30
        [communities]
        cpm_resolutions = [0.1, 1]
        [input.events.columns]
        ip = "client_address"
        device_id = "device"
        [link_types.device_id]
        table = "events"
        column = "device_id"
        family = "device"
        [link_types.email_domain]
        table = "accounts"
        column = "email_domain"
    """))  # fmt: skip
    assert made.window.days == 30 and made.communities.cpm_resolutions == (0.1, 1.0)
    assert made.input.columns == {"events": {"ip": "client_address", "device_id": "device"}}
    assert [t.name for t in link_types(made.link_types)] == ["ip", "payment", "template", "device_id", "email_domain"]
    assert made.link_types[1].family == "email_domain"
    assert settings_from(made.as_dict()) == made


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[run]\nsede = 3", "key run.sede: the key is unknown. Did you mean run.seed?"),
        ("[ruin]\nseed = 3", "Did you mean run?"),
        ('[run]\nseed = "x"', "Found text, expected a whole number from 0"),
        ("[run]\nseed = true", "Found true or false, expected a whole number"),
        ("[run]\nseed = 1.5", "Found a number, expected a whole number"),
        ("[run]\nmemory_gb = nan", "wrong kind"),
        ('[run]\nscheduler = "fast"', 'Found "fast", expected threads or processes or sync'),
        ("[exports]\nmake = 1", "expected true or false"),
        ("[communities]\ncpm_resolutions = 1", "expected a list of numbers"),
        ("[communities]\ncpm_resolutions = []", "expected a list of numbers"),
        ("window = 3", "this is no section"),
        ("[scores]\nreport_floor = 0.9", "rings would be flagged that are not reported"),
        ("[input.event.columns]\nip = 'x'", "Did you mean input.events?"),
        ("[input.events.columns]\nipp = 'x'", "Did you mean input.events.columns.ip?"),
        ("[input.events.columns]\nip = 'x'\nmodel = 'x'", "is named for ip too"),
        ("[input.events.columns]\nip = 3", "this is no column name"),
        ("[link_types.ip]\ntable = 'events'\ncolumn = 'x'", "a built-in link type has this name"),
        ("[link_types.UP]\ntable = 'events'\ncolumn = 'x'", "the name is not allowed"),
        ("[link_types.a]\ntable = 'events'", "the key column is missing"),
        ("[link_types.a]\ntable = 'decisions'\ncolumn = 'x'", "expected events or payments or accounts"),
        ("[link_types.a]\ntable = 'events'\ncolumn = 'prompt'", "this column cannot tie accounts"),
        ("[link_types.a]\ntable = 'events'\ncolumn = 'ip'", "the link type ip is read from this column already"),
        ("[link_types.a]\ntable = 'events'\ncolumn = 'x'\ncolour = 3", "the key is unknown"),
        ("[link_types.a]\ntable = 'events'\ncolumn = 'x'\ncap_bits = 99", "out of bounds"),
        ("[run\nseed = 1", "the settings file is no TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(write(tmp_path, text))
    assert words in str(caught.value) and "settings.toml" in str(caught.value)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="no TOML"):
        read_settings(tmp_path / "binary.toml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip
NAMES = st.sampled_from([*SECTIONS, "link_types", "x"])


INNER = st.dictionaries(st.sampled_from(["seed", "days", "events", "columns"]), VALUES)


@given(st.dictionaries(NAMES, VALUES | INNER, max_size=3))
def test_whatever_is_given_is_accepted_or_refused(values: dict[str, Any]) -> None:
    try:
        made = settings_from(values)
    except SettingsError as fault:
        assert str(fault)
    else:
        assert settings_from(made.as_dict()) == made


def test_the_digest_follows_results_alone() -> None:
    base = Settings()
    assert replace(base, run=replace(base.run, workers=7)).digest() == base.digest()
    assert replace(base, run=replace(base.run, seed=7)).digest() != base.digest()
    assert replace(base, link_types=(LinkType("d", "events", "d", "d"),)).digest() != base.digest()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_read_somewhere(section: str) -> None:
    """A key that changes nothing would be a promise that is not kept."""
    house = Path(__file__).resolve().parents[2] / "pipeline"
    files = [p for p in house.rglob("*.py") if p.name not in ("settings.py", "settings_reader.py")]
    text = "\n".join(p.read_text() for p in files if "node_modules" not in p.parts)
    unread = [f.name for f in fields(getattr(Settings(), section)) if not re.search(rf"[.\"]{f.name}\b", text)]
    assert unread == []
