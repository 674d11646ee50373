"""Combined fingerprints: those that follow one another, taken together.

Frames are often built from sentences that others build theirs from as well. Then no fingerprint of a frame is its own,
and only which of them follow one another tells it. So prompts that are left without a frame are looked at once more by
combined fingerprints: two that stand side by side (some five to eight words), three where nothing separates words and
a fingerprint covers no more than a phrase.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.text.frames import FrameRules
from pipeline.text.hashing import U64, mix
from pipeline.text.labels import Frames, Labels, assign, beginnings
from pipeline.text.tokens import I64, Flags
from pipeline.text.traits import language_names

_SECOND, _THIRD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def combined_rules(rules: FrameRules) -> FrameRules:
    """Return the rules for frames of combined fingerprints.

    A run of words as long as four of them is seldom said twice by chance, but where a language has few words it is:
    so some of the accounts must come back to it.
    """
    return replace(rules, habit_prints=4.0, habit=1.3, again=3, returning=0.25)


@dataclass(frozen=True)
class Combined:
    """Combined fingerprints of some rows, those of row i at values[offsets[i]:offsets[i + 1]]."""

    offsets: I64
    values: U64
    heads: I64  # index of the first fingerprint of each
    tails: I64  # and of the last


def longer_of(language: npt.NDArray[np.int8]) -> Flags:
    """Return which rows are written in a script without spaces, by their language codes."""
    return np.asarray(language == len(language_names()) - 1)


def combine(values: U64, offsets: I64, open_rows: Flags, longer: Flags, frames: Frames) -> Combined:
    """Combine the fingerprints of the rows that are open, save those that many strangers use or that are set apart.

    Row i has the fingerprints values[offsets[i]:offsets[i + 1]]; rows that are not open get none.
    """
    n_rows, lengths = len(offsets) - 1, np.diff(offsets)
    owner = np.repeat(np.arange(n_rows), lengths)
    wanted = np.flatnonzero(open_rows[owner])
    wanted = wanted[~_apart(values[wanted], frames)]
    heads, row = wanted, owner[wanted]
    follows = np.zeros(len(heads), np.bool_)
    follows[:-1] = (heads[1:] == heads[:-1] + 1) & (row[1:] == row[:-1])
    further = np.zeros(len(heads), np.bool_)
    further[:-2] = follows[:-2] & follows[1:-1]
    kept = np.where(longer[row], further, follows)
    heads, row = heads[kept], row[kept]
    made = mix(values[heads] ^ mix(values[heads + 1] + _SECOND))
    three = longer[row]
    made[three] = mix(made[three] ^ mix(values[heads[three] + 2] + _THIRD))
    ends = np.cumsum(np.bincount(row, minlength=n_rows))
    return Combined(np.concatenate([np.zeros(1, np.int64), ends]), made, heads, heads + 1 + three)


def _apart(values: U64, frames: Frames) -> Flags:
    """Tell which fingerprints many strangers use, or stand in what is set apart: wrappers and listed prompts."""
    if not len(frames.values):
        return np.zeros(len(values), np.bool_)
    place = frames.lookup.find(values)
    wrapper = np.append(frames.wrapper, False)[frames.frame[place]]  # -1 points at the last entry
    return np.asarray((place >= 0) & (frames.common[place] | wrapper))


def open_to(labels: Labels, frames: Frames) -> Flags:
    """Return which rows have no frame, or one that proves nothing since many strangers use it."""
    popular = np.append(frames.popular, True)  # -1 points at the last entry
    return np.asarray(popular[labels.frame])


def assign_both(values: U64, offsets: I64, n_in_row: I64, longer: Flags, frames: Frames, second: Frames) -> Labels:
    """Give each row its frame as `assign` does, or else one of combined fingerprints, numbered after the others."""
    labels = assign(values, offsets, n_in_row, frames)
    if not len(second.ids):
        return labels
    made = combine(values, offsets, open_to(labels, frames), longer, frames)
    found = assign(made.values, made.offsets, np.diff(made.offsets), second)
    hit = found.frame >= 0
    begun = np.where(hit, _begun(values, offsets, hit, made, frames, second), labels.beginning)
    return Labels(
        frame=np.where(hit, found.frame + len(frames.ids), labels.frame),
        wrapper=labels.wrapper,
        present=np.where(hit, found.present, labels.present),
        beginning=begun,
    )


def _begun(values: U64, offsets: I64, hit: Flags, made: Combined, frames: Frames, second: Frames) -> U64:
    """Digest the beginnings of rows with a frame of combined fingerprints: what belongs to no frame of either kind."""
    explained = np.zeros(len(values), np.bool_)
    known = second.lookup.find(made.values) >= 0
    for place in (made.heads, made.heads + 1, made.tails):
        explained[place[known]] = True
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    own = np.flatnonzero(hit[owner] & ~explained)
    own = own[frames.lookup.find(values[own]) < 0]
    return beginnings(owner[own], values[own], len(offsets) - 1)
