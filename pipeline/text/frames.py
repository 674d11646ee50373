"""Frames: groups of fingerprints that stand together in many prompts.

Nothing here depends on the order of prompts. Two fingerprints that follow one another belong together where most
prompts with the more frequent of them hold both, so a stretch that many frames share stays apart from each of them;
stretches that occur in the same prompts make a frame. What strangers happen to share is told from a frame by where it
stands and by who uses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import components, count_pairs, counted, in_runs, linked
from pipeline.text.hashing import U64, mix
from pipeline.text.labels import MIN_SHARE, Frames, assign, enough
from pipeline.text.lookup import Lookup
from pipeline.text.public import public_frames
from pipeline.text.refine import refined
from pipeline.text.tokens import I64, Flags
from pipeline.text.wrappers import Held, wrapping

F64 = npt.NDArray[np.float64]

SENTENCE = 12  # fingerprints of a sentence of some 24 words
BRIEF = 24  # fingerprints of a prompt of some 48 words
CERTAIN = 0.6  # share of the frame's prompts that hold a fingerprint times share of its prompts that are the frame's


@dataclass(frozen=True)
class FrameRules:
    """When fingerprints are one frame, and when a prompt has it."""

    min_events: int = 3  # prompts that must share a fingerprint, and a frame
    link: float = 0.5  # share of the prompts of the more frequent fingerprint that hold both
    together: float = 0.5  # the same for stretches
    own: float = 0.8  # share of a fingerprint's prompts that must have the frame before it speaks for it alone
    popular_accounts: int = 50  # a frame is popular at this many accounts, and at
    popular_share: float = 0.01  # this share of all accounts
    anchored: float = 0.6  # share of a frame's prompts that it begins or ends, save what is popular, or
    surprise: float = 26.0  # bits by which it does so more surely than by chance, or
    many: int = 12  # prompts of which it makes up half, or
    habit_prints: float = 6.0  # fingerprints it usually has, where it is used again and again: at least
    habit: float = 2.5  # prompts an account; a phrase that people happen to share has neither
    returning: float = 0.0  # share of a frame's accounts that must have it in two conversations or more
    again: int = 0  # conversations beyond the first of each account that a habit must have
    family: float = 0.5  # share of the smaller frame's fingerprints that two frames of one family have in common


@dataclass(frozen=True)
class Shared:
    """Fingerprints that several prompts of a sample share, in those prompts, in order of row and place."""

    rows: I64
    ids: I64  # place in `values`
    places: I64  # number of the fingerprint within its prompt, shared or not
    n_in_row: I64  # per row: fingerprints of the prompt, shared or not
    accounts: I64  # per row: number of the account
    parted: Flags  # per row: the prompt has a blank line
    languages: npt.NDArray[np.int8]  # per row: code of the language at its end, -1 where nothing tells
    values: U64  # sorted
    n_events: I64  # per value


def share(
    rows: I64,
    places: I64,
    values: U64,
    n_in_row: I64,
    accounts: I64,
    parted: Flags,
    languages: npt.NDArray[np.int8],
    min_events: int,
) -> Shared:
    """Keep the fingerprints that at least `min_events` rows hold. Rows and places ascend; no row repeats one."""
    distinct, times = counted(values)
    shared, n_events = distinct[times >= min_events], times[times >= min_events]
    ids = Lookup(shared).find(values)
    kept = np.flatnonzero(ids >= 0)
    return Shared(
        rows=rows[kept],
        ids=ids[kept],
        places=places[kept],
        n_in_row=n_in_row,
        accounts=accounts,
        parted=parted,
        languages=languages,
        values=shared,
        n_events=n_events,
    )


def stretches(shared: Shared, rules: FrameRules) -> I64:
    """Return for each fingerprint the stretch it belongs to (named by the smallest of its fingerprints)."""
    n_events = shared.n_events[shared.ids]
    pairs = []
    for gap in (1, 2, 3):
        one, other = n_events[:-gap], n_events[gap:]
        able = np.minimum(one, other) >= rules.link * np.maximum(one, other)
        able &= shared.rows[gap:] == shared.rows[:-gap]
        pairs.append((shared.ids[:-gap][able], shared.ids[gap:][able]))

    def strong(a: I64, b: I64, times: I64) -> Flags:
        most = np.maximum(shared.n_events[a], shared.n_events[b])
        return np.asarray((times >= rules.min_events) & (times >= rules.link * most))

    return linked(len(shared.values), pairs, strong)


def frames_of(shared: Shared, rules: FrameRules) -> I64:
    """Return for each fingerprint the frame it belongs to: stretches that occur in the same prompts."""
    stretch = stretches(shared, rules)
    size = len(shared.values)
    n_in_stretch = np.bincount(stretch, minlength=size)
    # a stretch of one fingerprint is part of a frame only where it begins or ends its prompts
    edge = (shared.places <= 1) | (shared.places >= shared.n_in_row[shared.rows] - 2)
    edgy = np.bincount(shared.ids[edge], minlength=size) >= 0.5 * shared.n_events
    tied = (n_in_stretch[stretch] > 1) | edgy
    entry = tied[shared.ids]
    key, times = counted(shared.rows[entry] * size + stretch[shared.ids[entry]])
    whole = times >= np.minimum(2, n_in_stretch[key % size])
    rows, present = key[whole] // size, key[whole] % size
    n_rows = np.bincount(present, minlength=size)
    # in the order of how frequent they are: the stretches of one frame are about equally so
    by_count = np.lexsort((present, n_rows[present], rows))
    rows, present = rows[by_count], present[by_count]
    in_order = n_rows[present]
    pairs = []
    for gap in (1, 2, 3, 4):
        able = (rows[gap:] == rows[:-gap]) & (in_order[:-gap] >= rules.together * in_order[gap:])
        pairs.append((present[:-gap][able], present[gap:][able]))

    def strong(a: I64, b: I64, both: I64) -> Flags:
        return np.asarray((both >= rules.min_events) & (both >= rules.together * np.maximum(n_rows[a], n_rows[b])))

    return refined(shared, linked(size, pairs, strong)[stretch])


def settle(shared: Shared, rules: FrameRules) -> Frames:
    """Find the frames of a sample of prompts."""
    frame_of = frames_of(shared, rules)
    size = len(shared.values)
    n_prints = np.bincount(frame_of, minlength=size)
    speaking = (n_prints[frame_of[shared.ids]] > 1) | (shared.n_in_row[shared.rows] <= 2)
    key, present = counted(shared.rows[speaking] * max(1, size) + frame_of[shared.ids[speaking]])
    rows, frames = key // max(1, size), key % max(1, size)
    usual = _usual(frames, present, size)
    first = enough(present, shared.n_in_row[rows], usual[frames])
    popular = _popular(shared, rows[first], frames[first], rules)
    common = popular[frame_of]
    rest = shared.n_in_row - np.bincount(shared.rows[common[shared.ids]], minlength=len(shared.n_in_row))
    fits = enough(present, rest[rows], usual[frames])
    held = _between(shared, frame_of, common, rows[fits], frames[fits], present[fits])
    n_events = np.bincount(held.frames, minlength=size)
    accepted = (n_events >= rules.min_events) & _marked(shared, held, popular, rest, rules)
    wrapper = wrapping(shared, held, popular & accepted, accepted & ~popular)
    wrapper |= accepted & public_frames(shared.values, frame_of, size)  # what is listed is set apart likewise
    number = np.cumsum(accepted) - 1
    numbers = np.where(accepted, number, -1)[frame_of]
    wanted = np.flatnonzero((numbers >= 0) | common)
    found = Frames(
        values=shared.values[wanted],
        frame=numbers[wanted],
        common=common[wanted],
        speaks=np.zeros(len(wanted), np.bool_),
        usual=usual[accepted],
        n_events=n_events[accepted],
        popular=popular[accepted],
        wrapper=wrapper[accepted],
        brief=(np.bincount(held.frames, weights=shared.n_in_row[held.rows] > BRIEF, minlength=size) < 0.1 * n_events)[
            accepted
        ],
        ids=mix(shared.values)[accepted],
        family=mix(shared.values)[accepted],
    )
    return _named(shared, found, rules)


def _usual(frames: I64, present: I64, size: int) -> F64:
    """Return how many fingerprints a prompt of each frame usually has.

    The mean over fingerprints, not over prompts: the many prompts that hold a common turn of phrase out of a long
    frame shall not make it look short.
    """
    total = np.bincount(frames, weights=present, minlength=size)
    return np.asarray(np.bincount(frames, weights=present * present, minlength=size) / np.maximum(1, total))


def _popular(shared: Shared, rows: I64, frames: I64, rules: FrameRules) -> Flags:
    n_accounts = distinct_per_group(frames, shared.accounts[rows], len(shared.values))
    floor = max(rules.popular_accounts, rules.popular_share * len(np.unique(shared.accounts)))
    return np.asarray(n_accounts >= floor)


def _between(shared: Shared, frame_of: I64, common: Flags, rows: I64, frames: I64, present: I64) -> Held:
    """Measure how much of each prompt stands before and after the frames it holds, save what is popular."""
    if not len(rows):
        return Held(rows, frames, present, rows, rows)
    size = len(shared.values)
    ours = common[shared.ids]
    running = np.cumsum(ours)
    starts, lengths = in_runs(shared.rows)
    common_before: I64 = running - ours - np.repeat((running - ours)[starts], lengths)
    common_in_row = np.repeat(np.add.reduceat(ours.astype(np.int64), starts), lengths)
    own_before = shared.places - common_before
    own_after = shared.n_in_row[shared.rows] - 1 - shared.places - (common_in_row - common_before - ours)
    key = shared.rows * size + frame_of[shared.ids]
    order = np.argsort(key, kind="stable")
    runs, run_lengths = in_runs(key[order])
    wanted = np.searchsorted(key[order][runs], rows * size + frames)
    first, last = order[runs], order[runs + run_lengths - 1]
    return Held(rows, frames, present, own_before[first][wanted], own_after[last][wanted])


def _marked(shared: Shared, held: Held, popular: Flags, rest: I64, rules: FrameRules) -> Flags:
    """Tell frames from phrases that strangers happen to share.

    A frame makes up nearly all of its prompts, or much of many; or it begins or ends them more surely than chance
    would have it; or a few accounts use it again and again.
    """
    size = len(shared.values)
    n_events = np.maximum(1, np.bincount(held.frames, minlength=size))
    asked = np.where(popular[held.frames], shared.n_in_row[held.rows], np.maximum(1, rest[held.rows]))
    covered = np.bincount(held.frames, weights=held.present / asked, minlength=size) / n_events
    covers = (covered >= 0.8) | ((covered >= MIN_SHARE) & (n_events >= rules.many))
    # one of several stretches of a text stands at a given end of it with this chance
    chance = 1.0 / (2.0 + np.maximum(0, asked - held.present) / np.maximum(SENTENCE, held.present))
    chance = np.bincount(held.frames, weights=chance, minlength=size) / n_events
    anchored = np.zeros(size, np.bool_)
    for at_edge in (held.before <= 1, held.after <= 1):
        found = np.bincount(held.frames, weights=at_edge, minlength=size) / n_events
        anchored |= (found >= rules.anchored) & (n_events * _divergence(found, chance) >= rules.surprise)
    n_accounts = distinct_per_group(held.frames, shared.accounts[held.rows], size)
    usual = np.bincount(held.frames, weights=held.present, minlength=size) / n_events
    habit = ~popular & (usual >= rules.habit_prints) & (n_events >= rules.habit * np.maximum(1, n_accounts))
    if rules.returning:
        n_talks, n_back = talks(shared, held)
        habit &= n_talks >= n_accounts + rules.again
        return np.asarray((covers | anchored | habit) & (n_back >= rules.returning * n_accounts))
    return np.asarray(covers | anchored | habit)


def talks(shared: Shared, held: Held) -> tuple[I64, I64]:
    """Count for each frame its conversations, and its accounts that have it in two conversations or more.

    A client sends a conversation again with every turn: prompts of an account are one conversation where they share
    what nobody else sends.
    """
    size, n_rows = len(shared.values), len(shared.n_in_row)
    owner = shared.accounts[shared.rows]
    first, last = np.full(size, n_rows), np.full(size, -1)
    np.minimum.at(first, shared.ids, owner)
    np.maximum.at(last, shared.ids, owner)
    alone = np.flatnonzero((first == last)[shared.ids])
    talk = size + np.arange(n_rows)
    np.minimum.at(talk, shared.rows[alone], shared.ids[alone])  # ids ascend with their hashes: any one serves
    span = size + n_rows
    by_account, _ = counted(held.frames * n_rows + shared.accounts[held.rows])
    number = np.searchsorted(by_account, held.frames * n_rows + shared.accounts[held.rows])
    different, _ = counted(number * span + talk[held.rows])
    per_account = np.bincount(different // span, minlength=len(by_account))
    frame = by_account // n_rows
    n_talks = np.bincount(frame, weights=per_account, minlength=size).astype(np.int64)
    return n_talks, np.bincount(frame[per_account >= 2], minlength=size)


def _divergence(found: F64, chance: F64) -> F64:
    """Return the bits by which a share that was found surprises, an event, where chance would give another."""
    low, chance = np.clip(found, 1e-12, 1 - 1e-12), np.clip(chance, 1e-12, 0.5)
    bits = low * np.log2(low / chance) + (1 - low) * np.log2((1 - low) / (1 - chance))
    return np.asarray(np.where(found > chance, bits, 0.0))


def distinct_per_group(groups: I64, members: I64, n_groups: int) -> I64:
    """Count the distinct members of each group."""
    if not len(groups):
        return np.zeros(n_groups, np.int64)
    span = int(members.max()) + 1
    keys, _ = counted(groups * span + members)
    return np.bincount(keys // span, minlength=n_groups)


def _named(shared: Shared, found: Frames, rules: FrameRules) -> Frames:
    """Drop the frames that no prompt is given, and give the others their lasting ids and families."""
    offsets = np.searchsorted(shared.rows, np.arange(len(shared.n_in_row) + 1)).astype(np.int64)
    labels = assign(shared.values[shared.ids], offsets, shared.n_in_row, found)
    n_frames, size = len(found.ids), max(1, len(shared.values))
    n_events = np.zeros(n_frames, np.int64)
    keys = []
    for given in (labels.frame, labels.wrapper):
        n_events += np.bincount(given[given >= 0], minlength=n_frames)
        of_entry = given[shared.rows]
        inside = of_entry >= 0
        keys.append(of_entry[inside] * size + shared.ids[inside])
    key, times = counted(np.concatenate(keys))
    frames, prints = key // size, key % size
    share_of = times / np.maximum(1, n_events[frames])
    own = times / shared.n_events[prints]
    ids = lasting_ids(frames, shared.values[prints], share_of, own, n_frames)
    place = np.searchsorted(shared.values, found.values)
    common = np.zeros(len(shared.values), np.bool_)
    common[place] = found.common
    private = ~found.popular[frames] & ~common[prints]  # what many strangers share makes no family
    family = families(frames[private], prints[private], share_of[private], ids, rules)
    owner = np.full(len(shared.values), -1, np.int64)
    owner[place] = found.frame
    belongs = np.zeros(len(shared.values), np.bool_)
    mine = owner[prints] == frames
    belongs[prints[mine]] = own[mine] >= rules.own
    return found.reordered(ids, family, belongs[place], n_events >= rules.min_events)


def lasting_ids(frames: I64, prints: U64, share: F64, own: F64, n_frames: int) -> U64:
    """Return the id of each frame: one of its fingerprints, drawn by consistent weighted sampling.

    A fingerprint's weight is high where all prompts of the frame hold it and no others do. Each fingerprint draws an
    exponential of its weight from its own hash, and the smallest wins. When weights change a little (a day more, a day
    less), the winner changes with a chance of the order of that change, and not at all among fingerprints that are
    certain enough. A winner that has more than half of its occurrences here cannot win in another frame.
    """
    weight = np.minimum(1.0, share * own / CERTAIN) ** 16
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
    strong = both >= np.maximum(3, rules.family * np.minimum(n_core[a], n_core[b]))
    root = components(n_frames, a[strong], b[strong])
    smallest = np.full(n_frames, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, root, ids)
    return smallest[root]
