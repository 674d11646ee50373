"""What a run needs: processor time, memory and disk, from costs that were measured.

Costs are those of `docs/benchmarks/scale.md`, on one core of that machine; another core is another number, which
`speed` says. Wide stages spread over cores and machines; the graph is searched on one machine. Estimates lean high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pipeline.settings import IncidenceSettings, NullSettings

EVENTS_AN_ACCOUNT = 350.0  # where the number of accounts is not said
SPREAD = 0.85  # share of a further core that wide work gains
WORKER_GB = 4.0  # memory of a worker: one task at a time, spilling above it
DRIVER_GB = 1.5  # of the process that walks the plan, before any graph
OCCUPIED = 1.25  # disk asked for above what was measured
_HOUR = 3600.0


@dataclass(frozen=True)
class StageCost:
    """Processor seconds of a stage: at its start, by million events, what text adds to both, by thousand accounts
    to the power of `growth`. `wide` where its work spreads over cores, `rewired` where it is done for each rewiring."""

    name: str
    start: float = 0.1
    start_text: float = 0.0
    per_million: float = 0.0
    per_million_text: float = 0.0
    per_thousand_accounts: float = 0.0
    growth: float = 1.0
    wide: bool = True
    rewired: bool = False

    def seconds(self, load: Load) -> float:
        """Processor seconds for a load."""
        millions, thousands = load.events / 1e6, load.accounts / 1e3
        by_events = (self.per_million + self.per_million_text * load.text) * millions
        times = _rewirings(load.accounts) if self.rewired else 1.0
        by_accounts = self.per_thousand_accounts * math.pow(thousands, self.growth) * times
        return self.start + self.start_text * load.text + by_events + by_accounts


COSTS: tuple[StageCost, ...] = (
    StageCost("survey", start=0.6, per_million=0.77, per_million_text=1.5),
    StageCost("intake", start=2.3, per_million=2.3, per_million_text=0.9),
    StageCost("templates", start=2.6, start_text=4.8, per_million=1.1, per_million_text=17.5),
    StageCost("sightings", start=1.2, per_million=1.4, per_million_text=1.0),
    StageCost("entities", start=0.3, per_million=0.3),
    StageCost("incidence", per_million=0.12),
    StageCost("communities", per_thousand_accounts=0.7, wide=False),
    StageCost("null_scores", per_thousand_accounts=0.84, growth=1.06, wide=False, rewired=True),
    StageCost("behaviour", per_thousand_accounts=0.24, wide=False),
    StageCost("scores", start=0.3, per_thousand_accounts=0.0124, growth=1.66, wide=False),
    StageCost("membership", start=0.2, per_thousand_accounts=0.03, growth=1.47, wide=False),
    StageCost("registry", per_thousand_accounts=0.02, wide=False),
    StageCost("evidence", start=3.0, per_thousand_accounts=0.3, wide=False),
    StageCost("attribution", per_thousand_accounts=0.06),
    StageCost("operators", per_thousand_accounts=0.01, wide=False),
    StageCost("rings", start=0.1, per_thousand_accounts=0.05, wide=False),
)
# bytes on disk an event at the fullest moment of a run, without text and what text adds
DISK_AN_EVENT = 105.0
DISK_AN_EVENT_TEXT = 290.0
DISK_BASE = 20e6
GRAPH_ROWS_AN_ACCOUNT = 20.0  # of the bipartite graph
GRAPH_BYTES_AN_ACCOUNT = 37e3  # memory of the search and of what is measured on its groups


@dataclass(frozen=True)
class Load:
    """What is to be run: events and accounts of one window, with or without prompts."""

    events: float
    accounts: float
    text: bool = True


@dataclass(frozen=True)
class Need:
    """What it takes. `graph_rows` of the bipartite graph, which one machine searches; `share` of the processor time by
    stage; `bound` says what keeps it from being faster, or from being done at all."""

    cores: int
    hours: float
    processor_hours: float
    workers_gb: float
    driver_gb: float
    disk_gb: float
    graph_rows: int
    share: dict[str, float]
    bound: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def seconds_of(load: Load, speed: float = 1.0) -> dict[str, float]:
    """Processor seconds by stage; `speed` of a core against the measured one."""
    return {c.name: c.seconds(load) / speed for c in COSTS}


def disk_needed(events: float, text: bool) -> int:
    """Bytes of disk for the working tables at their fullest, the input and finished runs aside."""
    return int(OCCUPIED * (DISK_BASE + events * (DISK_AN_EVENT + DISK_AN_EVENT_TEXT * text)))


def need(load: Load, hours: float, *, speed: float = 1.0) -> Need:
    """Cores and all else by which a run ends within `hours`; where no number of cores would do, as many as still
    help, and the hours that it then takes."""
    seconds = seconds_of(load, speed)
    alone = sum(s for c, s in zip(COSTS, seconds.values(), strict=True) if not c.wide)
    wide = sum(seconds.values()) - alone
    left = hours * _HOUR - alone
    enough = wide > 0 and left >= 0.05 * hours * _HOUR
    # where the graph alone takes too long, as many cores as leave the rest at a quarter of it
    cores = _cores(wide, left if enough else max(0.25 * alone, 0.05 * hours * _HOUR))
    rows = int(load.accounts * GRAPH_ROWS_AN_ACCOUNT)
    bound = "cores" if enough else "the search of the graph, which one machine does"
    if rows > IncidenceSettings().max_rows:
        bound = f"the graph: about {rows:,} rows, above incidence.max_rows, where a run refuses to go on"
    total = wide / _gain(cores) + alone
    return Need(
        cores, round(total / _HOUR, 2), round((wide + alone) / _HOUR, 1), round(cores * WORKER_GB, 1),
        round(DRIVER_GB + load.accounts * GRAPH_BYTES_AN_ACCOUNT / 1e9, 1),
        round(disk_needed(load.events, load.text) / 1e9, 1), rows,
        {name: round(s / max(sum(seconds.values()), 1e-9), 3) for name, s in seconds.items()},
        bound,
    )  # fmt: skip


def _rewirings(accounts: float) -> float:
    """How many rewired graphs are searched, as if parts of one could be."""
    rules = NullSettings()
    return max(1.0, min(float(rules.rewirings), rules.enough_accounts / max(accounts, 1.0)))


def _gain(cores: int) -> float:
    """How many times faster wide work is on so many cores."""
    return 1 + SPREAD * (cores - 1)


def _cores(wide: float, within: float) -> int:
    """Fewest cores by which wide work of so many seconds ends within others; at least one."""
    return max(1, math.ceil((wide / within - 1) / SPREAD) + 1)
