"""The gates of a run: what must hold of a day's input, and of its rings, before anybody is accused on its strength.

A gate says what it found in one sentence. `ringtrace run` notes the gates in the manifest; a scheduler's stages
(`ringtrace stage NAME --gates`) stop at a gate that does not open, unless a person lets it through by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from pipeline.drift import FEWEST, TRAILING, Day
from pipeline.errors import RingtraceError
from pipeline.settings import GatesSettings

ROWS, SILENT, REJECTED, RINGS = "rows", "silent", "rejected", "rings"
NAMES = (ROWS, SILENT, REJECTED, RINGS)
_FEW_ACCOUNTS = 20  # a link type seen with fewer accounts a day may well be silent for one


class GateError(RingtraceError):
    """A gate that did not open: a person has to look, trying again changes nothing."""

    exit_code = 2


@dataclass(frozen=True)
class Gate:
    """One gate: its name, whether it is open, and what was found in one sentence."""

    name: str
    open: bool
    says: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        return asdict(self)


def rows_gate(days: Sequence[Day], rules: GatesSettings) -> Gate:
    """Whether the newest day has enough requests against the weeks before it (and against its own weekday)."""
    if len(days) <= FEWEST:
        return Gate(ROWS, True, "Too few days to compare with.")
    newest, before = days[-1], days[-TRAILING - 1 : -1]
    same = [d.n_events for d in before if d.day.weekday() == newest.day.weekday()]
    usual = median(d.n_events for d in before)
    if len(same) >= 2:
        usual = min(usual, median(same))
    found = f"{newest.day} has {newest.n_events:,} requests; a usual day has {usual:,.0f}"
    if newest.n_events < rules.min_rows_share * usual:
        return Gate(ROWS, False, f"{found}; below {rules.min_rows_share:.0%} of that it is held to be incomplete.")
    return Gate(ROWS, True, f"{found}.")


def silent_gate(days: Sequence[Day], types: Collection[str], rules: GatesSettings) -> Gate:
    """Whether every link type (of those that requests carry) still speaks on the newest day."""
    if len(days) <= FEWEST:
        return Gate(SILENT, True, "Too few days to compare with.")
    newest, before = days[-1], days[-TRAILING - 1 : -1]
    silent = []
    for name in sorted(types):
        usual = median(d.seen.get(name, 0) for d in before)
        if usual >= _FEW_ACCOUNTS and newest.seen.get(name, 0) < rules.silent_share * usual:
            silent.append(f"{name} ({newest.seen.get(name, 0):,} accounts; {usual:,.0f} on a usual day)")
    if silent:
        return Gate(SILENT, False, f"On {newest.day} these link types went silent: {', '.join(silent)}.")
    return Gate(SILENT, True, f"Every link type speaks on {newest.day}.")


def rejected_gate(
    counts: Mapping[str, int], before: Mapping[str, int] | None, rules: GatesSettings
) -> Gate:
    """Whether the rows that came since the previous run were refused more often than those before.

    Both are the counts of intake of events (`in`, `rejected`); where the input did not grow, all of it is judged.
    """
    n, bad = counts["in"], counts["rejected"]
    usual = before["rejected"] / before["in"] if before and before["in"] else 0.0
    if before and n > before["in"]:
        n, bad = n - before["in"], max(bad - before["rejected"], 0)
    share = bad / n if n else 0.0
    found = f"{share:.2%} of the new rows of events were refused; before it was {usual:.2%}"
    if share > usual + rules.max_rejected_jump:
        return Gate(REJECTED, False, f"{found}; a jump above {rules.max_rejected_jump:.0%} is held to be a fault.")
    return Gate(REJECTED, True, f"{found}.")


def rings_gate(n_born: int, n_before: int | None, rules: GatesSettings) -> Gate:
    """Whether the number of flagged rings born since the previous run is plausible."""
    if n_before is None:
        return Gate(RINGS, True, f"{n_born} new flagged rings; there is no previous run to compare with.")
    most = max(rules.max_new_rings, rules.max_new_rings_share * n_before)
    found = f"{n_born} new flagged rings since the previous run, which had {n_before}"
    if n_born > most:
        return Gate(RINGS, False, f"{found}; more than {most:.0f} at once is held to be implausible.")
    return Gate(RINGS, True, f"{found}.")


def stop_at(gates: Sequence[Gate], let_through: Collection[str] = ()) -> None:
    """Raise GateError for gates that are not open, those aside that a person lets through by name."""
    shut = [g for g in gates if not g.open and g.name not in let_through]
    if shut:
        names = ", ".join(g.name for g in shut)
        raise GateError(
            f"stopped at the gate{'s' if len(shut) > 1 else ''} {names}. {' '.join(g.says for g in shut)}",
            mend=f"Mend the input and begin the day again, or let it through with --let-through {shut[0].name}.",
        )
