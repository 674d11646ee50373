"""What can be told of one prompt from its words alone: its language, and whether it asks for reasoning."""

from functools import cache

import numpy as np
import numpy.typing as npt

from pipeline.text.fingerprints import run_hashes
from pipeline.text.hashing import U64, run_hash, word_hash
from pipeline.text.tokens import Flags, Tokens

LAST_WORDS = 64  # of a prompt, by which its language is told
# a handful of short words that each language uses all the time and its neighbours do not
_COMMON = {
    "de": "der die das und nicht ist ein eine mit für auf dem den von zu im wie bitte ich wird",
    "en": "the and of to is that for with you this are be on it as your how what please write",
    "es": "el los las y que una por para con del es como está más pero su lo sobre escribe puedes",
    "fr": "le les des et est une pour dans que qui sur pas avec au ce vous je du il sont",
    "it": "il gli che di è una per con non sono della nel come questo anche più alla scrivi mi dei",
    "pt": "o os que uma para com não em do da é como mais você por na no ao escreva seu",
}
# words by which a prompt asks for the steps of the reasoning, in normal form; characters where none are written apart
_REASONING = (
    "step by step", "chain of thought", "your reasoning", "the reasoning", "reasoning steps", "reasoning process",
    "think aloud", "thought process", "each step", "show your work", "every step", "intermediate steps",
    "paso a paso", "schritt für schritt", "passo a passo", "étape par étape", "passo per passo",
)  # fmt: skip
_REASONING_UNSPACED = (
    "逐步", "一步一步", "推理过程", "思考过程", "思维链", "解题步骤", "段階的に", "ステップごと", "推論の過程", "ทีละขั้น",
)  # fmt: skip


@cache
def language_table() -> tuple[U64, npt.NDArray[np.int64], tuple[str, ...]]:
    """Return the hashes of words that only one language uses, sorted, the code of each, and the languages."""
    names = tuple(sorted(_COMMON))
    entries: dict[int, set[int]] = {}
    for place, name in enumerate(names):
        for word in _COMMON[name].split():
            entries.setdefault(word_hash(word), set()).add(place)
    alone = {value: next(iter(places)) for value, places in entries.items() if len(places) == 1}
    keys = np.array(sorted(alone), dtype=np.uint64)
    return keys, np.array([alone[int(key)] for key in keys], dtype=np.int64), names


def languages(tokens: Tokens) -> npt.NDArray[np.int8]:
    """Return the code of each prompt's language: a place in `language_names()`, -1 where nothing tells.

    The last LAST_WORDS words tell it: there the request stands, whatever stands around it.
    """
    keys, codes, names = language_table()
    n_rows = len(tokens.offsets) - 1
    row_of = np.repeat(np.arange(n_rows), np.diff(tokens.offsets))
    last = np.flatnonzero(tokens.offsets[1:][row_of] - np.arange(len(row_of)) <= LAST_WORDS)
    row_of, hashes = row_of[last], tokens.hashes[last]
    place = np.minimum(np.searchsorted(keys, hashes), len(keys) - 1)
    hit = keys[place] == hashes
    width = len(names) + 1
    votes = np.bincount(row_of[hit] * width + codes[place[hit]], minlength=n_rows * width)
    votes = votes.reshape(n_rows, width)
    unspaced = np.bincount(row_of, weights=tokens.unspaced[last], minlength=n_rows)
    total = np.bincount(row_of, minlength=n_rows)
    best = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), -1)
    return np.where((unspaced * 2 > total) & (total > 0), len(names), best).astype(np.int8)


def language_names() -> tuple[str, ...]:
    """Names of the language codes; the last is every script without spaces."""
    return (*language_table()[2], "unspaced")


@cache
def reasoning_phrases() -> tuple[tuple[int, int, int, int], ...]:
    """Return for each phrase the hash of its longest word, the place of that word, the hash of all, how many there are.

    The longest word is the one least often met by chance.
    """
    found = []
    for words in [phrase.split() for phrase in _REASONING] + [list(phrase) for phrase in _REASONING_UNSPACED]:
        hashes = [word_hash(word) for word in words]
        longest = max(range(len(words)), key=lambda place: (len(words[place]), -place))
        found.append((hashes[longest], longest, run_hash(hashes), len(hashes)))
    return tuple(found)


def asks_reasoning(tokens: Tokens) -> Flags:
    """Return for each prompt whether it asks for the steps of the reasoning."""
    n_rows = len(tokens.offsets) - 1
    found = np.zeros(n_rows, np.bool_)
    row_of = np.repeat(np.arange(n_rows), np.diff(tokens.offsets))
    for width in sorted({width for _, _, _, width in reasoning_phrases()}):
        wanted = np.array([value for _, _, value, words in reasoning_phrases() if words == width], np.uint64)
        runs = run_hashes(tokens.hashes, width)
        hit = np.flatnonzero(np.isin(runs, wanted))
        found[row_of[hit][row_of[hit] == row_of[hit + width - 1]]] = True
    return found
