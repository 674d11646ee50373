"""The drift watch: whether the newest day looks like the weeks before it, in words that an analyst can read.

A day is compared with the days before it in the same window by the median and the median absolute deviation, so that
one odd day among them moves nothing. Shares are of the accounts active on the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from statistics import median
from typing import Any

from pipeline.engine import connect

TRAILING = 28  # days before the newest that it is compared with
FEWEST = 7  # days needed for a comparison
SPREADS = 5.0  # deviations from the median that are worth a warning
LEAST = 0.05  # and at least this share of accounts
_NORMAL = 1.4826  # median absolute deviation -> standard deviation of a normal variable


@dataclass(frozen=True)
class Day:
    """A day: its requests, active accounts, and for each link type (or class) the accounts seen with it."""

    day: date
    n_events: int
    n_accounts: int
    seen: Mapping[str, int] = field(default_factory=dict)

    def share(self, what: str) -> float:
        """Share of the day's accounts seen with it."""
        return self.seen.get(what, 0) / self.n_accounts if self.n_accounts else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        return asdict(self) | {"day": self.day.isoformat()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Day:
        """The day that `as_dict` told."""
        return cls(**{**values, "day": date.fromisoformat(values["day"])})


def days_of(account_hours: Sequence[str], sightings: Sequence[str], *, scratch: str, memory: int) -> list[Day]:
    """Every day with requests, ascending, with the accounts seen by link type."""
    with connect(scratch, memory) as db:
        active = db.execute(
            "select \"hour\"::date as day, sum(n_events)::bigint, count(distinct account_id) "
            "from read_parquet($files) group by day order by day", {"files": list(account_hours)},
        ).fetchall()  # fmt: skip
        seen = db.execute(
            "select day, entity_type, count(distinct account_id) from read_parquet($files) group by all",
            {"files": list(sightings)},
        ).fetchall()
    return _days(active, seen)


def classes_of(days: Sequence[Day], sightings: Sequence[str], entities: str, *, scratch: str, memory: int) -> list[Day]:
    """The same days with the accounts seen by link type and class of entity (`entities` is a Parquet file)."""
    first = max((d.day for d in days[-TRAILING - 1 :][:1]), default=date.max)
    with connect(scratch, memory) as db:
        seen = db.execute(
            "select day, s.entity_type || ', ' || class, count(distinct account_id) from read_parquet($files) as s "
            "join read_parquet($known) using (entity_type, entity) where day >= $first group by all",
            {"files": list(sightings), "known": entities, "first": first},
        ).fetchall()
    return _days([(d.day, d.n_events, d.n_accounts) for d in days if d.day >= first], seen)


def _days(active: Sequence[tuple[Any, ...]], seen: Sequence[tuple[Any, ...]]) -> list[Day]:
    by_day: dict[date, dict[str, int]] = {}
    for day, what, n in seen:
        by_day.setdefault(day, {})[str(what)] = int(n)
    return [Day(day, int(n), int(m), dict(sorted(by_day.get(day, {}).items()))) for day, n, m in active]


def usual(values: Sequence[float]) -> tuple[float, float]:
    """Median of some values, and their spread as a standard deviation (from the median absolute deviation)."""
    middle = median(values)
    return middle, _NORMAL * median(abs(v - middle) for v in values)


def warnings_of(days: Sequence[Day], *, what: str) -> list[str]:
    """A sentence for each link type or class whose share of accounts on the newest day is unlike the days before."""
    if len(days) <= FEWEST:
        return []
    newest, before = days[-1], days[-TRAILING - 1 : -1]
    said = []
    for name in sorted({n for d in (*before, newest) for n in d.seen}):
        now = newest.share(name)
        middle, spread = usual([d.share(name) for d in before])
        if abs(now - middle) > max(SPREADS * spread, LEAST):
            said.append(
                f"On {newest.day}, {now:.1%} of the active accounts were seen with the {what} {name}; "
                f"in the {len(before)} days before it was {middle:.1%} (median)."
            )
    return said


def score_warnings(now: Mapping[str, float], before: Mapping[str, float] | None) -> list[str]:
    """Sentences on scores that are unlike those of the previous run; both hold `rings`, `flagged`, `mean_score`."""
    if before is None or before["rings"] < 5 or now["rings"] < 5:
        return []
    said = []
    if abs(now["mean_score"] - before["mean_score"]) > 0.15:
        said.append(
            f"The mean score of the rings is {now['mean_score']:.2f}; in the previous run it was "
            f"{before['mean_score']:.2f}."
        )
    shares = [r["flagged"] / r["rings"] for r in (now, before)]
    if abs(shares[0] - shares[1]) > 0.25:
        said.append(f"{shares[0]:.0%} of the rings are flagged; in the previous run it was {shares[1]:.0%}.")
    return said
