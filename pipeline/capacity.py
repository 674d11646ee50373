"""What a run needs: processor time, memory and disk, from costs that were measured.

Costs are those of `docs/benchmarks/scale.md`, on one core of that machine; another core is another number, which
`speed` says. Wide stages spread over cores and machines; the graph is searched on one machine. Estimates lean high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

EVENTS_AN_ACCOUNT = 350.0  # where the number of accounts is not said
SPREAD = 0.85  # share of a further core that wide work gains
WORKER_GB = 4.0  # memory of a worker: one task at a time, spilling above it
DRIVER_GB = 1.5  # of the process that walks the plan, before any graph
OCCUPIED = 1.25  # disk asked for above what was measured
_HOUR = 3600.0


@dataclass(frozen=True)
class StageCost:
    """Processor seconds of a stage: by million events, by million events with text, by thousand accounts. `wide`
    where its work spreads over cores."""

    name: str
    per_million: float = 0.0
    per_million_text: float = 0.0
    per_thousand_accounts: float = 0.0
    wide: bool = True


COSTS: tuple[StageCost, ...] = ()
# bytes on disk an event at the fullest moment of a run, without text and what text adds
DISK_AN_EVENT = 170.0
DISK_AN_EVENT_TEXT = 300.0
DISK_BASE = 20e6
GRAPH_BYTES_AN_ACCOUNT = 0.0  # memory of the search


@dataclass(frozen=True)
class Load:
    """What is to be run: events and accounts of one window, with or without prompts."""

    events: float
    accounts: float
    text: bool = True


@dataclass(frozen=True)
class Need:
    """What it takes. `share` of the processor time by stage; `bound` says what keeps it from being faster."""

    cores: int
    hours: float
    processor_hours: float
    workers_gb: float
    driver_gb: float
    disk_gb: float
    share: dict[str, float]
    bound: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def seconds_of(load: Load, speed: float = 1.0) -> dict[str, float]:
    """Processor seconds by stage; `speed` of a core against the measured one."""
    millions, thousands = load.events / 1e6, load.accounts / 1e3
    return {
        c.name: (c.per_million * millions + c.per_million_text * millions * load.text
                 + c.per_thousand_accounts * thousands) / speed
        for c in COSTS
    }  # fmt: skip


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
    cores = _cores(wide, left if enough else max(alone, 0.05 * hours * _HOUR))
    total = wide / _gain(cores) + alone
    return Need(
        cores, round(total / _HOUR, 2), round((wide + alone) / _HOUR, 1), round(cores * WORKER_GB, 1),
        round(DRIVER_GB + load.accounts * GRAPH_BYTES_AN_ACCOUNT / 1e9, 1),
        round(disk_needed(load.events, load.text) / 1e9, 1),
        {name: round(s / max(sum(seconds.values()), 1e-9), 3) for name, s in seconds.items()},
        "cores" if enough else "the search of the graph, which one machine does",
    )  # fmt: skip


def _gain(cores: int) -> float:
    """How many times faster wide work is on so many cores."""
    return 1 + SPREAD * (cores - 1)


def _cores(wide: float, within: float) -> int:
    """Fewest cores by which wide work of so many seconds ends within others; at least one."""
    return max(1, math.ceil((wide / within - 1) / SPREAD) + 1)
