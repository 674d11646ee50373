"""Kinds of prompts: free requests, agents' default texts, public prompts, personal habits, and frames private to a
group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.worlds import words_english as english
from pipeline.worlds.dice import Dice, Ints
from pipeline.worlds.text import LANGUAGES, N_TOPICS, Element, Library
from pipeline.worlds.words_others import OTHERS


@dataclass(frozen=True)
class Style:
    """How a private frame is built and used.

    `paraphrase` 0..1: how often a sentence is worded otherwise, dropped or moved. `reasoning`: asks for the steps.
    `long`: the slot may run to some hundred words. `slot_first`: the filled part stands before the frame. `talk`: the
    client resends the beginning. `brief`: two or three sentences, and a short slot unless `long`.
    """

    paraphrase: float = 0.0
    reasoning: bool = False
    long: bool = True
    slot_first: bool = False
    talk: bool = False
    brief: bool = False


class Frames:
    """Makes families of frames in a library and keeps the ones that everybody may use.

    A family is what an account uses: frames in a row of which every conversation takes one at random, or, where the
    family is spoken in every language, the one of the account's language.
    """

    def __init__(self, library: Library, dice: Dice) -> None:
        self.library = library
        self.dice = dice
        self._codes = 0
        self._start: list[int] = []
        self._n: list[int] = []
        self._spoken: list[bool] = []
        self.free = [self._free(i) for i in range(len(LANGUAGES))]
        self.follow_ups = [self._follow_ups(i) for i in range(len(LANGUAGES))]
        self.agents = [self._agent(name, text) for name, text in english.AGENT_BLOCKS.items()]
        spoken = dice.child("public")
        self.public = [
            self.private(spoken, 0 if spoken.chance(0.75) else 1 + spoken.index(6), spoken.index(N_TOPICS), Style())
            for _ in range(80)
        ]

    def _next_code(self) -> int:
        self._codes += 1
        return self._codes - 1

    def _family(self, frames: list[int], spoken: bool = False) -> int:
        self._start.append(frames[0])
        self._n.append(len(frames))
        self._spoken.append(spoken)
        return len(self._start) - 1

    def seal(self) -> None:
        """Turn what was built into arrays, the library too."""
        self.library.seal()
        self.start, self.n, self.spoken = np.array(self._start), np.array(self._n), np.array(self._spoken)

    def _free(self, language: int) -> int:
        lines = english.FREE if language == 0 else OTHERS[LANGUAGES[language]].free
        return self._family(
            [self.library.frame(self.library.compose(line, self.dice, vary=1.0), language) for line in lines]
        )

    def _follow_ups(self, language: int) -> int:
        lines = english.FOLLOW_UPS if language == 0 else OTHERS[LANGUAGES[language]].follow_ups
        return self._family(
            [self.library.frame(self.library.compose(line, self.dice, vary=1.0), language) for line in lines]
        )

    def _agent(self, name: str, text: str) -> int:
        code, lib = self._next_code(), self.library
        head = [Element(0, lib.literal(text), conversation=True)]
        frames = []
        for language in range(len(LANGUAGES)):
            where = lib.compose(
                "Folder: /home/<name>/<name>\nBranch: <name>\n\nUser: <s:1-4>", self.dice, conversation=True
            )
            later = lib.compose("\n\nResult: <code:1-9>\nUser: <s:0-2>", self.dice, later=True)
            frames.append(lib.frame([*head, *where, *later], language, code))
        return self._family(frames, spoken=True)

    def personal(self, dice: Dice, language: int) -> int:
        """A free request behind a sentence that only this person writes (in English, whatever the language of the
        request).
        """
        lib = self.library
        habit = lib.settle(dice.pick(english.HABITS), dice, 0, dice.index(N_TOPICS))
        lines = english.FREE if language == 0 else OTHERS[LANGUAGES[language]].free
        elements = [*lib.compose(habit, dice), *lib.compose(dice.pick(lines), dice, vary=0.3)]
        return self._family([lib.frame(elements, language, self._next_code())])

    def private(self, dice: Dice, language: int, topic: int, style: Style) -> int:
        """A frame that belongs to somebody: role, task, rules, answer format and the slot. Several where sentences
        move about.

        All frames of the family are wordings of one template and carry one code.
        """
        lib, p = self.library, style.paraphrase
        roles, tasks, rules, reasoning, formats = self._lines(language)
        inputs = english.INPUTS if language == 0 else OTHERS[LANGUAGES[language]].inputs

        def element(line: str, emit: float = 1.0) -> list[Element]:
            return lib.compose(
                lib.settle(line, dice, language, topic), dice, vary=p, emit=emit, conversation=style.talk
            )

        opening = [element(dice.pick(tasks))] if style.brief else [element(dice.pick(roles)), element(dice.pick(tasks))]
        n_rules = 1 if style.brief else dice.whole(1, 5)
        middle = [element(dice.pick(rules), 1.0 - 0.3 * p) for _ in range(n_rules)]
        if not style.brief and dice.chance(0.3):
            middle.append(element(dice.pick(tasks), 1.0 - 0.3 * p))
        if style.reasoning:
            middle.append(element(dice.pick(reasoning)))
        closing = [element(dice.pick(formats))] if dice.chance(0.4 if style.brief else 0.8) else []
        low = 1 if style.brief else dice.whole(1, 4)
        high = low + (dice.whole(3, 16) if style.long else dice.whole(0, 3))
        slot = lib.compose(
            lib.settle(dice.pick(inputs), dice, language, topic) + f"<s:{low}-{high}>", dice, conversation=style.talk
        )
        later = lib.compose("\n\n<s:1-3>", dice, later=True) if style.talk else []
        code = self._next_code()
        frames = []
        for i in range(1 + int(6 * p)):
            order = middle if i == 0 else [middle[j] for j in dice.rng.permutation(len(middle))]
            start = opening if i == 0 or not dice.chance(p / 2) else opening[::-1]
            body = [e for line in [*start, *order, *closing] for e in line]
            whole = [*slot, *body, *later] if style.slot_first else [*body, *slot, *later]
            frames.append(lib.frame(whole, language, code))
        return self._family(frames)

    @staticmethod
    def _lines(language: int) -> tuple[tuple[str, ...], ...]:
        if language == 0:
            return english.ROLES, english.TASKS, english.RULES, english.REASONING, english.FORMATS
        return OTHERS[LANGUAGES[language]].frames

    def pick_public(self, dice: Dice, n: int) -> Ints:
        """n public prompts; few of them are very popular."""
        weights = 1.0 / np.arange(1, len(self.public) + 1)
        return dice.rng.choice(self.public, size=n, p=weights / weights.sum())
