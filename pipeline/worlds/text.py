"""Prompts for synthetic worlds: a dictionary of short pieces, frames made of literals and slots, and a vectorised
renderer.

A prompt is a run of pieces laid end to end. Rendering a day is one `take` over the dictionary of pieces; where one
prompt ends and the next begins is only a choice of offsets, so no string is ever joined. Which pieces fill a slot
depends on a hash of the request (or of the conversation, for the part that a client sends again with every turn),
never on a running generator.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.worlds import words_english as english
from pipeline.worlds.dice import Dice, Floats, Hashes, Ints, below, stream, unit
from pipeline.worlds.words_others import OTHERS, Tongue

LANGUAGES = ("en", *OTHERS)
OPEN, NP, VERB, TAIL, NUM, NAME, CODE = range(7)
N_ROLES = 7
PATTERNS: dict[str, tuple[int, ...]] = {
    "s": (OPEN, NP, VERB, NP, TAIL),
    "np": (NP,),
    "verb": (VERB,),
    "num": (NUM,),
    "name": (NAME,),
    "code": (CODE,),
}
_PATTERN_NAMES = tuple(PATTERNS)
_PATTERN_LENGTH = np.array([len(p) for p in PATTERNS.values()])
_PATTERN_ROLES = np.array([[p[i % len(p)] for i in range(5)] for p in PATTERNS.values()])
_SLOT = re.compile(r"<(s|np|verb|num|name|code)(?::(\d+)-(\d+))?>")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_WORDING = re.compile(r"\{([^{}]*)\}")
N_TOPICS = len(english.TOPICS)


@dataclass(frozen=True)
class Element:
    """A literal (kind 0: pieces base..base+n-1 are its wordings) or a slot (kind 1: pattern `base`, low..high
    repeats).
    """

    kind: int
    base: int
    n: int = 1
    low: int = 1
    high: int = 1
    topic: int = -1
    emit: float = 1.0
    vary: float = 0.0
    conversation: bool = False
    later: bool = False


@dataclass
class Library:
    """Pieces and frames under construction. `render` needs `seal` to have been called."""

    dice: Dice
    pieces: list[str] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    frame_start: list[int] = field(default_factory=list)
    frame_language: list[int] = field(default_factory=list)
    frame_code: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._known: dict[str, int] = {}
        self._pool_base = np.zeros((N_ROLES, len(LANGUAGES), N_TOPICS), dtype=np.int64)
        self._pool_size = np.zeros((N_ROLES, len(LANGUAGES), N_TOPICS), dtype=np.int64)
        rng = self.dice.rng
        numbers = self._pool([f"{n} " for n in rng.integers(2, 20000, size=900)])
        names = self._pool([f"{self.name()} " for _ in range(3000)])
        code = self._pool([self._code_line() for _ in range(4000)])
        nouns = [(n.split("|"), v.split("|")) for n, v in english.TOPICS.values()]
        phrases = [
            [f"{d} {a} {n} " for d in ("the", "a", "this") for a in english.ADJECTIVES for n in ns] for ns, _ in nouns
        ]
        self._speak(0, english.OPENERS, phrases, [[f"{v} " for v in vs] for _, vs in nouns], english.TAILS, ". ")
        for i, tongue in enumerate(OTHERS.values(), start=1):
            self._speak_other(i, tongue)
        for role, pool in ((NUM, numbers), (NAME, names), (CODE, code)):
            self._pool_base[role], self._pool_size[role] = pool

    # ---- pieces -----------------------------------------------------------------------------------------------------

    def _pool(self, texts: Sequence[str]) -> tuple[int, int]:
        self.pieces.extend(texts)
        return len(self.pieces) - len(texts), len(texts)

    def _speak(
        self,
        language: int,
        openers: Sequence[str],
        phrases: list[list[str]],
        verbs: list[list[str]],
        tails: Sequence[str],
        stop: str,
    ) -> None:
        rng = self.dice.rng
        numbers = rng.integers(1, 400, size=(40, 2))
        opened = self._pool(openers)
        closed = self._pool([t.format(n=n, m=m % 12 + 1) + stop for t in tails for n, m in numbers])
        spoken = [(self._pool(p), self._pool(v)) for p, v in zip(phrases, verbs, strict=True)]
        for topic in range(N_TOPICS):
            np_pool, verb_pool = spoken[topic % len(spoken)]
            for role, pool in ((OPEN, opened), (NP, np_pool), (VERB, verb_pool), (TAIL, closed)):
                self._pool_base[role, language, topic], self._pool_size[role, language, topic] = pool

    def _speak_other(self, language: int, t: Tongue) -> None:
        modifiers = t.modifiers.split("|")
        phrases = [
            [f"{n} {m} " if t.space else f"{m}{n}" for n in nouns.split("|") for m in modifiers]
            for nouns, _ in t.topics
        ]
        verbs = [[v + t.space for v in vs.split("|")] for _, vs in t.topics]
        self._speak(language, t.openers.split("|"), phrases, verbs, t.tails.split("|"), t.stop)

    def name(self) -> str:
        return "".join(self.dice.pick(english.SYLLABLES) for _ in range(self.dice.whole(2, 3))).capitalize()

    def _code_line(self) -> str:
        word = self.name().lower()
        return self.dice.pick(english.CODE).format(w=word, W=word.capitalize(), n=int(self.dice.rng.integers(1, 5000)))

    def literal(self, text: str) -> int:
        """The id of a literal piece, the same for the same text."""
        if text not in self._known:
            self._known[text] = self._pool([text])[0]
        return self._known[text]

    # ---- lines ------------------------------------------------------------------------------------------------------

    def settle(self, line: str, dice: Dice, language: int, topic: int) -> str:
        """Decide every [choice|of|one] and [np], [verb], [n], [name], [person], [label] of a line for good."""

        def decide(match: re.Match[str]) -> str:
            word = str(match.group(1))
            if word in ("np", "verb"):
                role = NP if word == "np" else VERB
                base, size = self._pool_base[role, language, topic], self._pool_size[role, language, topic]
                return self.pieces[int(base + dice.rng.integers(size))].strip()
            if word == "n":
                return str(int(dice.rng.integers(2, 60)))
            if word == "name":
                return "".join(dice.pick(english.SYLLABLES) for _ in range(2)).capitalize()
            if word == "person":
                return dice.pick(english.PEOPLE)
            if word == "label":
                return dice.pick(english.LABELS)
            return dice.pick(word.split("|"))

        while _CHOICE.search(line):
            line = _CHOICE.sub(decide, line)
        return line

    def compose(
        self,
        line: str,
        dice: Dice,
        *,
        topic: int = -1,
        vary: float = 0.0,
        emit: float = 1.0,
        conversation: bool = False,
        later: bool = False,
    ) -> list[Element]:
        """Elements of a settled line: {wordings|of the same} become alternatives, <slots> are filled for every
        request.
        """
        elements: list[Element] = []
        position = 0
        common = {"emit": emit, "conversation": conversation, "later": later}
        for match in [*_SLOT.finditer(line), None]:
            text = line[position : match.start() if match else len(line)]
            if text:
                elements.append(self._wordings(text, dice, vary, common))
            if match:
                position = match.end()
                low, high = int(match.group(2) or 1), int(match.group(3) or 1)
                pattern = _PATTERN_NAMES.index(match.group(1))
                elements.append(
                    Element(
                        1, pattern, low=low, high=high, topic=topic, conversation=conversation, later=later, emit=emit
                    )
                )
        return elements

    def _wordings(self, text: str, dice: Dice, vary: float, common: dict[str, float | bool]) -> Element:
        first = _WORDING.sub(lambda m: dice.pick(m.group(1).split("|")), text)
        if vary <= 0 or "{" not in text:
            return Element(0, self.literal(first), **common)  # type: ignore[arg-type]
        others = {_WORDING.sub(lambda m: dice.pick(m.group(1).split("|")), text) for _ in range(7)} - {first}
        base, n = self._pool([first, *sorted(others)])
        return Element(0, base, n=n, vary=vary, **common)  # type: ignore[arg-type]

    def frame(self, elements: Sequence[Element], language: int, code: int = -1) -> int:
        """Register a frame. `code` is the number of its template; -1 where it is free text."""
        self.frame_start.append(len(self.elements))
        self.elements.extend(elements)
        self.frame_language.append(language)
        self.frame_code.append(code)
        return len(self.frame_start) - 1

    # ---- rendering --------------------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Turn what was built into arrays."""
        self._dictionary = pa.array(self.pieces, type=pa.string())
        self._bounds = np.array([*self.frame_start, len(self.elements)], dtype=np.int64)
        self._language = np.array(self.frame_language, dtype=np.int64)
        self.codes = np.array(self.frame_code, dtype=np.int64)
        names = ("kind", "base", "n", "low", "high", "topic", "emit", "vary", "conversation", "later")
        self._e = {name: np.array([getattr(e, name) for e in self.elements]) for name in names}
        self._e["optional"] = (self._e["emit"] < 1.0) | self._e["later"]
        self._cell_base = self._pool_base[_PATTERN_ROLES].transpose(0, 2, 3, 1).ravel()
        self._cell_size = self._pool_size[_PATTERN_ROLES].transpose(0, 2, 3, 1).ravel()

    def render(self, frame: Ints, seed: Hashes, conversation: Hashes, topic: Ints, turn: Ints) -> pa.StringArray:
        """One prompt for each request. Draws come from `seed`, and from `conversation` where a frame repeats its
        beginning.
        """
        e = self._e
        n_el = self._bounds[frame + 1] - self._bounds[frame]
        event = np.repeat(np.arange(len(frame)), n_el)
        within = np.arange(len(event)) - np.repeat(np.cumsum(n_el) - n_el, n_el)
        el = self._bounds[frame][event] + within
        draw = stream(np.where(e["conversation"][el], conversation[event], seed[event]), within)
        optional = e["optional"][el]
        if optional.any():
            keep = ~optional | ((unit(draw) < e["emit"][el]) & (~e["later"][el] | (turn[event] > 0)))
            event, el, draw = event[keep], el[keep], draw[keep]
        count, is_slot = np.ones(len(el), dtype=np.int64), e["kind"][el] == 1
        slot = np.flatnonzero(is_slot)
        spread: Floats = unit(stream(draw[slot], np.zeros(len(slot), dtype=np.int64)))
        low = e["low"][el[slot]]
        repeats = low + ((e["high"][el[slot]] - low + 1) * spread * spread).astype(np.int64)
        count[slot] = repeats * _PATTERN_LENGTH[e["base"][el[slot]]]
        starts = np.cumsum(count) - count
        pieces = np.empty(int(count.sum()), dtype=np.int64)
        fixed = np.flatnonzero(~is_slot)
        pieces[starts[fixed]] = self._worded(el[fixed], draw[fixed])
        long = count[slot]
        at = np.repeat(starts[slot] - (np.cumsum(long) - long), long) + np.arange(int(long.sum()))
        pieces[at] = self._filled(slot, long, el, event, frame, draw, topic)
        n_pieces = np.bincount(event, weights=count, minlength=len(frame)).astype(np.int64)
        return self._lay_out(pieces, n_pieces)

    def _worded(self, el: Ints, draw: Hashes) -> Ints:
        """The piece of each literal: its first wording, or where it varies another one."""
        base, n = self._e["base"][el], self._e["n"][el]
        varied = np.flatnonzero(n > 1)
        varied = varied[unit(stream(draw[varied], np.ones(len(varied), dtype=np.int64))) < self._e["vary"][el[varied]]]
        base[varied] += below(stream(draw[varied], np.full(len(varied), 2)), n[varied])
        return np.asarray(base)

    def _filled(self, slot: Ints, long: Ints, el: Ints, event: Ints, frame: Ints, draw: Hashes, topic: Ints) -> Ints:
        """The pieces of all slots, one slot after the other, `long` pieces each."""
        position = np.arange(int(long.sum())) - np.repeat(np.cumsum(long) - long, long)
        about = self._e["topic"][el[slot]]
        about = np.where(about >= 0, about, topic[event[slot]])
        # one row of pools for each (pattern, language, topic); five pools a row, used in turn
        row = (self._e["base"][el[slot]] * len(LANGUAGES) + self._language[frame[event[slot]]]) * N_TOPICS + about
        cell = np.repeat(row * 5, long) + position % 5
        drawn = stream(np.repeat(draw[slot], long), position + 3)
        return np.asarray(self._cell_base[cell] + below(drawn, self._cell_size[cell]))

    def _lay_out(self, pieces: Ints, n_pieces: Ints) -> pa.StringArray:
        laid = pc.take(self._dictionary, pa.array(pieces))
        offsets = np.frombuffer(laid.buffers()[1], dtype=np.int32)[: len(pieces) + 1]
        chosen = np.ascontiguousarray(offsets[np.concatenate([[0], np.cumsum(n_pieces)])])
        return pa.StringArray.from_buffers(len(n_pieces), pa.py_buffer(chosen), laid.buffers()[2])
