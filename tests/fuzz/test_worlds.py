"""Wild worlds through all stages: the run is whole and keeps the contract, or is refused in one clear sentence.

`RINGTRACE_WORLDS` and `RINGTRACE_WORLDS_COMMAND` say how many; the long checks go to 10,000 and 300 and go on where
they were stopped (`.cache/soak/`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import RingtraceError
from pipeline.period import instant
from pipeline.plan import STAGES
from pipeline.run import Request, carry_out
from pipeline.run.code import stage_digest
from pipeline.storage import list_runs
from tests.support.contract import faults
from tests.support.wild import wild
from tests.support.zygote import Zygote

ROOT = Path(__file__).resolve().parents[2]
IN_PROCESS = int(os.environ.get("RINGTRACE_WORLDS", "200"))
BY_COMMAND = int(os.environ.get("RINGTRACE_WORLDS_COMMAND", "20"))
SHARES = 4


def whole_and_true(run: Path) -> list[str]:
    """Faults of a finished run: the contract, and the sums of intake. Wild settings may report weaker rings."""
    found = [f for f in faults(run) if f != "rings: a ring below the report floor"]
    for name, told in json.loads((run / "manifest.json").read_text())["stages"]["intake"]["counts"].items():
        if told["in"] != sum(n for what, n in told.items() if what != "in"):
            found.append(f"intake of {name} does not add up: {told}")
    return found


def in_process(seed: int, place: Path) -> None:
    """One world; every fifth is run a second time a day later, with the first run before it."""
    world = wild(seed)
    source, output = world.write(place / "in"), place / "out"
    days: list[str | None] = [None] if seed % 5 else ["2026-05-09", "2026-05-10"]
    for day in days:
        request = Request(str(source), str(output), world.settings, until=instant(day) if day else None)
        try:
            done = carry_out(request)
        except RingtraceError as fault:
            assert fault.exit_code == 2, f"seed {seed}: {fault}"
            assert str(fault).strip() and list_runs(output) == []
            return
        assert whole_and_true(Path(done.place)) == [], f"seed {seed}"


def by_command(zygote: Zygote, seed: int, place: Path) -> None:
    """One world through the command line."""
    world = wild(seed)
    source, said = world.write(place / "in"), place / "said.txt"
    settings = place / "settings.toml"
    settings.write_text("[exports]\nmake = false\n[input]\nmax_rejected_share = 1.0\n[run]\nworkers = 1\n")
    words = ["run", str(source), "--output", str(place / "out"), "--settings", str(settings), "--progress", "none"]
    code = zygote.run(words, said=said)
    told = said.read_text(errors="replace")
    assert code in (0, 2) and "Traceback" not in told and "unforeseen" not in told, f"seed {seed}: {code} {told}"
    if code == 0:
        (run,) = list_runs(place / "out")
        assert whole_and_true(run.place.path) == [], f"seed {seed}"
    else:
        assert len(told.strip().splitlines()) <= 12 and not list_runs(place / "out")


@pytest.mark.parametrize("share", range(SHARES))
def test_wild_worlds(share: int, tmp_path: Path) -> None:
    for seed in range(share, IN_PROCESS, SHARES):
        in_process(seed, tmp_path / str(seed))
        shutil.rmtree(tmp_path / str(seed))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """A warmed-up process."""
    made = Zygote()
    yield made
    made.close()


def test_wild_worlds_through_the_command(zygote: Zygote, tmp_path: Path) -> None:
    for seed in range(BY_COMMAND):
        by_command(zygote, 1_000_000 + seed, tmp_path / str(seed))


def resumed(name: str, n: int, first: int, one: Callable[[int], None]) -> None:
    """Carry out `one` for so many seeds, noting each that held; those that held with this code are not done again."""
    code = hashlib.sha256("".join(stage_digest(s.name) for s in STAGES).encode()).hexdigest()[:12]
    ledger = ROOT / ".cache" / "soak" / f"{name}-{code}.txt"
    ledger.parent.mkdir(parents=True, exist_ok=True)
    held = set(ledger.read_text().split()) if ledger.exists() else set()
    with ledger.open("a") as notes:
        for seed in range(first, first + n):
            if str(seed) not in held:
                one(seed)
                notes.write(f"{seed}\n")
                notes.flush()


@pytest.mark.slow
def test_ten_thousand_wild_worlds(tmp_path: Path) -> None:
    def one(seed: int) -> None:
        in_process(seed, tmp_path / str(seed))
        shutil.rmtree(tmp_path / str(seed))

    resumed("worlds", int(os.environ.get("RINGTRACE_WORLDS", "10000")), 0, one)


@pytest.mark.slow
def test_three_hundred_wild_worlds_through_the_command(zygote: Zygote, tmp_path: Path) -> None:
    def one(seed: int) -> None:
        by_command(zygote, seed, tmp_path / str(seed))
        shutil.rmtree(tmp_path / str(seed))

    resumed("commands", int(os.environ.get("RINGTRACE_WORLDS_COMMAND", "300")), 2_000_000, one)
