"""How strongly each account of a group is tied to the rest of it, and which accounts belong.

Rarity is measured outside the group, so that a group cannot make its own entities common. Within a family the
strongest tie counts, families are added up; a family that nearly all others share and an account lacks speaks
against the account. The law of adding up is that of naive Bayes with one variable a family.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    FloatArray,
    IntArray,
    as_index,
    as_values,
    count_by,
    ranges,
    require,
    run_lengths,
    run_starts,
    sum_by,
)
from graphs.bipartite import BipartiteGraph

_EDGES_PER_BLOCK = 2_000_000  # edges of the members of groups that are looked at in one go


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of accounts, which may overlap: rows (group, account), sorted, each once; groups 0 .. n - 1."""

    n: int
    group: IntArray
    account: IntArray

    @classmethod
    def from_arrays(cls, group: npt.ArrayLike, account: npt.ArrayLike, n: int | None = None) -> Groups:
        """Rows in any order; doubled rows count once."""
        groups, accounts = as_index(group, "group"), as_index(account, "account")
        order = np.lexsort((accounts, groups))
        groups, accounts = groups[order], accounts[order]
        starts = run_starts(groups, accounts)
        size = int(groups.max()) + 1 if groups.size else 0
        return cls(size if n is None else n, groups[starts], accounts[starts])

    @property
    def sizes(self) -> IntArray:
        """Accounts of each group."""
        return count_by(self.group, self.n)

    def keep(self, rows: npt.NDArray[np.bool_]) -> Groups:
        """Only some rows; numbering of groups stays."""
        return Groups(self.n, self.group[rows], self.account[rows])


@dataclass(frozen=True, eq=False)
class Entities:
    """What is known of each entity: its family, the share of its rarity that counts, the cap on its bits."""

    family: IntArray
    counts: FloatArray
    cap: FloatArray

    @property
    def n_families(self) -> int:
        """Number of families."""
        return int(self.family.max()) + 1 if self.family.size else 0


@dataclass(frozen=True, eq=False)
class Ties:
    """Ties within groups.

    `bits`: shape (rows, families), the strongest tie of each row's account in each family, 0 where none.
    `coverage`: shape (groups, families), share of the accounts with a tie in the family.
    `total`: one value a row, naive Bayes sum over families in bits; lacking what the others share counts against.
    """

    bits: FloatArray
    coverage: FloatArray
    total: FloatArray


def in_blocks(graph: BipartiteGraph, groups: Groups) -> Iterator[Groups]:
    """Runs of whole groups, numbered from 0 in each: what is done edge by edge takes bounded memory.

    One group alone may exceed the bound; without groups there is one empty run.
    """
    edges = np.diff(graph.account_starts())[groups.account]
    block = np.cumsum(np.bincount(groups.group, weights=edges, minlength=groups.n)) // _EDGES_PER_BLOCK
    first = run_starts(block) if groups.n else np.zeros(1, dtype=np.int64)
    bounds = np.append(first, groups.n)
    rows = np.searchsorted(groups.group, bounds)
    for low, high, start, stop in zip(bounds[:-1], bounds[1:], rows[:-1], rows[1:], strict=True):
        yield Groups(int(high - low), groups.group[start:stop] - low, groups.account[start:stop])


def group_entities(graph: BipartiteGraph, groups: Groups) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Edges of the members of each group: row of `groups`, entity, edge, and how many members have the entity."""
    starts = graph.account_starts()
    first = starts[groups.account]
    length = starts[groups.account + 1] - first
    edge = ranges(first, length)
    row = np.repeat(np.arange(groups.account.size), length)
    entity = graph.entity[edge]
    key = groups.group[row] * graph.n_entities + entity
    order = np.argsort(key, kind="stable")  # np.unique sorts more slowly and twice where it has to count
    starts = run_starts(key[order])
    inside = np.empty(key.size, dtype=np.int64)
    inside[order] = np.repeat(run_lengths(starts, key.size), run_lengths(starts, key.size))
    return row, entity, edge, inside


def outside_bits(
    bits: FloatArray, counts: FloatArray, cap: FloatArray, total: IntArray, inside: IntArray
) -> FloatArray:
    """Bits of an entity with rarity measured outside a group that holds `inside` of its `total` accounts.

    The global bits were `counts` times the log of (m / share); only the share changes, by members who no longer count.
    """
    gain = np.log2(np.maximum(total - 0.5, 0.5) / (total - inside + 0.5))
    return np.asarray(np.clip(bits + counts * gain, 0.0, counts * cap), dtype=np.float64)


def ties(graph: BipartiteGraph, groups: Groups, entities: Entities, *, base_rate: float = 0.05) -> Ties:
    """Ties of every row of `groups`.

    `base_rate`: how often an account that does not belong lacks no tie of a family, used for what is lacking.
    Raises ValueError where graph and entities differ in length.
    """
    require(entities.family.size == graph.n_entities, "one row of `entities` an entity of the graph")
    found = [_ties(graph, block, entities, base_rate) for block in in_blocks(graph, groups)]
    return Ties(*(np.concatenate([getattr(f, name) for f in found]) for name in ("bits", "coverage", "total")))


def _ties(graph: BipartiteGraph, groups: Groups, entities: Entities, base_rate: float) -> Ties:
    n_families = max(entities.n_families, 1)
    best = np.zeros((groups.account.size, n_families))
    row, entity, edge, inside = group_entities(graph, groups)
    shared = inside >= 2
    row, entity, edge, inside = row[shared], entity[shared], edge[shared], inside[shared]
    total = graph.entity_degrees()[entity]
    bits = outside_bits(graph.bits[edge], entities.counts[entity], entities.cap[entity], total, inside)
    np.maximum.at(best, (row, entities.family[entity]), bits)
    sizes = np.maximum(groups.sizes, 1)[:, None]
    covered = np.column_stack([sum_by(groups.group, best[:, f] > 0, groups.n) for f in range(n_families)])
    coverage = covered / sizes
    share = np.clip(coverage, 0.02, 0.95)[groups.group]
    lacking = np.minimum(np.log2((1.0 - share) / (1.0 - base_rate)), 0.0)
    total_bits = np.where(best > 0, best, lacking).sum(axis=1)
    return Ties(best, coverage, np.asarray(total_bits, dtype=np.float64))


def membership(total: npt.ArrayLike, *, even_bits: float) -> FloatArray:
    """Probability that an account belongs, from its total bits; one half at `even_bits`."""
    values = as_values(total, "total")
    return np.asarray(1.0 / (1.0 + np.exp2(np.clip(even_bits - values, -60, 60))), dtype=np.float64)


def trim(
    graph: BipartiteGraph, groups: Groups, entities: Entities, *, even_bits: float, rounds: int = 3
) -> tuple[Groups, Ties]:
    """Drop accounts that belong with less than one half, over and over, as ties fall away with those who leave."""
    found = ties(graph, groups, entities)
    for _ in range(rounds):
        stays = found.total >= even_bits
        if stays.all():
            break
        changed = np.zeros(groups.n, dtype=bool)
        changed[groups.group[~stays]] = True
        groups, found = groups.keep(stays), Ties(found.bits[stays], found.coverage, found.total[stays])
        again = changed[groups.group]  # the ties of all other groups are what they were
        anew = ties(graph, groups.keep(again), entities)
        found.bits[again], found.total[again] = anew.bits, anew.total
        found.coverage[changed] = anew.coverage[changed]
    return groups, found
