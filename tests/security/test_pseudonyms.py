"""Keyed pseudonyms: what goes on from intake holds no name, address or card, and the same rings are found."""

from __future__ import annotations

import dataclasses
import ipaddress
import pickle
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import normal
from pipeline.cli import build_parser, main
from pipeline.commands import forget
from pipeline.errors import SettingsError
from pipeline.privacy.search import Sought, files_with
from pipeline.pseudonyms import KEY, Pseudonyms, pseudonyms_of
from pipeline.run import Request, carry_out
from pipeline.settings import (
    ExportsSettings,
    NullSettings,
    PrivacySettings,
    RunSettings,
    ScoresSettings,
    Settings,
)
from tests.support.contract import faults
from tests.support.stubs import Stubs
from tests.support.tiny import Tiny, write_tiny

NAMES = Pseudonyms(b"a key of tests only, 32 letters or more")
OTHERS = Pseudonyms(b"another key of tests, 32 letters or more")
PLAIN = Settings(
    exports=ExportsSettings(make=False), run=RunSettings(scheduler="sync", workers=1),
    scores=ScoresSettings(report_floor=0.0), null=NullSettings(rewirings=1),
)  # fmt: skip
V4, V6 = st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda a: normal.address(str(a)))


@given(name=st.text(max_size=300))
def test_an_account_comes_back_with_the_key_alone(name: str) -> None:
    token = NAMES.account(name)
    assert token == NAMES.account(name) and NAMES.reveal(token) == name
    assert OTHERS.reveal(token) is None and OTHERS.account(name) != token
    assert NAMES.reveal(token[:-1] + ("a" if token[-1] != "a" else "b")) in (None, name)  # of the last letter some bits


@given(name=st.text(max_size=40))
def test_nothing_else_is_a_token(name: str) -> None:
    assert NAMES.reveal(name) is None and NAMES.reveal(f"p{NAMES.mark}_{name}") is None


@given(one=V4, other=V4)
def test_addresses_share_what_they_shared(one: str, other: str) -> None:
    a, b = (int(ipaddress.IPv4Address(x)) for x in (one, other))
    x, y = (int(ipaddress.IPv4Address(NAMES.place(v))) for v in (one, other))
    assert (a ^ b).bit_length() == (x ^ y).bit_length()


@given(address=st.one_of(V4, V6.filter(lambda a: a is not None and ":" in a)), length=st.integers(0, 128))
def test_an_address_stays_in_its_range(address: str, length: int) -> None:
    entity = normal.address_entity(address)
    wide = 128 if ":" in address else 32
    cidr = normal.network(f"{entity.partition('/')[0]}/{min(length, wide)}")
    assert cidr is not None
    hidden = NAMES.place(entity)
    assert normal.address_entity(hidden.partition("/")[0]) == hidden  # in normal form
    assert normal.network(NAMES.place(cidr)) == NAMES.place(cidr)
    assert ipaddress.ip_address(hidden.partition("/")[0]) in ipaddress.ip_network(NAMES.place(cidr))


def test_kinds_and_keys_do_not_join() -> None:
    assert NAMES.token("payment", "x") != NAMES.token("request", "x") != OTHERS.token("request", "x")
    assert len({n.place("203.0.113.7") for n in (NAMES, OTHERS)}) == 2
    assert "key of tests" not in repr(NAMES) and pickle.loads(pickle.dumps(NAMES)).mark == NAMES.mark


def test_without_a_key_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    asked = Settings(privacy=PrivacySettings(pseudonyms=True))
    with pytest.raises(SettingsError, match="need a key"):
        pseudonyms_of(asked)
    monkeypatch.setenv(KEY, "k" * 40)
    found = pseudonyms_of(asked)
    (tmp_path / "key").write_text("k" * 40 + "\n")
    by_file = pseudonyms_of(Settings(privacy=PrivacySettings(pseudonyms=True, key_file=str(tmp_path / "key"))))
    assert found == by_file and pseudonyms_of(Settings()) is None


def groups(run: Path, back: Pseudonyms | None) -> set[frozenset[str]]:
    """The accounts of each ring, by their names."""
    members = pd.read_parquet(run / "members.parquet")
    held = [back.reveal(a) if back else a for a in members.account_id]
    return {frozenset(part) for _, part in members.assign(name=held).groupby("ring_id").name}


def test_the_same_rings_and_no_name(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with pseudonyms finds what one without finds; nothing in its output or state tells of anybody."""
    source = write_tiny(tiny, tmp_path / "in")
    ranges = [("203.0.113.0/29", "64500", "hosting"), ("198.51.6.0/24", None, "education")]
    pd.DataFrame(ranges, columns=["cidr", "asn", "kind"]).to_parquet(source / "ip_ranges.parquet", index=False)
    monkeypatch.setenv(KEY, NAMES.secret.decode())
    hiding = dataclasses.replace(PLAIN, privacy=PrivacySettings(pseudonyms=True))
    plain = Path(carry_out(Request(str(source), str(tmp_path / "plain"), PLAIN, keep_working=True)).place)
    hidden = Path(carry_out(Request(str(source), str(tmp_path / "hidden"), hiding, keep_working=True)).place)
    assert faults(hidden) == faults(plain) and hidden.name != plain.name
    assert groups(hidden, NAMES) == groups(plain, None) != set()
    classes = [pd.read_parquet(r / "evidence.parquet").groupby("class").size().to_dict() for r in (plain, hidden)]
    assert classes[0] == classes[1]
    named = [pd.read_parquet(r / "attribution.parquet").groupby("operator").probability.sum() for r in (plain, hidden)]
    assert named[0].round(6).sort_index().equals(named[1].round(6).sort_index())
    values = {*tiny.events.account_id, *tiny.events.ip, *tiny.events.request_id, *tiny.payments.payment_fingerprint}
    assert files_with(tmp_path / "hidden", Sought.of(values)) == []
    assert files_with(tmp_path / "plain", Sought.of(list(values)[:50])) != []
    named_by = []
    for names in (NAMES, OTHERS):  # what a run is called hangs on the key, not on what its stages make
        monkeypatch.setenv(KEY, names.secret.decode())
        place = tmp_path / names.mark
        named_by.append(carry_out(Request(str(source), str(place), hiding, keep_working=True), find=Stubs()).run_id)
    assert named_by[0] == hidden.name != named_by[1]


def test_who_is_to_be_forgotten_is_named_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`forget --key-file` takes the account's own name and forgets the pseudonyms that stood for it."""
    tokens = [NAMES.account("acct-1"), OTHERS.account("acct-1")]
    for key, names in (("key", NAMES), ("old", OTHERS)):
        (tmp_path / key).write_bytes(names.secret)
    (tmp_path / "output").mkdir()
    words = ["forget", str(tmp_path / "output"), "--account", "acct-1"]
    keys = [f"--key-file={tmp_path / name}" for name in ("key", "old")]
    wish = forget._wish(build_parser("forget").parse_args([*words, *keys]))
    assert wish.accounts == {"acct-1", *tokens}
    assert main([*words, f"--key-file={tmp_path / 'none'}"]) == 2 and "cannot be read" in capsys.readouterr().err
    assert forget._wish(build_parser("forget").parse_args(words)).accounts == {"acct-1"}


HEADER = "account_id,action,reason,ring_id,run_id,list_id"


def test_only_a_list_is_turned_back_and_it_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fastapi")
    from sqlalchemy import create_engine, text

    (tmp_path / "output").mkdir()
    (tmp_path / "key").write_bytes(NAMES.secret)
    (tmp_path / "old").write_bytes(OTHERS.secret)
    tokens = [NAMES.account("acct-1"), OTHERS.account("acct-2")]
    rows = [f"{token},suspend,because,R-1,2026-05-13-00000000,L-1" for token in tokens]
    (tmp_path / "list.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    words = ["reveal", str(tmp_path / "list.csv"), "--output", str(tmp_path / "output")]
    words += ["--to", str(tmp_path / "out.csv")]
    assert main([*words, "--key-file", str(tmp_path / "key")]) == 2  # one row is of the key of before
    assert "1 of 2 rows" in capsys.readouterr().err and not (tmp_path / "out.csv").exists()
    keys = ["--key-file", str(tmp_path / "key"), "--key-file", str(tmp_path / "old")]
    assert main([*words, *keys]) == 0
    made = tmp_path / "out.csv"
    assert pd.read_csv(made).account_id.tolist() == ["acct-1", "acct-2"] and made.stat().st_mode & 0o077 == 0
    engine = create_engine(f"sqlite:///{tmp_path / 'output' / 'review' / 'store.sqlite'}")
    with engine.connect() as connection:
        noted = connection.execute(text("SELECT action, subject, detail FROM audit")).all()
    engine.dispose()
    assert [tuple(r) for r in noted] == [("turned back list", "L-1", "2 accounts in all")]
    (tmp_path / "list.csv").write_text("account_id\n" + tokens[0] + "\n")
    assert main([*words, *keys]) == 2
