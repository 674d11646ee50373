"""One frozen Settings, read once: every key has a default, one sentence of help and a check; unknown keys are refused.

`pipeline/settings_reader.py` turns a TOML file into this; here the keys are only declared.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from pipeline.link_types import LinkType


def key(
    default: Any, help: str, *, low: float | None = None, high: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    """A settings key: default, help and bounds."""
    meta = {"help": help, "low": low, "high": high, "choices": choices}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=meta)
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class InputSettings:
    """How real logs are read."""

    columns: dict[str, dict[str, str]] = key({}, "For each table, our column name = the name in the file.")
    timestamp_format: str = key("", "strptime format of timestamps that are not ISO 8601; empty for ISO 8601.")
    chunk_rows: int = key(4_000_000, "Rows of events one task reads at the most.", low=1_000)
    max_rejected_share: float = key(0.2, "A table with more refused rows than this share ends the run.", low=0, high=1)


@dataclass(frozen=True)
class WindowSettings:
    """The window of time."""

    days: int = key(45, "Length of the window in days where --since is not given.", low=1, high=400)


@dataclass(frozen=True)
class RunSettings:
    """How the work is carried out."""

    seed: int = key(20260422, "Seed of everything drawn by chance.", low=0)
    workers: int = key(0, "Tasks at once; 0 for one a core.", low=0, high=4096)
    scheduler: str = key(
        "threads", "Dask scheduler where no address is given.", choices=("threads", "processes", "sync")
    )
    memory_gb: float = key(6.0, "Memory that all tasks together may use, in gigabytes.", low=0.5)


@dataclass(frozen=True)
class TemplatesSettings:
    """Prompt templates."""

    min_prompts: int = key(4, "Prompts that must share a frame before it is a template.", low=2)
    min_accounts_text: int = key(3, "Accounts that must share a template before its fixed words are shown.", low=1)
    max_chars: int = key(20_000, "Characters of a prompt that are looked at.", low=200)
    semantic: bool = key(False, "Whether frames of like meaning tie too, weakly; needs the extra `semantic`.")


@dataclass(frozen=True)
class EntitiesSettings:
    """What sort of thing a shared entity is."""

    public_share: float = key(
        0.01, "A template used by more than this share of accounts is public, unless it is a circle's.", low=0, high=1
    )
    public_accounts: int = key(60, "And by at least this many accounts.", low=3)


@dataclass(frozen=True)
class IncidenceSettings:
    """The bipartite graph."""

    max_rows: int = key(
        60_000_000, "Rows above which the run refuses to go on and names the largest entities.", low=1000
    )
    min_bits: float = key(0.5, "Shared entities below this weight are left out.", low=0)


@dataclass(frozen=True)
class CommunitiesSettings:
    """Search for groups."""

    cpm_resolutions: tuple[float, ...] = key(
        (0.05, 0.3, 1.5), "Resolutions of CPM on the pair graph: bits that a pair inside must have on average."
    )
    barber_resolutions: tuple[float, ...] = key(
        (1.0, 8.0, 64.0), "Resolutions of Barber's modularity on the bipartite graph."
    )
    seeds: int = key(2, "Seeds a resolution.", low=1, high=50)
    pair_min_bits: float = key(6.0, "Pairs of accounts with less evidence than this are pruned.", low=0)
    pair_max_degree: int = key(
        400, "Entities of more accounts than this make no pairs; they still tie in the bipartite graph.", low=2
    )
    affinity_min_bits: float = key(
        4.0, "Pairs of accounts with less evidence than this, over all families, are not weighed for affinity.", low=0
    )
    min_size: int = key(3, "Smallest group of accounts.", low=3)


@dataclass(frozen=True)
class NullSettings:
    """Chance."""

    rewirings: int = key(7, "Most rewired graphs that are searched like the real one.", low=1, high=100)
    enough_accounts: int = key(
        120_000, "No further rewired graph is made once all together hold so many linked accounts.", low=1
    )


@dataclass(frozen=True)
class ScoresSettings:
    """Judgement."""

    model: str = key("", "File of another scoring model; empty for the shipped one.")
    threshold: float = key(0.5, "Score from which a ring is flagged.", low=0, high=1)
    report_floor: float = key(0.05, "Score from which a ring is reported.", low=0, high=1)
    max_q: float = key(0.05, "Highest false discovery rate of a flagged ring.", low=0, high=1)


@dataclass(frozen=True)
class RegistrySettings:
    """Lasting names."""

    min_overlap: float = key(0.3, "Weighted overlap from which a ring continues an earlier one.", low=0, high=1)
    grew: float = key(0.1, "Change of size from which a ring grew or shrank.", low=0)
    half_life_days: float = key(30.0, "Age at which an earlier member counts half.", low=1)


@dataclass(frozen=True)
class EvidenceSettings:
    """What is shown of a ring."""

    links_per_account: int = key(20, "Strongest links kept an account.", low=1, high=20)
    entities_per_ring: int = key(2000, "Shared entities listed a ring, strongest first.", low=10)
    request_ids: int = key(20, "Requests kept behind one tie.", low=0, high=20)
    provenance_entities: int = key(12, "Strongest entities of a ring whose requests are kept.", low=1)


@dataclass(frozen=True)
class AttributionSettings:
    """Who operates a ring."""

    naming_level: float = key(0.80, "Probability from which an operator is named.", low=0.5, high=1)
    prior_named: float = key(0.02, "Prior of one named operator against unknown.", low=0, high=0.5)
    prior_false_flag: float = key(0.02, "Prior of planted indicators.", low=0, high=0.5)


@dataclass(frozen=True)
class OperatorsSettings:
    """Which rings belong to one operator."""

    min_bits: float = key(6.5, "Evidence between two rings from which they share an operator.", low=0)


@dataclass(frozen=True)
class GatesSettings:
    """What stops a scheduled run. These change no result and are no part of a run's name."""

    min_rows_share: float = key(
        0.4, "A newest day with fewer requests than this share of a usual day is incomplete.", low=0, high=1
    )
    silent_share: float = key(
        0.1, "A link type seen with fewer accounts than this share of a usual day went silent.", low=0, high=1
    )
    max_rejected_jump: float = key(
        0.05, "New rows may be refused more often than earlier ones by this share at the most.", low=0, high=1
    )
    max_new_rings: int = key(25, "Flagged rings that may be born in one run.", low=1)
    max_new_rings_share: float = key(
        0.5, "Or this share of the flagged rings of the previous run, if that is more.", low=0
    )


@dataclass(frozen=True)
class ExportsSettings:
    """Files for inside use, made with the run."""

    make: bool = key(True, "Whether figures, briefing and exchange files are made with each run.")
    max_rings_drawn: int = key(12, "Rings drawn with each run, strongest first.", low=0, high=1000)
    small_cell: int = key(5, "Counts below this are suppressed in what leaves the building.", low=1)


@dataclass(frozen=True)
class PrivacySettings:
    """What the line sees of people. The key itself, not where it lies, is part of a run's name."""

    pseudonyms: bool = key(False, "Whether names, addresses and cards are replaced by keyed pseudonyms at intake.")
    key_file: str = key("", "File of their key; empty for the environment, RINGTRACE_PSEUDONYM_KEY.")


@dataclass(frozen=True)
class Settings:
    """All of it."""

    input: InputSettings = field(default_factory=InputSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    run: RunSettings = field(default_factory=RunSettings)
    templates: TemplatesSettings = field(default_factory=TemplatesSettings)
    entities: EntitiesSettings = field(default_factory=EntitiesSettings)
    incidence: IncidenceSettings = field(default_factory=IncidenceSettings)
    communities: CommunitiesSettings = field(default_factory=CommunitiesSettings)
    null: NullSettings = field(default_factory=NullSettings)
    scores: ScoresSettings = field(default_factory=ScoresSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    attribution: AttributionSettings = field(default_factory=AttributionSettings)
    operators: OperatorsSettings = field(default_factory=OperatorsSettings)
    gates: GatesSettings = field(default_factory=GatesSettings)
    exports: ExportsSettings = field(default_factory=ExportsSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    link_types: tuple[LinkType, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the manifest."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    def telling(self) -> dict[str, Any]:
        """The values without the switches that came later and are off: they change nothing, nor any digest."""
        values = self.as_dict()
        if not self.templates.semantic:
            values["templates"].pop("semantic")
        return values

    def digest(self) -> str:
        """Digest of every value that can change a result; how the work is carried out is left aside."""
        values = self.telling()
        values["run"] = {"seed": values["run"]["seed"]}
        values["input"].pop("chunk_rows")
        values.pop("gates")
        values.pop("privacy")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


SECTIONS: tuple[str, ...] = tuple(f.name for f in fields(Settings) if f.name != "link_types")


def default_of(section_field: Any) -> Any:
    """Default of a key's field."""
    if section_field.default is not MISSING:
        return section_field.default
    return section_field.default_factory()
