"""Wrappers: long openings that stand around requests of all kinds, such as the default prompts of agents.

What stands in a wrapper is set apart, so a large campaign's frame must never be taken for one. A wrapper is popular,
long, begins its prompts and ends in a blank line; that much a campaign can have too. What it cannot have is a public
that asks for different things: people whose own frames stand inside, people of several languages each of whom keeps to
theirs, or people most of whose prompts are others. Where none of these shows, the opening stays a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.text.groups import counted
from pipeline.text.tokens import I64, Flags

if TYPE_CHECKING:
    from pipeline.text.frames import Shared

LONG = 24.0  # usual number of fingerprints of a wrapper
AT_HEAD = 0.8  # share of its prompts that it begins, and share of them in which more follows
PARTED = 0.9  # share of its prompts with a blank line
NOW_AND_THEN = 0.15  # share of what its accounts send, at most, where it is one of many things they do; or
FRAMES_INSIDE = 5.0  # frames that stand inside, counted by how evenly they are used, in at least
INSIDE_SHARE = 0.1  # this share of its prompts; or
OWN_LANGUAGE = 0.3  # by how much better than chance (kappa) two prompts of an account agree in their language, where
OTHER_LANGUAGES = 0.05  # this share of its accounts uses another than most do
PART_OF = 0.9  # share of its prompts in wrappers, and of these wrappers' prompts that have it, for text of wrappers
_NEVER = 1e-6  # a share next to none


@dataclass(frozen=True)
class Held:
    """Frames in the prompts that hold enough of them, sorted by row."""

    rows: I64
    frames: I64
    present: I64
    before: I64  # fingerprints of the prompt that stand before the frame, save popular ones
    after: I64


def wrapping(shared: Shared, held: Held, popular: Flags, private: Flags) -> Flags:
    """Return which of the popular frames are wrappers; `private` are the other frames. All flags are by frame."""
    size = len(popular)
    n_events = np.maximum(1, np.bincount(held.frames, minlength=size))
    usual = np.bincount(held.frames, weights=held.present, minlength=size) / n_events
    begins = np.bincount(held.frames, weights=held.before <= 1, minlength=size) / n_events
    more = np.bincount(held.frames, weights=shared.n_in_row[held.rows] - held.present >= 2, minlength=size) / n_events
    parted = np.bincount(held.frames, weights=shared.parted[held.rows], minlength=size) / n_events
    found = popular & (usual >= LONG) & (begins >= AT_HEAD) & (more >= AT_HEAD) & (parted >= PARTED)
    for frame in np.flatnonzero(found).tolist():
        rows = held.rows[held.frames == frame]
        found[frame] = (
            now_and_then(rows, shared.accounts) <= NOW_AND_THEN
            or _has_frames_inside(held, rows, private)
            or own_languages(shared.accounts[rows], shared.languages[rows]) >= OWN_LANGUAGE
        )
    return found | shared_by_wrappers(held, found, popular)


def shared_by_wrappers(held: Held, wrapper: Flags, popular: Flags) -> Flags:
    """Return the popular frames that are text which wrappers have in common, such as versions of one agent.

    Nearly all their prompts stand in a wrapper, and nearly all prompts of that wrapper have them. A campaign's frame
    in somebody's wrapper has the first only.
    """
    size = len(popular)
    found = np.zeros(size, np.bool_)
    inside = wrapper[held.frames]
    outer, wrapped = held.frames[inside], held.rows[inside]
    if not len(outer):
        return found
    n_events = np.bincount(held.frames, minlength=size)
    order = np.argsort(held.frames, kind="stable")
    ends = np.cumsum(n_events)
    for frame in np.flatnonzero(popular & ~wrapper & (n_events > 0)).tolist():
        rows = held.rows[order[ends[frame] - n_events[frame] : ends[frame]]]
        around = np.isin(wrapped, rows)
        whole = np.bincount(outer[around], minlength=size) >= PART_OF * np.maximum(1, n_events)
        found[frame] = len(np.unique(wrapped[around & whole[outer]])) >= PART_OF * len(rows)
    return found


def now_and_then(rows: I64, accounts: I64) -> float:
    """Return which share of the prompts of an account stand in `rows`, for the accounts that have any.

    `accounts` names the account of every prompt. That an account is asked about because it has one is allowed for (the
    likeliest share by the binomial law without nought), or an account of which few prompts are in the sample would
    seem to send little else. 1 where no account has two prompts.
    """
    from scipy.optimize import brentq

    inside = np.bincount(accounts[rows], minlength=int(accounts.max()) + 1)
    every = np.bincount(accounts)
    known = (inside > 0) & (every > 1)
    n, found = every[known], int(inside[known].sum())
    if found == n.sum():
        return 1.0

    def surplus(share: float) -> float:
        return float((n * share / -np.expm1(n * np.log1p(-share))).sum()) - found

    return float(brentq(surplus, _NEVER, 1.0 - _NEVER)) if surplus(_NEVER) < 0.0 else 0.0


def _has_frames_inside(held: Held, rows: I64, private: Flags) -> bool:
    """Tell whether many different private frames stand in the prompts of `rows`."""
    inside = np.isin(held.rows, rows) & private[held.frames]
    if not inside.any():
        return False
    times = np.bincount(held.frames[inside]).astype(float)
    evenly = times.sum() ** 2 / (times**2).sum()
    covered = len(np.unique(held.rows[inside])) / len(rows)
    return bool(evenly >= FRAMES_INSIDE and covered >= INSIDE_SHARE)


def own_languages(accounts: I64, languages: I64) -> float:
    """Return how much better than chance two prompts of one account agree in their language, -1 to 1.

    0 where hardly any account uses another language than most do.
    """
    told = languages >= 0
    accounts, codes = accounts[told], languages[told].astype(np.int64)
    if not len(codes):
        return 0.0
    width = int(codes.max()) + 1
    key, times = counted(accounts * width + codes)
    owner, code = key // width, key % width
    main = int(np.bincount(codes).argmax())
    others = len(np.unique(owner[code != main])) / len(np.unique(owner))
    total = np.bincount(owner, weights=times)
    same = np.bincount(owner, weights=times * (times - 1))
    able = total >= 2
    if others < OTHER_LANGUAGES or not able.any():
        return 0.0
    within = float((same[able] / (total[able] * (total[able] - 1))).mean())
    chance = float(((np.bincount(codes) / len(codes)) ** 2).sum())
    return (within - chance) / (1 - chance) if chance < 1 else 0.0
