"""The frame that a prompt was filled into, given the frames: a matter of the prompt and the frames alone."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.text.groups import counted, in_runs
from pipeline.text.hashing import U64, mix
from pipeline.text.lookup import Lookup
from pipeline.text.sketches import worth_compiling
from pipeline.text.tokens import I64, Flags

MIN_PRESENT = 3  # fingerprints of a frame that a prompt must hold, or
MIN_SHARE = 0.5  # this share of all that the prompt has, or
SHORT = 0.8  # this share of the usual number, where a frame has few; and in any case
MIN_WHOLE = 0.35  # this share of it
MIN_SPEAKING = 0.15  # likewise of fingerprints that are hardly found elsewhere
MOSTLY = 0.6  # a prompt with this share of it holds the frame as a whole
BEGINNING = 8  # fingerprints of a prompt's own words by which its conversation is known
MOST_COUNTED = 8  # fingerprints of a frame that count in its favour
POPULAR_WORTH = 0.35  # what many strangers use explains less
PART_WORTH = 0.5  # likewise a frame that is there in part


@dataclass(frozen=True)
class Frames:
    """All frames: which fingerprints are theirs, and what is known of each."""

    values: U64  # fingerprints, sorted
    frame: I64  # per fingerprint: number of its frame; -1 where it is only common
    common: Flags  # per fingerprint: many strangers use it
    speaks: Flags  # per fingerprint: hardly found outside its frame
    usual: npt.NDArray[np.float64]  # per frame: fingerprints that a prompt of the frame has
    n_events: I64  # per frame: prompts of the sample
    popular: Flags  # per frame
    wrapper: Flags  # per frame: stands around requests of all kinds, or is on the list of public prompts
    brief: Flags  # per frame: its prompts are short
    ids: U64  # per frame: lasting id
    family: U64  # per frame: id of the family

    def reordered(self, ids: U64, family: U64, speaks: Flags, used: Flags) -> Frames:
        """Keep the frames in use and number them by their ids."""
        kept = np.flatnonzero(used)
        kept = kept[np.argsort(ids[kept], kind="stable")]
        number = np.full(len(ids) + 1, -1, np.int64)  # -1 points at the last entry, which is -1
        number[kept] = np.arange(len(kept))
        frame = number[self.frame]
        wanted = (frame >= 0) | self.common
        return Frames(
            values=self.values[wanted],
            frame=frame[wanted],
            common=self.common[wanted],
            speaks=speaks[wanted],
            usual=self.usual[kept],
            n_events=self.n_events[kept],
            popular=self.popular[kept],
            wrapper=self.wrapper[kept],
            brief=self.brief[kept],
            ids=ids[kept],
            family=family[kept],
        )

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: the table for look-ups is made again where it is used."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def logs(self) -> npt.NDArray[np.float64]:
        """Logarithm of how often each frame is used."""
        return np.asarray(np.log2(1.0 + self.n_events))

    @cached_property
    def lookup(self) -> Lookup:
        """Where fingerprints are found among `values`."""
        return Lookup(self.values)


@dataclass(frozen=True)
class Labels:
    """What each row was given; -1 where nothing."""

    frame: I64
    wrapper: I64
    present: I64  # fingerprints of the frame in the prompt
    beginning: U64  # digest of the first fingerprints that belong to no template; 0 where there are too few


def enough(present: I64, n_in_row: I64, usual: npt.NDArray[np.float64]) -> Flags:
    """Tell where a prompt holds enough of a frame; `n_in_row` is the number of fingerprints that want explaining."""
    fits = (present >= MIN_PRESENT) | (present >= MIN_SHARE * n_in_row)
    fits |= (present >= 2) & (present >= SHORT * usual)
    return np.asarray(fits & (present >= MIN_WHOLE * usual))


def assign(values: U64, offsets: I64, n_in_row: I64, frames: Frames, *, compiled: bool | None = None) -> Labels:
    """Give each row its frame and its wrapper. No row repeats a fingerprint.

    Row i has `n_in_row[i]` fingerprints, of which values[offsets[i]:offsets[i + 1]] are looked at. The frame that
    explains most of the prompt wins. A row with too little of any frame is given the one that two of its fingerprints
    speak for.
    """
    if worth_compiling(len(n_in_row)) if compiled is None else compiled:
        return _assign_compiled(values, offsets, n_in_row, frames)
    return _assign_plain(values, offsets, n_in_row, frames)


def _assign_compiled(values: U64, offsets: I64, n_in_row: I64, frames: Frames) -> Labels:
    from pipeline.text.compiled_labels import assign_rows

    n_rows = len(n_in_row)
    values = values.view()
    values.flags.writeable = False  # as those that lie in a file are: one compiled form serves both
    labels = Labels(
        np.empty(n_rows, np.int64), np.empty(n_rows, np.int64), np.empty(n_rows, np.int64), np.empty(n_rows, np.uint64)
    )
    by_print = frames.frame, frames.common, frames.speaks
    by_frame = frames.wrapper, frames.popular, frames.usual, frames.logs, frames.ids
    assign_rows(
        values, offsets, n_in_row, frames.lookup.tables, (*by_print, *by_frame),
        labels.frame, labels.wrapper, labels.present, labels.beginning,
    )  # fmt: skip
    return labels


def _assign_plain(values: U64, offsets: I64, n_in_row: I64, frames: Frames) -> Labels:
    n_rows, size = len(n_in_row), max(1, len(frames.ids))
    rows = np.repeat(np.arange(n_rows), np.diff(offsets))
    place = frames.lookup.find(values)
    hits = np.flatnonzero(place >= 0)
    beginning = beginnings(rows[place < 0], values[place < 0], n_rows)
    rows, place = rows[hits], place[hits]
    rest = n_in_row - np.bincount(rows[frames.common[place]], minlength=n_rows)
    owned = np.flatnonzero(frames.frame[place] >= 0)
    rows, place = rows[owned], place[owned]
    key, present = counted(rows * size + frames.frame[place])
    held, frame = key // size, key % size
    fits = enough(present, rest[held], frames.usual[frame]) if len(frame) else np.zeros(0, np.bool_)
    plain = fits & ~frames.wrapper[frame]
    chosen, with_it = _best(held[plain], frame[plain], present[plain], n_rows, frames)
    around, _ = _best(held[fits & ~plain], frame[fits & ~plain], present[fits & ~plain], n_rows, frames)
    speaking = frames.speaks[place] & (chosen[rows] < 0) & ~frames.wrapper[frames.frame[place]]
    key, times = counted(rows[speaking] * size + frames.frame[place[speaking]])
    twice = times >= np.maximum(2, MIN_SPEAKING * frames.usual[key % size]) if len(key) else np.zeros(0, np.bool_)
    late, late_with = _best(key[twice] // size, key[twice] % size, times[twice], n_rows, frames)
    empty = chosen < 0
    return Labels(np.where(empty, late, chosen), around, np.where(empty, late_with, with_it), beginning)


def beginnings(rows: I64, values: U64, n_rows: int) -> U64:
    """Digest the first BEGINNING of the fingerprints of each row, given those that belong to no template."""
    starts, lengths = in_runs(rows)
    turn = np.arange(len(rows)) - np.repeat(starts, lengths)
    first = turn < BEGINNING
    total = np.zeros(n_rows, np.uint64)
    np.add.at(total, rows[first], mix(values[first] + turn[first].astype(np.uint64)))
    whole = np.bincount(rows[first], minlength=n_rows) == BEGINNING
    return np.where(whole, mix(total), np.uint64(0))


def _worth(frame: I64, present: I64, frames: Frames) -> npt.NDArray[np.float64]:
    """Return how much of a prompt a frame explains: its fingerprints there, worth more where the frame is frequent.

    A long filler that some prompts share has many fingerprints and few uses, a turn of phrase the reverse; so the
    number of fingerprints is capped and the uses count by their logarithm.
    """
    worth = np.minimum(present, MOST_COUNTED) * frames.logs[frame]
    worth = np.where(frames.popular[frame], POPULAR_WORTH * worth, worth)
    return np.asarray(np.where(present < MOSTLY * frames.usual[frame], PART_WORTH * worth, worth))


def _best(rows: I64, frame: I64, present: I64, n_rows: int, frames: Frames) -> tuple[I64, I64]:
    """Choose one frame a row; return the frame (-1: none) and how many of its fingerprints the row holds."""
    chosen = np.full(n_rows, -1, np.int64)
    held = np.zeros(n_rows, np.int64)
    order = np.lexsort((frames.ids[frame], -_worth(frame, present, frames), rows))
    best = order[in_runs(rows[order])[0]]
    chosen[rows[best]] = frame[best]
    held[rows[best]] = present[best]
    return chosen, held
