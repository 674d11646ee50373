"""How surely an account belongs to a ring: what it shares with the ring's members, and how like them it is.

Which groups stand is settled by the group as a whole; this asks of single accounts, members and others alike. A member
is compared with the ring without itself, so that nobody belongs for being there. All features are numbers of one
account and one ring; bits are base-2 log likelihood ratios of members against everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp

from graphs.forest import Forest
from pipeline.affinity import LABELS, TRAITS, told_of

if TYPE_CHECKING:
    from pipeline.graph_tables import GraphTables

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

_FAMILIES = ("network", "payment", "text")
_OF_FAMILY = ("best", "sum", "shared", "share", "reach", "closed", "own")
_ALIKE = tuple(f"{name}_bits" for name in TRAITS)
_RELATIVE = ("all_bits", "alike_bits", "network_sum", "text_sum", "handoff_share")
FEATURES: tuple[str, ...] = (
    "member", "members", "score_bits",
    *(f"{family}_{what}" for family in _FAMILIES for what in _OF_FAMILY),
    *_ALIKE, "alike_bits", "all_bits", "handoff_share", "handoffs",
    *(f"{name}_{what}" for name in _RELATIVE for what in ("beside", "behind")),
)  # fmt: skip
SIGNS: dict[str, int] = {  # +1 can only speak for belonging
    name: +1 if name in {"member", "handoff_share"} else 0 for name in FEATURES
}

_BINS = 24  # a trait is told by the platform's quantiles
_BLUR = np.array([0.1, 0.2, 0.4, 0.2, 0.1])  # members in a bin count in its neighbours as well
_SPEAKS = 1.0  # bits from which a shared thing makes an outsider worth asking


@dataclass(frozen=True, eq=False)
class BelongingModel:
    """Trees over the features, which they name; their score is the log odds of belonging in bits."""

    features: tuple[str, ...]
    forest: Forest

    def probability(self, x: pd.DataFrame) -> Floats:
        """Probability that each account belongs to the ring it was compared with; nan where a feature is not taken."""
        rows = x.reindex(columns=list(self.features)).to_numpy(float)
        return np.asarray(np.round(1.0 / (1.0 + np.exp2(-self.forest.total_bits(rows))), 9), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Trait:
    """One trait of all accounts: the bin of each, -1 where unknown; accounts in each bin; whether bins are in order."""

    place: Numbers
    count: Floats
    ordered: bool


@dataclass(frozen=True, eq=False)
class Platform:
    """All accounts of a graph as belonging is told from them; rows are accounts in the order of their numbers."""

    shares: sp.csr_array  # accounts x entities
    users: Floats  # accounts of each entity
    family: Numbers  # of each entity, -1 for declared ones
    traits: dict[str, _Trait]
    talks: sp.csr_array  # accounts x conversations

    @property
    def n(self) -> int:
        """Accounts."""
        return int(self.shares.shape[0])


def platform_of(tables: GraphTables, traits: pd.DataFrame, conversations: pd.DataFrame) -> Platform:
    """The platform of a graph. `traits` and `conversations` name accounts; others than those of the graph are left."""
    graph, n = tables.graph, tables.accounts.size
    shape = (n, graph.n_entities)
    number = pd.Series(np.arange(n), index=tables.accounts)
    known = conversations[conversations["account_id"].isin(number.index)]
    known = known.drop_duplicates(["conversation", "account_id"])
    talk = pd.factorize(known["conversation"], sort=True)[0]
    code = np.array([_FAMILIES.index(f) if f in _FAMILIES else -1 for f in tables.families], dtype=np.int64)
    told = told_of(traits, tables.accounts)
    return Platform(
        shares=sp.csr_array((np.ones(graph.account.size), (graph.account, graph.entity)), shape=shape),
        users=np.bincount(graph.entity, minlength=graph.n_entities).astype(float),
        family=code[tables.about.family],
        traits={name: _trait(told[name], ordered=name not in LABELS) for name in TRAITS},
        talks=sp.csr_array(
            (np.ones(talk.size), (number.reindex(known["account_id"]).to_numpy(np.int64), talk)),
            shape=(n, int(talk.max(initial=0)) + 1),
        ),
    )


def _trait(values: Floats, *, ordered: bool) -> _Trait:
    known = np.isfinite(values)
    if not ordered:
        place = np.where(known, values, -1.0).astype(np.int64)
        return _Trait(place, np.bincount(place[known], minlength=1).astype(float), ordered=False)
    edges = np.unique(np.quantile(values[known], np.linspace(0.0, 1.0, _BINS + 1)[1:-1])) if known.any() else values[:0]
    place = np.where(known, np.searchsorted(edges, values, side="right"), -1).astype(np.int64)
    return _Trait(place, np.bincount(place[known], minlength=edges.size + 1).astype(float), ordered=True)


def compared(platform: Platform, members: Numbers, score_bits: float) -> tuple[Numbers, pd.DataFrame]:
    """Accounts worth asking, members among them, by number, and their features: columns `FEATURES`, nan where unknown.

    `members` are numbers of accounts, each once; `score_bits` is the ring's score.
    """
    inside = np.zeros(platform.n)
    inside[members] = 1.0
    shared, talked = inside @ platform.shares, inside @ platform.talks  # members of each thing, of each conversation
    asked = _worth_asking(platform, inside, shared, talked)
    own = inside[asked]
    others = members.size - own  # members beside the account itself
    found: dict[str, npt.ArrayLike] = {
        "member": own, "members": np.log2(np.maximum(others, 1.0)),
        "score_bits": np.full(asked.size, score_bits),
    }  # fmt: skip
    found |= _shared(platform, inside, asked, shared)
    alike = {f"{name}_bits": _trait_bits(trait, members, asked, own) for name, trait in platform.traits.items()}
    found |= alike | {"alike_bits": np.nansum(np.column_stack(list(alike.values())), axis=1)}
    found |= _handoffs(platform, asked, own, talked)
    x = pd.DataFrame(found)
    x["all_bits"] = x[["alike_bits", *(f"{f}_best" for f in _FAMILIES)]].sum(axis=1)
    for name in _RELATIVE:
        values = x[name].to_numpy(float)
        x[f"{name}_beside"] = values - x.loc[own > 0, name].median()
        x[f"{name}_behind"] = _behind(values, own, others)
    return asked, x[list(FEATURES)].round(9)


def tied_by_text(x: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which of the compared accounts share a frame that speaks for the ring, or go on with a member's conversation.

    Addresses, cards and habits are shared by neighbours and customers as well.
    """
    frame = x["text_best"].to_numpy(float) >= _SPEAKS  # false where there is none
    return np.asarray(frame | (x["handoffs"].to_numpy(float) > 0), dtype=np.bool_)


def _behind(values: Floats, own: Floats, others: Floats) -> Floats:
    """Outsiders that stand as high as an account or higher, itself aside, to each member: log2, nan where unknown.

    What many outsiders have as well does not tell members from them, however often members have it.
    """
    outside = np.sort(values[(own == 0) & np.isfinite(values)])
    as_high = outside.size - np.searchsorted(outside, values, side="left") - (own == 0)
    return np.where(np.isfinite(values), np.log2((np.maximum(as_high, 0) + 1.0) / (others + 1.0)), np.nan)


def _worth_asking(platform: Platform, inside: Floats, with_members: Floats, talked: Floats) -> Numbers:
    """Members, who shares what speaks for them, and who goes on with their conversations."""
    bits = _sharing_bits(with_members, platform.users - with_members, inside.sum(), platform.n)
    speaks = (with_members > 0) & (bits >= _SPEAKS)
    reached = (platform.shares @ speaks.astype(float)) + (platform.talks @ (talked > 0).astype(float)) + inside
    return np.flatnonzero(reached > 0).astype(np.int64)


def _sharing_bits(with_members: Floats, with_others: Floats, members: Floats | float, n: int) -> Floats:
    """Bits by which using a thing speaks for the ring: its users among the members against those among all others.

    One more account on either side uses it as everybody does.
    """
    usual = (with_members + with_others + 1.0) / (n + 1.0)
    return np.asarray(
        np.log2((with_members + usual) / (members + 1.0)) - np.log2((with_others + usual) / (n - members + 1.0)),
        dtype=np.float64,
    )


def _shared(platform: Platform, inside: Floats, asked: Numbers, members_of: Floats) -> dict[str, Floats]:
    """By family: the best and the summed bits of what is shared with members, how many things and which share of the
    account's own that is, the greatest share of members reached by one, and how closed to others one is."""
    mine = platform.shares[asked].tocoo()
    row, entity = (np.asarray(c, dtype=np.int64) for c in mine.coords)
    own = inside[asked][row]
    with_members = members_of[entity] - own
    with_others = platform.users[entity] - 1.0 - with_members
    members = inside.sum() - own
    hit = with_members > 0
    bits = np.where(hit, _sharing_bits(with_members, with_others, members, platform.n), 0.0)
    reach = with_members / np.maximum(members, 1.0)
    closed = with_members / np.maximum(with_members + with_others, 1.0)
    out: dict[str, Floats] = {}
    for code, family in enumerate(_FAMILIES):
        of = platform.family[entity] == code
        number, shared, summed = (
            np.asarray(np.bincount(row[of], weights=values[of], minlength=asked.size), dtype=np.float64)
            for values in (np.ones(row.size), hit.astype(float), np.maximum(bits, 0.0))
        )
        out |= {
            f"{family}_best": _largest(row[of], bits[of], asked.size),
            f"{family}_sum": summed,
            f"{family}_shared": shared,
            f"{family}_share": np.where(number > 0, shared / np.maximum(number, 1.0), np.nan),
            f"{family}_reach": _largest(row[of], reach[of], asked.size),
            f"{family}_closed": _largest(row[of], closed[of], asked.size),
            f"{family}_own": number,
        }
    return out


def _largest(row: Numbers, values: Floats, n: int) -> Floats:
    """Largest value of each row, nan where a row has none."""
    out = np.full(n, -np.inf)
    np.maximum.at(out, row, values)
    return np.where(np.isfinite(out), out, np.nan)


def _trait_bits(trait: _Trait, members: Numbers, asked: Numbers, own: Floats) -> Floats:
    """Bits of a trait: how often members have its value, against everybody; nan where it is unknown."""
    theirs = trait.place[members]
    counted = np.bincount(theirs[theirs >= 0], minlength=trait.count.size).astype(float)
    itself = 1.0
    if trait.ordered and trait.count.size >= _BLUR.size:
        counted, itself = np.convolve(counted, _BLUR, "same"), float(_BLUR.max())
    known, place = trait.place[asked] >= 0, np.maximum(trait.place[asked], 0)
    own = own * known
    usual = (trait.count[place] + 1.0) / (trait.count.sum() + 1.0)
    often = (counted[place] - itself * own + usual) / ((theirs >= 0).sum() - own + 1.0)
    return np.where(known, np.log2(np.maximum(often, 1e-9) / usual), np.nan)


def _handoffs(platform: Platform, asked: Numbers, own: Floats, talked: Floats) -> dict[str, Floats]:
    """Conversations that an account goes on with beside members: how many, and the share among all that it shares."""
    mine = platform.talks[asked]
    shared = mine.sum(axis=1)
    with_others = mine @ (talked > 0).astype(float)
    alone = mine @ (talked == 1).astype(float)  # the only member there may be the account itself
    number = with_others - own * alone
    return {
        "handoffs": np.log2(1.0 + number),
        "handoff_share": np.where(shared > 0, number / np.maximum(shared, 1.0), np.nan),
    }
