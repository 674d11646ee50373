"""The bipartite graph of accounts and the entities they share, as index arrays and bits.

Accounts are 0 .. n_accounts - 1 and entities 0 .. n_entities - 1, numbered apart. An edge is an incidence: its bits
say how much this account's use of this entity can prove. What the numbers stand for is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from graphs.arrays import (
    BoolArray,
    FloatArray,
    IntArray,
    as_index,
    as_values,
    connected,
    count_by,
    frozen,
    require,
    sum_by,
)

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True)
class Components:
    """Connected components: a label for each account and entity, numbered by the smallest account.

    Entities without an account come after all others. `n` counts all components, single vertices included.
    """

    n: int
    accounts: IntArray
    entities: IntArray


@dataclass(frozen=True, eq=False)
class BipartiteGraph:
    """Accounts, entities and the edges between them, sorted by (account, entity), each edge once.

    `account`, `entity`: int64, one value an edge; `bits`: float64, at least 0, in bits. The arrays are read-only.
    Raises ValueError if the edges are unsorted, doubled or out of range, or if bits are negative or not finite;
    `from_arrays` sorts first.
    """

    n_accounts: int
    n_entities: int
    account: IntArray
    entity: IntArray
    bits: FloatArray

    def __post_init__(self) -> None:
        require(self.n_accounts >= 0 and self.n_entities >= 0, "numbers of accounts and entities must be at least 0")
        account = as_index(self.account, "account", self.n_accounts)
        entity = as_index(self.entity, "entity", self.n_entities)
        require(entity.size == account.size, f"entity must have length {account.size}, found {entity.size}")
        bits = as_values(self.bits, "bits", account.size)
        require(bool((bits >= 0).all()), "bits must be at least 0")
        step = np.diff(account)
        in_order = (step > 0) | ((step == 0) & (np.diff(entity) > 0))
        require(bool(in_order.all()), "edges must be sorted by account and entity, each once")
        for name, column in (("account", account), ("entity", entity), ("bits", bits)):
            kept = column.view()
            frozen(kept)
            object.__setattr__(self, name, kept)

    @classmethod
    def from_arrays(
        cls,
        account: npt.ArrayLike,
        entity: npt.ArrayLike,
        bits: npt.ArrayLike | None = None,
        *,
        n_accounts: int | None = None,
        n_entities: int | None = None,
    ) -> BipartiteGraph:
        """Make a graph from edges in any order.

        Without `bits` each edge has 1 bit; without `n_accounts` or `n_entities` the largest index decides.
        Raises ValueError for what the class refuses, doubled edges among it.
        """
        accounts = as_index(account, "account", n_accounts)
        entities = as_index(entity, "entity", n_entities)
        require(entities.size == accounts.size, f"entity must have length {accounts.size}, found {entities.size}")
        weights = np.ones(accounts.size) if bits is None else as_values(bits, "bits", accounts.size)
        order = np.lexsort((entities, accounts))
        return cls(
            n_accounts=_size(accounts, n_accounts),
            n_entities=_size(entities, n_entities),
            account=accounts[order],
            entity=entities[order],
            bits=weights[order],
        )

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return int(self.account.size)

    @property
    def total_bits(self) -> float:
        """Sum of bits over all edges."""
        return float(self.bits.sum())

    def account_degrees(self) -> IntArray:
        """Number of edges of each account."""
        return count_by(self.account, self.n_accounts)

    def entity_degrees(self) -> IntArray:
        """Number of edges of each entity."""
        return count_by(self.entity, self.n_entities)

    def account_strengths(self) -> FloatArray:
        """Sum of bits over the edges of each account."""
        return sum_by(self.account, self.bits, self.n_accounts)

    def entity_strengths(self) -> FloatArray:
        """Sum of bits over the edges of each entity."""
        return sum_by(self.entity, self.bits, self.n_entities)

    def account_starts(self) -> IntArray:
        """Where the edges of each account begin; one more value than accounts, the last is the number of edges."""
        return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(self.account_degrees())))

    def incidence(self) -> sp.csr_array:
        """The matrix accounts x entities, with bits as values (an edge of 0 bits is stored as well)."""
        import scipy.sparse as sp

        shape = (self.n_accounts, self.n_entities)
        return sp.csr_array((self.bits, self.entity, self.account_starts()), shape=shape)

    def components(self) -> Components:
        """Connected components over all edges, whatever their bits."""
        label = connected(self.account, self.entity + self.n_accounts, self.n_accounts + self.n_entities)
        n = int(label.max(initial=-1)) + 1
        return Components(n=n, accounts=label[: self.n_accounts], entities=label[self.n_accounts :])

    def restrict(
        self,
        *,
        accounts: npt.ArrayLike | None = None,
        entities: npt.ArrayLike | None = None,
        edges: npt.ArrayLike | None = None,
    ) -> BipartiteGraph:
        """Keep the edges that pass all masks given (one truth value an account, entity or edge); numbering stays."""
        keep = np.ones(self.n_edges, dtype=bool)
        if accounts is not None:
            keep &= _mask(accounts, "accounts", self.n_accounts)[self.account]
        if entities is not None:
            keep &= _mask(entities, "entities", self.n_entities)[self.entity]
        if edges is not None:
            keep &= _mask(edges, "edges", self.n_edges)
        return BipartiteGraph(self.n_accounts, self.n_entities, self.account[keep], self.entity[keep], self.bits[keep])

    def compact(self) -> tuple[BipartiteGraph, IntArray, IntArray]:
        """Leave out vertices without edges and number the others anew, in order.

        Returns the small graph and, for its accounts and entities, their numbers in this graph.
        """
        accounts, account = np.unique(self.account, return_inverse=True)
        entities, entity = np.unique(self.entity, return_inverse=True)
        return BipartiteGraph(accounts.size, entities.size, account, entity, self.bits), accounts, entities


def _size(index: IntArray, given: int | None) -> int:
    if given is not None:
        return given
    return int(index.max()) + 1 if index.size else 0


def _mask(values: npt.ArrayLike, name: str, size: int) -> BoolArray:
    mask = np.asarray(values)
    require(mask.dtype == np.bool_ and mask.shape == (size,), f"{name} must be {size} truth values")
    return mask
