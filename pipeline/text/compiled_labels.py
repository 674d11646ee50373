"""The choice of a frame for each prompt, compiled: what `labels.assign` does with numpy, prompt by prompt.

Importing this module imports numba; nothing needs it.
"""

from typing import Any

import numba
import numpy as np

from pipeline.text import hashing, labels

_jit = numba.njit(cache=True, nogil=True)
_MIX_A, _MIX_B = np.uint64(hashing.MIX_A), np.uint64(hashing.MIX_B)
_U0, _U1, _U29, _U32 = (np.uint64(value) for value in (0, 1, 29, 32))
_BEGINNING, _MIN_SPEAKING = labels.BEGINNING, labels.MIN_SPEAKING
_MIN_PRESENT, _MIN_SHARE, _SHORT, _MIN_WHOLE = labels.MIN_PRESENT, labels.MIN_SHARE, labels.SHORT, labels.MIN_WHOLE

_MOST_COUNTED, _MOSTLY = labels.MOST_COUNTED, labels.MOSTLY
_POPULAR_WORTH, _PART_WORTH = labels.POPULAR_WORTH, labels.PART_WORTH


@_jit
def _mix(value: Any) -> Any:
    value = value ^ (value >> _U32)
    value = value * _MIX_A
    value = value ^ (value >> _U29)
    value = value * _MIX_B
    return value ^ (value >> _U32)


@_jit
def _enough(present: int, rest: int, usual: float) -> bool:
    fits = present >= _MIN_PRESENT or present >= _MIN_SHARE * rest or (present >= 2 and present >= _SHORT * usual)
    return fits and present >= _MIN_WHOLE * usual


@_jit
def _worth(present: int, log: float, popular: bool, usual: float) -> float:
    worth = min(present, _MOST_COUNTED) * log
    if popular:
        worth = _POPULAR_WORTH * worth
    return _PART_WORTH * worth if present < _MOSTLY * usual else worth


@_jit
def _better(frame: int, worth: float, than: int, its_worth: float, ids: Any) -> bool:
    return than < 0 or worth > its_worth or (worth == its_worth and ids[frame] < ids[than])


@_jit
def assign_rows(
    values: Any,
    offsets: Any,
    n_in_row: Any,
    lookup: Any,
    frames: Any,
    chosen: Any,
    around: Any,
    held: Any,
    beginnings: Any,
) -> None:
    """Write frame, wrapper, fingerprints of the frame and digest of the beginning for each row.

    `lookup` is (values, firsts, known, shift); `frames` is (frame, common, speaks) by fingerprint and (wrapper,
    popular, usual, logs, ids) by frame.
    """
    known_values, firsts, known, shift = lookup
    frame_of, common, speaks, wrapper, popular, usual, logs, ids = frames
    longest = 0
    for row in range(len(chosen)):
        longest = max(longest, offsets[row + 1] - offsets[row])
    likely = np.empty(longest + 1, np.int64)
    present = np.zeros(len(usual) + 1, np.int64)
    speaking = np.zeros(len(usual) + 1, np.int64)
    met = np.empty(longest + 1, np.int64)
    for row in range(len(chosen)):
        n_likely = 0
        for place in range(offsets[row], offsets[row + 1]):
            likely[n_likely] = place
            n_likely += known[values[place] >> shift]
        n_met, n_common, turn = 0, 0, 0
        total = _U0
        unseen = offsets[row]  # fingerprints before this one were looked at for the beginning
        for number in range(n_likely):
            at = likely[number]
            value = values[at]
            group = value >> shift
            place = -1
            for candidate in range(firsts[group], firsts[group + _U1]):
                if known_values[candidate] == value:
                    place = candidate
                    break
            if place < 0:
                continue
            while unseen < at and turn < _BEGINNING:
                total += _mix(values[unseen] + np.uint64(turn))
                turn += 1
                unseen += 1
            unseen = at + 1
            n_common += common[place]
            frame = frame_of[place]
            if frame < 0:
                continue
            if present[frame] == 0:
                met[n_met] = frame
                n_met += 1
            present[frame] += 1
            speaking[frame] += speaks[place]
        while unseen < offsets[row + 1] and turn < _BEGINNING:
            total += _mix(values[unseen] + np.uint64(turn))
            turn += 1
            unseen += 1
        beginnings[row] = _mix(total) if turn == _BEGINNING else _U0
        rest = n_in_row[row] - n_common
        best, best_around, late = -1, -1, -1
        worth, worth_around, worth_late = 0.0, 0.0, 0.0
        for number in range(n_met):
            frame = met[number]
            if _enough(present[frame], rest, usual[frame]):
                mine = _worth(present[frame], logs[frame], popular[frame], usual[frame])
                if wrapper[frame]:
                    if _better(frame, mine, best_around, worth_around, ids):
                        best_around, worth_around = frame, mine
                elif _better(frame, mine, best, worth, ids):
                    best, worth = frame, mine
        held[row] = present[best] if best >= 0 else 0
        if best < 0:
            for number in range(n_met):
                frame = met[number]
                times = speaking[frame]
                if wrapper[frame] or times < max(2.0, _MIN_SPEAKING * usual[frame]):
                    continue
                mine = _worth(times, logs[frame], popular[frame], usual[frame])
                if _better(frame, mine, late, worth_late, ids):
                    late, worth_late = frame, mine
            best = late
            held[row] = speaking[late] if late >= 0 else 0
        chosen[row] = best
        around[row] = best_around
        for number in range(n_met):
            present[met[number]] = 0
            speaking[met[number]] = 0
