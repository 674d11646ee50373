"""Where the accounts and entities of one ring stand in its picture.

Accounts stand round a circle, those that share much next to each other. Entities stand outside, one circle a type,
each as near as there is room to the accounts that have it; what most of the ring has stands in the middle. Nothing is
drawn at random, so the same ring gives the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graphs.arrays import BoolArray, FloatArray, IntArray, as_index, require, run_lengths, run_starts, sum_by
from graphs.bipartite import BipartiteGraph
from graphs.calibration import pool_adjacent_violators

_ROUNDS = 120
_DECIMALS = 6
_TURN = 2.0 * np.pi
# radii: common entities, accounts (a band), entities by type from the first to the last
_COMMON, _ACCOUNTS, _BAND, _FIRST_TYPE, _LAST_TYPE = 0.2, 0.45, 0.12, 0.7, 1.0
# so many accounts stand side by side before the band gets another row
_ROW = 90


@dataclass(frozen=True, eq=False)
class Layout:
    """Coordinates in [-1, 1], rounded to six decimals; shape (n, 2) each."""

    accounts: FloatArray
    entities: FloatArray


def bipartite_layout(graph: BipartiteGraph, entity_type: npt.ArrayLike) -> Layout:
    """Place every account and entity of a graph; `entity_type`: one number an entity.

    Entities that more than half of the accounts have (and at least three) stand in the middle, whatever their type.
    """
    types = as_index(entity_type, "entity_type")
    require(types.size == graph.n_entities, f"entity_type must have length {graph.n_entities}, found {types.size}")
    common = graph.entity_degrees() > max(graph.n_accounts / 2.0, 2.0)
    account_angle = _account_angles(graph.restrict(entities=~common))
    rank = np.argsort(np.argsort(account_angle, kind="stable"), kind="stable")
    n_rows = 1 + graph.n_accounts // _ROW
    account_radius = _ACCOUNTS + _BAND * (rank % n_rows) / max(n_rows - 1, 1)
    angle, radius = _entity_places(graph, types, common, account_angle)
    return Layout(_points(account_angle, account_radius), _points(angle, radius))


def _points(angle: FloatArray, radius: FloatArray) -> FloatArray:
    points = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
    # adding 0 turns -0 into 0, which is written differently
    return np.asarray(np.round(points, _DECIMALS) + 0.0, dtype=np.float64)


def _account_angles(graph: BipartiteGraph) -> FloatArray:
    """Angles round the circle: components one after the other, within each in the order of its slowest mode.

    The slowest mode is the second eigenvector of a random walk between accounts over what they share, found by
    repeated averaging: accounts that share much have nearly the same value.
    """
    n = graph.n_accounts
    component = graph.components().accounts
    weight = graph.bits + 1.0  # an edge of 0 bits still draws
    strength = sum_by(graph.account, weight, n)
    entity_strength = sum_by(graph.entity, weight, graph.n_entities)
    mass = sum_by(component, strength, n)
    value = np.linspace(-1.0, 1.0, n)
    for _ in range(_ROUNDS):
        at_entity = _mean(graph.entity, weight * value[graph.account], entity_strength)
        value = 0.5 * value + 0.5 * _mean(graph.account, weight * at_entity[graph.entity], strength)
        value -= _mean(component, strength * value, mass)[component]
        size = np.zeros(n)
        np.maximum.at(size, component, np.abs(value))
        value = np.divide(value, size[component], out=np.zeros(n), where=size[component] > 1e-12)
    order = np.lexsort((np.arange(n), np.round(value, 6), component))
    angle = np.empty(n)
    angle[order] = _TURN * (np.arange(n) + 0.5) / max(n, 1)
    return angle


def _mean(group: IntArray, weighted: FloatArray, mass: FloatArray) -> FloatArray:
    total = sum_by(group, weighted, mass.size)
    return np.asarray(np.divide(total, mass, out=np.zeros_like(total), where=mass > 0), dtype=np.float64)


def _entity_places(
    graph: BipartiteGraph, types: IntArray, common: BoolArray, account_angle: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Angle and radius of each entity: near the mean direction of its accounts, at least a step from its neighbour."""
    x, y = (sum_by(graph.entity, f(account_angle)[graph.account], graph.n_entities) for f in (np.cos, np.sin))
    wish: FloatArray = np.round(np.mod(np.arctan2(y, x), _TURN), 9).astype(np.float64)
    circles, circle = np.unique(types, return_inverse=True)
    radius = _FIRST_TYPE + (_LAST_TYPE - _FIRST_TYPE) * circle / max(circles.size - 1, 1)
    radius = np.where(common, _COMMON if common.sum() > 1 else 0.0, radius)
    circle = np.where(common, circles.size, circle)
    order = np.lexsort((np.arange(wish.size), wish, circle))
    starts = run_starts(circle[order])
    angle = wish.copy()
    for start, length in zip(starts, run_lengths(starts, order.size), strict=True):
        here = order[start : start + length]
        angle[here] = _apart(wish[here], _TURN / (1.5 * length))
    return angle, radius


def _apart(ascending: FloatArray, step: float) -> FloatArray:
    """Angles nearest to the given ones (ascending, in one turn) that keep a step from each other round the circle."""
    # the circle is cut open in its widest gap, where nothing has to move across
    gap = np.diff(ascending, append=ascending[0] + _TURN)
    widest = int(gap.argmax())
    cut = ascending[widest] + gap[widest] / 2.0
    along = np.roll(np.mod(ascending - cut, _TURN), -widest - 1)
    place = np.arange(ascending.size) * step
    moved = pool_adjacent_violators(along - place, np.ones(along.size)) + place
    inside = np.clip(moved, place + step / 2.0, _TURN - step / 2.0 - place[::-1])
    return np.asarray(np.roll(inside, widest + 1) + cut, dtype=np.float64)
