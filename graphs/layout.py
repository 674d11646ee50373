"""Where the accounts and entities of one ring stand in its picture.

Entities stand on a circle, each type on an arc of its own; accounts stand inside, drawn towards what they share.
Nothing is drawn at random, so the same ring gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import FloatArray, IntArray, as_index, rank_in_run, require, run_lengths, run_starts, sum_by
from graphs.bipartite import BipartiteGraph

_ROUNDS = 12
_GAP = 0.15  # of the circle, shared among the gaps between arcs
_DECIMALS = 6
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True, eq=False)
class Layout:
    """Coordinates in [-1, 1], rounded to six decimals; shape (n, 2) each."""

    accounts: FloatArray
    entities: FloatArray


def bipartite_layout(graph: BipartiteGraph, entity_type: npt.ArrayLike) -> Layout:
    """Place every account and entity of a graph; `entity_type`: one number an entity.

    Entities of a type are ordered along their arc by barycentre, so that what the same accounts share stands
    together. An account stands at the mean of its entities, weighted by bits, drawn inwards; accounts that would
    stand on one spot are set out around it as sunflower seeds are.
    """
    types = as_index(entity_type, "entity_type")
    require(types.size == graph.n_entities, f"entity_type must have length {graph.n_entities}, found {types.size}")
    weight = graph.bits + 1.0  # an edge of 0 bits still draws
    angle = _entity_angles(graph, types, weight)
    circle = np.stack((np.cos(angle), np.sin(angle)), axis=1)
    mass = sum_by(graph.account, weight, graph.n_accounts)
    mean = np.zeros((graph.n_accounts, 2))
    for axis in range(2):
        pull = sum_by(graph.account, weight * circle[graph.entity, axis], graph.n_accounts)
        mean[:, axis] = np.divide(pull, mass, out=np.zeros_like(pull), where=mass > 0)
    inner = _spread_out(np.round(0.72 * mean, _DECIMALS))
    return Layout(np.round(inner, _DECIMALS) + 0.0, np.round(circle, _DECIMALS) + 0.0)


def _entity_angles(graph: BipartiteGraph, types: IntArray, weight: FloatArray) -> FloatArray:
    """Angle of each entity; arcs by type, as long as the square root of their number, so that few are not lost."""
    order = np.argsort(types, kind="stable").astype(np.int64)
    for _ in range(_ROUNDS):
        angle = _angles(order, types)
        # an account points to the mean direction of its entities, an entity to that of its accounts
        x, y = (sum_by(graph.account, weight * f(angle)[graph.entity], graph.n_accounts) for f in (np.cos, np.sin))
        length = np.hypot(x, y)
        x, y = (np.divide(v, length, out=np.zeros_like(v), where=length > 1e-9) for v in (x, y))
        back_x, back_y = (sum_by(graph.entity, weight * v[graph.account], graph.n_entities) for v in (x, y))
        pulled = np.hypot(back_x, back_y) > 1e-9
        turn = np.mod(np.arctan2(back_y, back_x) - angle + np.pi, 2 * np.pi) - np.pi
        wish = np.round(angle + np.where(pulled, turn, 0.0), 9)
        again = np.lexsort((np.arange(types.size), wish, types))
        if bool((again == order).all()):
            break
        order = again
    return _angles(order, types)


def _angles(order: IntArray, types: IntArray) -> FloatArray:
    angle = np.zeros(types.size)
    starts = run_starts(types[order])
    length = run_lengths(starts, order.size)
    arc = np.sqrt(length) / np.sqrt(length).sum() * (1.0 - _GAP) if length.size else np.zeros(0)
    gap = _GAP / max(length.size, 1)
    begin = np.cumsum(arc + gap) - arc
    within = (rank_in_run(starts, order.size) + 0.5) / np.repeat(length, length)
    angle[order] = 2.0 * np.pi * (np.repeat(begin, length) + within * np.repeat(arc, length))
    return angle


def _spread_out(spot: FloatArray) -> FloatArray:
    """Set points of one spot out in a spiral, by number; a spot's disc grows with the square root of its number."""
    _, where, count = np.unique(spot, axis=0, return_inverse=True, return_counts=True)
    where = where.reshape(-1).astype(np.int64)
    order = np.argsort(where, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = rank_in_run(run_starts(where[order]), order.size)
    n = count[where]
    reach = np.minimum(0.02 * np.sqrt(n), 0.25)
    radius = np.where(n > 1, reach * np.sqrt((rank + 0.5) / n), 0.0)
    angle = rank * _GOLDEN_ANGLE
    offset = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
    return np.asarray(spot + offset, dtype=np.float64)
