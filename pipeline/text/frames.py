"""Frames: groups of fingerprints that stand together in many prompts, and the frame each prompt was filled into.

Nothing here depends on the order of prompts. Counts are taken over the whole window; two fingerprints that follow one
another belong together where most prompts with the more frequent of them hold both (so a stretch that many frames
share stays apart from each of them); stretches that occur in the same prompts make a frame. A prompt is given the
most frequent of its frames that is not popular, and a popular one only where it has no other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import components, count_pairs, counted, in_runs
from pipeline.text.hashing import U64, mix
from pipeline.text.tokens import I64

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FrameRules:
    """When fingerprints are one frame, and when a prompt has it."""

    min_events: int = 3  # prompts that must share a fingerprint, and a frame
    link: float = 0.35  # share of the prompts of the more frequent fingerprint that hold both
    together: float = 0.5  # the same for stretches
    min_present: int = 3  # fingerprints of the frame that a prompt must hold, or
    min_share: float = 0.5  # this share of all that the prompt has
    min_whole: float = 0.25  # of the usual number of fingerprints of that frame
    popular_accounts: int = 50  # a frame is popular at this many accounts, and at
    popular_share: float = 0.01  # this share of all accounts
    family: float = 0.4  # share of the smaller frame's fingerprints that two frames of one family have in common


@dataclass(frozen=True)
class Shared:
    """Supported fingerprints in the prompts that hold them, in order of row and place."""

    rows: I64
    ids: I64  # place in `values`
    n_in_row: I64  # per row: fingerprints of the prompt, supported or not
    accounts: I64  # per row: number of the account
    values: U64  # sorted
    n_events: I64  # per value


@dataclass(frozen=True)
class Labels:
    """The frame of each row (-1: none) and what is known of each frame."""

    frame: I64  # per row
    present: I64  # per row: fingerprints of the frame in the prompt
    ids: U64  # per frame: lasting id
    family: U64  # per frame: id of the family
    popular: npt.NDArray[np.bool_]  # per frame


def stretches(shared: Shared, rules: FrameRules) -> I64:
    """Return for each fingerprint the stretch it belongs to (named by the smallest of its fingerprints)."""
    size = len(shared.values)
    left, right = [], []
    for gap in (1, 2):
        if len(shared.rows) > gap:
            same = shared.rows[gap:] == shared.rows[:-gap]
            left.append(shared.ids[:-gap][same])
            right.append(shared.ids[gap:][same])
    if not left:
        return np.arange(size, dtype=np.int64)
    a, b, times = count_pairs(np.concatenate(left), np.concatenate(right), size)
    strong = times >= rules.link * np.maximum(shared.n_events[a], shared.n_events[b])
    return components(size, a[strong], b[strong])


def frames_of(shared: Shared, rules: FrameRules) -> I64:
    """Return for each fingerprint the frame it belongs to: stretches that occur in the same prompts."""
    stretch = stretches(shared, rules)
    size = len(shared.values)
    n_in_stretch = np.bincount(stretch, minlength=size)
    key, times = counted(shared.rows * size + stretch[shared.ids])
    whole = times >= np.minimum(2, n_in_stretch[key % size])
    rows, present = key[whole] // size, key[whole] % size
    n_rows = np.bincount(present, minlength=size)
    # the order of stretches in a row is that of their names: the same in every prompt that holds them
    left, right = [], []
    sized = n_in_stretch[present] >= 2
    rows, present = rows[sized], present[sized]
    by_count = np.lexsort((present, n_rows[present], rows))
    rows, present = rows[by_count], present[by_count]
    for gap in (1, 2, 3):
        if len(rows) > gap:
            same = rows[gap:] == rows[:-gap]
            left.append(present[:-gap][same])
            right.append(present[gap:][same])
    if not left:
        return stretch
    a, b, both = count_pairs(np.concatenate(left), np.concatenate(right), size)
    strong = both >= rules.together * np.maximum(n_rows[a], n_rows[b])
    return components(size, a[strong], b[strong])[stretch]


def label(shared: Shared, rules: FrameRules) -> Labels:
    """Give each row its frame. Rows are prompts, numbered from 0 to len(shared.n_in_row) - 1."""
    n_rows, size = len(shared.n_in_row), len(shared.values)
    frame_of = frames_of(shared, rules)
    key, present = counted(shared.rows * max(1, size) + frame_of[shared.ids])
    rows, frames = key // max(1, size), key % max(1, size)
    held = present >= 2
    usual = np.bincount(frames[held], weights=present[held], minlength=size) / np.maximum(
        1, np.bincount(frames[held], minlength=size)
    )
    fits = (present >= rules.min_present) | (present >= rules.min_share * shared.n_in_row[rows])
    fits &= present >= rules.min_whole * usual[frames]
    rows, frames, present = rows[fits], frames[fits], present[fits]
    n_events = np.bincount(frames, minlength=size)
    n_accounts = distinct_per_group(frames, shared.accounts[rows], size)
    floor = max(rules.popular_accounts, rules.popular_share * len(np.unique(shared.accounts)))
    popular = n_accounts >= floor
    enough = n_events[frames] >= rules.min_events
    rows, frames, present = rows[enough], frames[enough], present[enough]
    rank = mix(shared.values)
    order = np.lexsort((rank[frames], -present, -n_events[frames], popular[frames], rows))
    best = order[in_runs(rows[order])[0]]
    chosen = np.full(n_rows, -1, np.int64)
    held_by = np.zeros(n_rows, np.int64)
    chosen[rows[best]] = frames[best]
    held_by[rows[best]] = present[best]
    return _named(shared, frame_of, chosen, held_by, popular, rules)


def distinct_per_group(groups: I64, members: I64, n_groups: int) -> I64:
    """Count the distinct members of each group."""
    if not len(groups):
        return np.zeros(n_groups, np.int64)
    span = int(members.max()) + 1
    keys, _ = counted(groups * span + members)
    return np.bincount(keys // span, minlength=n_groups)


def _named(
    shared: Shared,
    frame_of: I64,
    chosen: I64,
    present: I64,
    popular: npt.NDArray[np.bool_],
    rules: FrameRules,
) -> Labels:
    """Number the frames in use and give each its lasting id and its family."""
    n_events = np.bincount(chosen[chosen >= 0], minlength=len(shared.values))
    used = np.flatnonzero(n_events >= rules.min_events)
    number = np.full(len(shared.values) + 1, -1, np.int64)
    number[used] = np.arange(len(used))
    frame = number[chosen]  # -1 points at the last entry, which is -1
    of_pair = frame[shared.rows]
    inside = of_pair >= 0
    size = max(1, len(shared.values))
    key, times = counted(of_pair[inside] * size + shared.ids[inside])
    frames, prints = key // size, key % size
    share = times / np.maximum(1, n_events[used][frames])
    own = times / shared.n_events[prints]
    ids = lasting_ids(frames, shared.values[prints], share, own, len(used))
    private = ~popular[frame_of[prints]]  # what many strangers share makes no family
    family = families(frames[private], prints[private], share[private], ids, rules)
    order = np.argsort(ids, kind="stable")
    place = np.full(len(used) + 1, -1, np.int64)
    place[order] = np.arange(len(used))
    return Labels(place[frame], np.where(frame >= 0, present, 0), ids[order], family[order], popular[used][order])


def lasting_ids(frames: I64, prints: U64, share: F64, own: F64, n_frames: int) -> U64:
    """Return the id of each frame: one of its fingerprints, drawn by consistent weighted sampling.

    A fingerprint's weight is high where all prompts of the frame hold it and no others do. Each fingerprint draws an
    exponential of its weight from its own hash, and the smallest wins. When weights change a little (a day more, a day
    less), the winner changes with a chance of the order of that change, and not at all for fingerprints that every
    prompt of the frame holds. A winner that has more than half of its occurrences here cannot win in another frame.
    """
    weight = (share * own) ** 4
    uniform = (mix(prints ^ np.uint64(0x5851F42D4C957F2D)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    draw = -np.log(np.maximum(uniform, 2.0**-54)) / np.maximum(weight, 1e-300)
    order = np.lexsort((prints, draw, own <= 0.5, frames))
    starts, _ = in_runs(frames[order])
    ids = np.zeros(n_frames, np.uint64)
    winner = order[starts]
    of_all = _digest_all(frames, prints, share, n_frames)[frames[winner]]
    ids[frames[winner]] = np.where(own[winner] > 0.5, mix(prints[winner]), of_all)
    return ids


def _digest_all(frames: I64, prints: U64, share: F64, n_frames: int) -> U64:
    """Digest of all fingerprints that most prompts of a frame hold, for a frame that has none of its own."""
    total = np.zeros(n_frames, np.uint64)
    core = share >= 0.5
    np.add.at(total, frames[core], mix(prints[core] + np.uint64(1)))
    return mix(total)


def families(frames: I64, prints: I64, share: F64, ids: U64, rules: FrameRules) -> U64:
    """Return the family of each frame: frames that have enough fingerprints in common, named by their smallest id."""
    n_frames = len(ids)
    core = share >= 0.2
    frames, prints = frames[core], prints[core]
    n_core = np.bincount(frames, minlength=n_frames)
    order = np.lexsort((frames, prints))
    frames, prints = frames[order], prints[order]
    left, right = [], []
    for gap in range(1, 9):  # a fingerprint that many frames hold is boilerplate: neighbours in id order are enough
        if len(frames) > gap:
            same = prints[gap:] == prints[:-gap]
            left.append(frames[:-gap][same])
            right.append(frames[gap:][same])
    if not left:
        return ids.copy()
    a, b, both = count_pairs(np.concatenate(left), np.concatenate(right), max(1, n_frames))
    strong = both >= np.maximum(2, rules.family * np.minimum(n_core[a], n_core[b]))
    root = components(n_frames, a[strong], b[strong])
    smallest = np.full(n_frames, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, root, ids)
    return smallest[root]
