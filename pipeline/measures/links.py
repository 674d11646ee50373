"""Measures of what a group shares: evidence by family, cards and addresses, sites, frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphs.affinity import Affinity, bonds
from graphs.arrays import sum_by
from graphs.ties import Groups, group_entities, in_blocks, ties
from pipeline.graph_tables import GraphTables

Floats = npt.NDArray[np.float64]

_FAMILIES = ("network", "payment", "text")
_SITES = ("household", "office", "campus", "shared site")
_COVERS = ("hosting", "proxy exit", "VPN exit", "network")


def evidence(tables: GraphTables, groups: Groups) -> dict[str, Floats]:
    """Mean bits by family and the share of accounts tied in two families."""
    found = ties(tables.graph, groups, tables.about)
    sizes = np.maximum(groups.sizes, 1)
    out: dict[str, Floats] = {}
    declared = np.zeros(groups.n)
    for number, family in enumerate(tables.families):
        # a family that none of the shared entities is in has no column: it ties nobody
        bits = found.bits[:, number] if number < found.bits.shape[1] else np.zeros(len(groups.group))
        mean = sum_by(groups.group, bits, groups.n) / sizes
        if family in _FAMILIES:
            out[f"{family}_bits"] = mean
        else:
            declared = declared + mean
    if len(tables.families) > 3:
        out["declared_bits"] = declared
    out["tie_bits"] = sum_by(groups.group, found.total, groups.n) / sizes
    out["two_families"] = sum_by(groups.group, (found.bits >= 2.0).sum(axis=1) >= 2, groups.n) / sizes
    return out


def affinities(affinity: Affinity, groups: Groups) -> dict[str, Floats]:
    """How the group hangs together by the affinity of pairs, and how much of it lies within."""
    found = bonds(affinity, groups)
    sizes = np.maximum(groups.sizes, 1)

    def mean(values: Floats) -> Floats:
        return sum_by(groups.group, values, groups.n) / sizes

    return {
        "affinity_best": mean(found.best),
        "affinity_bound": mean((found.best >= 0.5).astype(float)),
        "affinity_mean": mean(found.inside) / np.maximum(sizes - 1, 1),
        "affinity_pairs": np.log2(mean(found.inside) + 0.01),
        "affinity_closed": _ratio(mean(found.inside), mean(found.anywhere)),
    }


def shared_things(tables: GraphTables, groups: Groups) -> dict[str, Floats]:
    """Accounts a card and an address, the top card, what sort of addresses tie, how far frames are the group's own."""
    found = [_shared_things(tables, block) for block in in_blocks(tables.graph, groups)]
    return {name: np.concatenate([f[name] for f in found]) for name in found[0]}


def _shared_things(tables: GraphTables, groups: Groups) -> dict[str, Floats]:
    row, entity, edge, inside = group_entities(tables.graph, groups)
    family = tables.about.family[entity]
    of_family = {name: family == tables.families.index(name) for name in _FAMILIES}
    is_network, is_card, is_text = of_family.values()
    group = groups.group[row]
    total = tables.graph.entity_degrees()[entity]
    out = {
        "accounts_a_card": _log_mean_largest(groups, row, inside, is_card),
        "accounts_an_address": _log_mean_largest(groups, row, inside, is_network),
        "top_card": _top_share(groups, row, group, inside, is_card),
    }
    kind = tables.entities["class"].to_numpy(object).astype(str)
    tied = (inside >= 2) & is_network
    has = _any(groups, row, tied)
    for name, kinds in (("site", _SITES), ("cover", _COVERS)):
        hit = _any(groups, row, tied & np.isin(kind, kinds)[entity])
        out[name] = _ratio(sum_by(groups.group, hit, groups.n), sum_by(groups.group, has, groups.n))
    out |= _circles(tables, groups, row, edge, inside, total, of_family)
    out |= _frames(tables, groups, row, entity, edge, inside, total, is_text)
    return out


def _frames(
    tables: GraphTables,
    groups: Groups,
    row: npt.NDArray[np.int64],
    entity: npt.NDArray[np.int64],
    edge: npt.NDArray[np.int64],
    inside: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    is_text: npt.NDArray[np.bool_],
) -> dict[str, Floats]:
    """How much of the group's traffic follows its own frames, and how few frames serve how many accounts."""
    group = groups.group[row]
    own = is_text & (inside >= 2) & (2 * inside >= total)
    weight = tables.n_events[edge].astype(float)
    requests = sum_by(groups.group, tables.account_events[groups.account], groups.n)
    in_own, squares = _per_frame(groups, group[own], entity[own], weight[own], tables)
    concentration = _ratio(squares, in_own**2)
    sizes = np.maximum(groups.sizes, 1)
    of_account = np.bincount(row[own], weights=weight[own], minlength=groups.account.size).astype(np.float64)
    an_account = of_account / np.maximum(tables.account_events[groups.account], 1)
    mean = sum_by(groups.group, an_account, groups.n) / sizes
    square = sum_by(groups.group, an_account**2, groups.n) / sizes
    in_any, all_squares = _per_frame(groups, group[is_text], entity[is_text], weight[is_text], tables)
    return {
        "frame_share_middle": _middle(groups, an_account),
        "frame_share_spread": np.sqrt(np.maximum(square - mean**2, 0.0)),
        "shared_frames": np.minimum(_ratio(in_any, requests), 1.0),
        "frames": np.log2(_ratio(in_any**2, all_squares)),
        "frame_share": np.minimum(_ratio(in_own, requests), 1.0),
        "same_frames": concentration,
        "frames_an_account": np.log2(np.maximum(1.0 / np.maximum(concentration, 1e-6), 1.0) / sizes),
    }


def _per_frame(
    groups: Groups,
    group: npt.NDArray[np.int64],
    frame: npt.NDArray[np.int64],
    weight: Floats,
    tables: GraphTables,
) -> tuple[Floats, Floats]:
    """Requests of each group in the given frames, and the sum of squares of the requests of each frame."""
    n_frames = np.int64(max(tables.graph.n_entities, 1))
    pair, inverse = np.unique(group * n_frames + frame, return_inverse=True)
    requests = np.bincount(inverse, weights=weight, minlength=pair.size)
    of_group = (pair // n_frames).astype(np.int64)
    return sum_by(of_group, requests, groups.n), sum_by(of_group, requests**2, groups.n)


def _middle(groups: Groups, values: Floats) -> Floats:
    """Median over the accounts of each group; nan for empty groups."""
    order = np.lexsort((values, groups.group))
    sizes = groups.sizes
    first = np.cumsum(sizes) - sizes
    if not values.size:
        return np.full(groups.n, np.nan)
    ordered = values[order]
    low = np.minimum(first + (np.maximum(sizes, 1) - 1) // 2, values.size - 1)
    high = np.minimum(first + sizes // 2, values.size - 1)
    return np.asarray(np.where(sizes > 0, (ordered[low] + ordered[high]) / 2.0, np.nan), dtype=np.float64)


def _circles(
    tables: GraphTables,
    groups: Groups,
    row: npt.NDArray[np.int64],
    edge: npt.NDArray[np.int64],
    inside: npt.NDArray[np.int64],
    total: npt.NDArray[np.int64],
    of_family: dict[str, npt.NDArray[np.bool_]],
) -> dict[str, Floats]:
    """How closed the circle around shared things is, how many outsiders they touch, how far one of them reaches."""
    group, weight = groups.group[row], tables.n_events[edge].astype(float)
    sizes = np.maximum(groups.sizes, 1)
    out: dict[str, Floats] = {}
    for name, of in of_family.items():
        shared = of & (inside >= 2)
        closed = np.zeros(groups.account.size)
        np.maximum.at(closed, row[shared], inside[shared] / total[shared])
        tied = sum_by(groups.group, closed > 0, groups.n)
        out[f"{name}_closed"] = _ratio(sum_by(groups.group, closed, groups.n), tied)
        outsiders = ((total - inside) / np.maximum(inside, 1))[shared]
        out[f"{name}_open"] = np.log2(1.0 + sum_by(group[shared], outsiders, groups.n) / sizes)
        if name != "payment":
            reached = sum_by(group[shared], (weight * inside)[shared], groups.n)
            of_all = sum_by(group[shared], weight[shared], groups.n)
            out["frame_reach" if name == "text" else f"{name}_reach"] = _ratio(reached, of_all) / sizes
    return out


def _log_mean_largest(
    groups: Groups, row: npt.NDArray[np.int64], inside: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]
) -> Floats:
    """Log2 of the mean, over accounts that have any, of the accounts of the group behind their most shared entity."""
    best = np.zeros(groups.account.size)
    np.maximum.at(best, row[chosen], inside[chosen])
    return np.log2(_ratio(sum_by(groups.group, best, groups.n), sum_by(groups.group, best > 0, groups.n)))


def _top_share(
    groups: Groups,
    row: npt.NDArray[np.int64],
    group: npt.NDArray[np.int64],
    inside: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.bool_],
) -> Floats:
    """Share of the accounts that have any such entity which have the most shared one."""
    top = np.zeros(groups.n)
    np.maximum.at(top, group[chosen], inside[chosen])
    return _ratio(top, sum_by(groups.group, _any(groups, row, chosen), groups.n))


def _any(groups: Groups, row: npt.NDArray[np.int64], chosen: npt.NDArray[np.bool_]) -> Floats:
    """For each row of groups 1 where any chosen edge stands on it, else 0."""
    out = np.zeros(groups.account.size)
    out[row[chosen]] = 1.0
    return out


def _ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, nan where there is nothing to divide by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below > 0, above / np.maximum(below, 1e-12), np.nan), dtype=np.float64)
