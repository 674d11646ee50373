"""Frames: groups of fingerprints that stand together in many prompts, and the frame each prompt was filled into.

Nothing here depends on the order of prompts. Counts are taken over the whole window; two fingerprints that follow one
another belong together where most prompts with the more frequent of them hold both (so a stretch that many frames
share stays apart from each of them); stretches that occur in the same prompts make a frame. A prompt is given the
most frequent of its frames that is not popular, and a popular one only where it has no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import components, count_pairs, counted, in_runs
from pipeline.text.hashing import U64, mix
from pipeline.text.tokens import I64, Flags

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FrameRules:
    """When fingerprints are one frame, and when a prompt has it."""

    min_events: int = 3  # prompts that must share a fingerprint, and a frame
    link: float = 0.5  # share of the prompts of the more frequent fingerprint that hold both
    together: float = 0.5  # the same for stretches
    min_present: int = 3  # fingerprints of the frame that a prompt must hold, or
    min_share: float = 0.5  # this share of all that the prompt has
    min_whole: float = 0.25  # of the usual number of fingerprints of that frame
    mostly: float = 0.6  # of that number, where a prompt holds the frame as a whole
    own: float = 0.8  # share of a fingerprint's prompts that must have the frame before it speaks for it alone
    popular_accounts: int = 50  # a frame is popular at this many accounts, and at
    popular_share: float = 0.01  # this share of all accounts
    anchored: float = 0.6  # share of a frame's prompts that it begins or ends, save what is popular, or
    habit: float = 2.5  # prompts an account; a phrase that people happen to share has neither
    wrapper_prints: float = 24.0  # usual number of fingerprints of a popular frame that is a wrapper
    family: float = 0.4  # share of the smaller frame's fingerprints that two frames of one family have in common


@dataclass(frozen=True)
class Shared:
    """Supported fingerprints in the prompts that hold them, in order of row and place."""

    rows: I64
    ids: I64  # place in `values`
    places: I64  # number of the fingerprint within its prompt, supported or not
    n_in_row: I64  # per row: fingerprints of the prompt, supported or not
    accounts: I64  # per row: number of the account
    values: U64  # sorted
    n_events: I64  # per value


@dataclass(frozen=True)
class Labels:
    """The frame of each row (-1: none) and what is known of each frame."""

    frame: I64  # per row
    wrapper: I64  # per row: the wrapper around the request, a number among the frames too
    present: I64  # per row: fingerprints of the frame in the prompt
    ids: U64  # per frame: lasting id
    family: U64  # per frame: id of the family
    popular: Flags  # per frame


def stretches(shared: Shared, rules: FrameRules) -> I64:
    """Return for each fingerprint the stretch it belongs to (named by the smallest of its fingerprints)."""
    size = len(shared.values)
    left, right = [], []
    for gap in (1, 2, 3):
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
    # in the order of how frequent they are: the stretches of one frame are about equally so
    left, right = [], []
    by_count = np.lexsort((present, n_rows[present], rows))
    rows, present = rows[by_count], present[by_count]
    for gap in (1, 2, 3, 4):
        if len(rows) > gap:
            same = rows[gap:] == rows[:-gap]
            left.append(present[:-gap][same])
            right.append(present[gap:][same])
    if not left:
        return stretch
    a, b, both = count_pairs(np.concatenate(left), np.concatenate(right), size)
    strong = both >= rules.together * np.maximum(n_rows[a], n_rows[b])
    return components(size, a[strong], b[strong])[stretch]


@dataclass(frozen=True)
class _Held:
    """Frames in the prompts that hold enough of them, sorted by row."""

    rows: I64
    frames: I64
    present: I64
    whole: Flags  # the prompt holds most of the frame
    before: I64  # fingerprints of the prompt that stand before the frame, save popular ones
    after: I64

    def only(self, kept: Flags) -> _Held:
        return _Held(
            self.rows[kept],
            self.frames[kept],
            self.present[kept],
            self.whole[kept],
            self.before[kept],
            self.after[kept],
        )


def label(shared: Shared, rules: FrameRules) -> Labels:
    """Give each row its frame. Rows are prompts, numbered from 0 to len(shared.n_in_row) - 1."""
    frame_of = frames_of(shared, rules)
    popular = _popular(shared, _held(shared, frame_of, shared.n_in_row, rules), rules)
    rest = _without_popular(shared, popular[frame_of])
    held = _between(shared, frame_of, popular, _held(shared, frame_of, rest, rules))
    size = len(shared.values)
    n_events = np.bincount(held.frames, minlength=size)
    accepted = (n_events >= rules.min_events) & _marked(shared, held, rules)
    wrapper = popular & accepted & _wrapping(shared, held, rules)
    held = held.only(accepted[held.frames])
    chosen, present = _best(shared, held.only(~wrapper[held.frames]), popular, n_events)
    around, _ = _best(shared, held.only(wrapper[held.frames]), popular, n_events)
    chosen, present = _adopted(shared, frame_of, chosen, present, rules)
    return _named(shared, frame_of, chosen, around, present, popular, rules)


def _without_popular(shared: Shared, popular: Flags) -> I64:
    """Count the fingerprints of each prompt that belong to no popular frame."""
    common = np.bincount(shared.rows[popular[shared.ids]], minlength=len(shared.n_in_row))
    return np.asarray(shared.n_in_row - common)


def _held(shared: Shared, frame_of: I64, n_in_row: I64, rules: FrameRules) -> _Held:
    """Find the frames that prompts hold enough of; `n_in_row` is the number of fingerprints that want explaining."""
    size = max(1, len(shared.values))
    key, present = counted(shared.rows * size + frame_of[shared.ids])
    rows, frames = key // size, key % size
    twice = present >= 2
    usual = np.bincount(frames[twice], weights=present[twice], minlength=size) / np.maximum(
        1, np.bincount(frames[twice], minlength=size)
    )
    fits = (present >= rules.min_present) | (present >= rules.min_share * n_in_row[rows])
    fits |= twice & (present >= 0.8 * usual[frames])  # short frames
    fits &= present >= rules.min_whole * usual[frames]
    nothing = np.zeros(int(fits.sum()), np.int64)
    whole = present >= rules.mostly * usual[frames]
    return _Held(rows[fits], frames[fits], present[fits], whole[fits], nothing, nothing)


def _popular(shared: Shared, held: _Held, rules: FrameRules) -> Flags:
    n_accounts = distinct_per_group(held.frames, shared.accounts[held.rows], len(shared.values))
    return n_accounts >= max(rules.popular_accounts, rules.popular_share * len(np.unique(shared.accounts)))


def _between(shared: Shared, frame_of: I64, popular: Flags, held: _Held) -> _Held:
    """Measure how much of each prompt stands before and after the frames it holds, save what is popular."""
    if not len(held.rows):
        return held
    size = len(shared.values)
    common = popular[frame_of[shared.ids]]
    n_common = np.cumsum(common)
    starts, lengths = in_runs(shared.rows)
    first_of_row = np.repeat(starts, lengths)
    common_before: I64 = n_common - common - (n_common - common)[first_of_row]
    common_in_row = np.repeat(np.add.reduceat(common.astype(np.int64), starts), lengths)
    own_before = shared.places - common_before
    own_after = shared.n_in_row[shared.rows] - 1 - shared.places - (common_in_row - common_before - common)
    key = shared.rows * size + frame_of[shared.ids]
    order = np.argsort(key, kind="stable")
    runs, run_lengths = in_runs(key[order])
    wanted = np.searchsorted(key[order][runs], held.rows * size + held.frames)
    first, last = order[runs], order[runs + run_lengths - 1]
    return _Held(held.rows, held.frames, held.present, held.whole, own_before[first][wanted], own_after[last][wanted])


def _marked(shared: Shared, held: _Held, rules: FrameRules) -> Flags:
    """Tell frames from phrases that strangers happen to share.

    A frame makes up much of its prompts, or begins or ends them, or is used again and again by the same accounts.
    """
    size = len(shared.values)
    n_events = np.maximum(1, np.bincount(held.frames, minlength=size))
    covered = np.bincount(held.frames, weights=held.present / shared.n_in_row[held.rows], minlength=size) / n_events
    begins = np.bincount(held.frames, weights=held.before <= 1, minlength=size) / n_events
    ends = np.bincount(held.frames, weights=held.after <= 1, minlength=size) / n_events
    n_accounts = distinct_per_group(held.frames, shared.accounts[held.rows], size)
    floor = rules.anchored + (1.0 - rules.anchored) * (n_events < 8)
    anchored = np.maximum(begins, ends) >= floor
    return (covered >= rules.min_share) | anchored | (n_events >= rules.habit * np.maximum(1, n_accounts))


def _wrapping(shared: Shared, held: _Held, rules: FrameRules) -> Flags:
    """Tell long openings around requests of all kinds (default prompts of agents) from frames with slots."""
    size = len(shared.values)
    n_events = np.maximum(1, np.bincount(held.frames, minlength=size))
    usual = np.bincount(held.frames, weights=held.present, minlength=size) / n_events
    begins = np.bincount(held.frames, weights=held.before <= 1, minlength=size) / n_events
    more = np.bincount(held.frames, weights=shared.n_in_row[held.rows] - held.present >= 2, minlength=size) / n_events
    return (usual >= rules.wrapper_prints) & (begins >= 0.8) & (more >= 0.8)


def _best(shared: Shared, held: _Held, popular: Flags, n_events: I64) -> tuple[I64, I64]:
    """Choose one frame a row: not popular before popular, mostly there before in part, then the most frequent."""
    chosen = np.full(len(shared.n_in_row), -1, np.int64)
    present = np.zeros(len(shared.n_in_row), np.int64)
    rank = mix(shared.values)
    order = np.lexsort(
        (rank[held.frames], -held.present, -n_events[held.frames], ~held.whole, popular[held.frames], held.rows)
    )
    best = order[in_runs(held.rows[order])[0]]
    chosen[held.rows[best]] = held.frames[best]
    present[held.rows[best]] = held.present[best]
    return chosen, present


def _adopted(shared: Shared, frame_of: I64, chosen: I64, present: I64, rules: FrameRules) -> tuple[I64, I64]:
    """Give rows without a frame the one that two of their fingerprints belong to and hardly to anything else."""
    size = max(1, len(shared.values))
    mine = frame_of[shared.ids] == chosen[shared.rows]
    own = np.bincount(shared.ids[mine], minlength=size) / np.maximum(1, np.bincount(shared.ids, minlength=size))
    speaks = (own[shared.ids] >= rules.own) & (chosen[shared.rows] < 0)
    key, times = counted(shared.rows[speaks] * size + frame_of[shared.ids[speaks]])
    rows, frames = key // size, key % size
    order = np.lexsort((frames, -times, rows))
    best = order[in_runs(rows[order])[0]]
    best = best[times[best] >= 2]
    chosen, present = chosen.copy(), present.copy()
    chosen[rows[best]] = frames[best]
    present[rows[best]] = times[best]
    return chosen, present


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
    around: I64,
    present: I64,
    popular: Flags,
    rules: FrameRules,
) -> Labels:
    """Number the frames in use and give each its lasting id and its family."""
    size = max(1, len(shared.values))
    n_events = np.bincount(chosen[chosen >= 0], minlength=size) + np.bincount(around[around >= 0], minlength=size)
    used = np.flatnonzero(n_events >= rules.min_events)
    number = np.full(size + 1, -1, np.int64)
    number[used] = np.arange(len(used))
    frame = number[chosen]  # -1 points at the last entry, which is -1
    wrapper = number[around]
    of_pair = frame[shared.rows]
    inside = of_pair >= 0
    wrapped = wrapper[shared.rows]
    key, times = counted(
        np.concatenate([of_pair[inside] * size + shared.ids[inside], (wrapped * size + shared.ids)[wrapped >= 0]])
    )
    frames, prints = key // size, key % size
    share = times / np.maximum(1, n_events[used][frames])
    own = times / shared.n_events[prints]
    ids = lasting_ids(frames, shared.values[prints], share, own, len(used))
    private = ~popular[frame_of[prints]]  # what many strangers share makes no family
    family = families(frames[private], prints[private], share[private], ids, rules)
    order = np.argsort(ids, kind="stable")
    place = np.full(len(used) + 1, -1, np.int64)
    place[order] = np.arange(len(used))
    held = np.where(frame >= 0, present, 0)
    return Labels(place[frame], place[wrapper], held, ids[order], family[order], popular[used][order])


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
