"""Refuses a briefing whose words say more than is known: ICD 203 language, sourced numbers, no accusation, no motive.

Likelihood and confidence stand in sentences of their own; a hypothesis never stands as a fact; a name stands only from
the naming level on; every number has a source; every date a year.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline import words
from pipeline.exports.briefing.model import Document
from pipeline.exports.trace import Cited, name_of, pieces, plain, uncited, whole
from pipeline.part_words import FEWEST_FOR_PERCENT

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_BAND = re.compile(
    r"\b(almost no chance|very unlikely|roughly even chance|very likely|almost certain|unlikely|likely)\b"
)
_NUMBER_AFTER = re.compile(r"\s*\((below 0\.01|above 0\.99|0\.\d+|1\.0+)\)")
_HYPOTHESIS = re.compile(
    r"\b(?:is|are|was|were) (?:run|operated|controlled|owned) by\b|\boperates?\b|\bis behind\b|\bstands behind\b|"
    r"\b(?:is|are) (?:one|a single) (?:coordinated )?operation\b|\bis the work of\b|"
    r"\bbelongs? to (?!the|a|flagged|it)[A-Z]\w+"
)
_NO_HYPOTHESIS = re.compile(r"\b(?:[Ww]ho operates|not attributed|held to (?:be )?(?:operate|run))\b")


@dataclass(frozen=True)
class Fault:
    """One broken rule and the sentence that breaks it."""

    rule: str
    sentence: str

    def __str__(self) -> str:
        return f'{self.rule}: "{self.sentence[:120]}"'


# words that no sentence may use, with the reason
BANNED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("claims certainty", (
        r"(?<!almost )certain(?:ly|ty)?", r"prove[sdn]?", "proof", "clearly", "obviously", "definitely", "undoubtedly",
        "no doubt",
    )),
    ("colours", (
        "sophisticated", r"massive(?:ly)?", r"explo(?:ded|sion)", r"skyrocket\w*", r"surged?", r"alarming\w*",
        r"shocking\w*", "huge", "unprecedented",
    )),
    ("accuses", (
        r"fraudsters?", r"criminals?", r"culprits?", r"attack(?:s|ed|ers?)?", "caught", "guilty", r"thie(?:f|ves)",
        "stole", r"bad actors?", r"offenders?",
    )),
    ("is a second-row term", (
        r"probabl[ey]", r"improbabl[ey]", "remote", r"highly (?:un)?likely", "nearly certain", "even odds",
    )),
    ("rounds without a source", (
        "up to", r"about(?= \d)", "almost all", "nearly", "approximately", r"some(?= \d)", r"around(?= \d)",
        "more or less", r"roughly(?! even chance)",
    )),
    ("claims a motive", (
        r"want(?:s|ed)? to", r"intend(?:s|ed)? to", r"aim(?:s|ed)? to", r"tr(?:y|ies|ied) to", "in order to",
        "their goal", "so as to",
    )),
    ("claims a cause", (
        "because of", "as a result of", "due to", "led to", r"caused?", "in response to", r"after the bans?",
    )),
    ("claims an absence", (
        r"there (?:is|are) no other", r"no other \w+ exists?", "free of", "nothing else happened",
    )),
    ("calls an account stopped for a reason not known", ("banned", "kicked")),
    ("hedges without a number", (
        r"possibl[ey]", r"may(?! \d)", "might", "could", "perhaps", r"seems?", r"appears? to", "suspected", "allegedly",
    )),
)  # fmt: skip
_BANNED = tuple((rule, re.compile(rf"\b(?:{'|'.join(any_of)})\b", re.IGNORECASE)) for rule, any_of in BANNED)
_MAY_MONTH = re.compile(r"\bMay (?=\d{4}\b)|(?<=\d )May\b")


def faults(document: Document) -> list[Fault]:
    """Every broken rule of a briefing; the document is refused unless there is none."""
    allowed = (document.frame.window, document.frame.run_id)
    names, below = (frozenset(map(name_of, some)) for some in (document.names, document.below))
    found: list[Fault] = []
    for text, free in document.texts():
        found += check(text, names=names, below=below, allowed=allowed, free=free)
    return found


def check(
    text: str,
    *,
    names: frozenset[str] = frozenset(),
    below: frozenset[str] = frozenset(),
    allowed: tuple[str, ...] = (),
    free: bool = False,
) -> list[Fault]:
    """Broken rules of a text with cited numbers. `free` wording of the house is spared the rules on numbers."""
    found: list[Fault] = []
    for sentence in sentences(text):
        read = plain(sentence)
        unnamed = _without(read, names)
        found += [Fault(rule, read) for rule in _words(unnamed)]
        found += [
            Fault("names an operator below the naming level", read)
            for name in sorted(below - names)
            if _holds(unnamed, name)
        ]
        if free:
            continue
        found += [Fault(rule, read) for rule in _likelihood(read)]
        found += [Fault(rule, read) for rule in _numbers(sentence, allowed, names)]
    return found


def _without(text: str, names: frozenset[str]) -> str:
    """The text without the names that may stand in it: what they are made of is not the writer's choice."""
    for name in sorted(names, key=lambda n: (-len(n), n)):
        text = text.replace(name, "Name")
    return text


def sentences(text: str) -> Iterator[str]:
    """Sentences of a text; marks inside numbers do not end one."""
    made = ""
    for piece in pieces(text):
        if isinstance(piece, Cited):
            made += whole(piece)
            continue
        *ended, open_ = re.split(r"(?<=[.!?;])\s+", piece)
        for one in ended:
            if (made + one).strip():
                yield (made + one).strip()
            made = ""
        made += open_
    if made.strip():
        yield made.strip()


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _words(read: str) -> Iterator[str]:
    text = _MAY_MONTH.sub("Mai ", read)
    for rule, pattern in _BANNED:
        if pattern.search(text):
            yield rule


def _likelihood(read: str) -> Iterator[str]:
    terms = list(_BAND.finditer(read))
    if terms and re.search(r"\bconfiden(?:ce|t)\b", read, re.IGNORECASE):
        yield "joins likelihood and confidence"
    if re.search(r"\bconfiden(?:ce|t)\b.*\bthat\b", read, re.IGNORECASE):
        yield "joins confidence and a hypothesis"
    for term in terms:
        number = _NUMBER_AFTER.match(read, term.end())
        if number is None:
            yield "gives a likelihood without its number"
        elif not _fits(term.group(1), number.group(1)):
            yield "gives a word and a number of different bands"
    if _HYPOTHESIS.search(read) and not terms and not _NO_HYPOTHESIS.search(read):
        yield "states a hypothesis as a fact"


def _fits(term: str, number: str) -> bool:
    value = {"below 0.01": 0.0, "above 0.99": 1.0}.get(number)
    return words.term(float(number) if value is None else value) == term


def _numbers(sentence: str, allowed: tuple[str, ...], names: frozenset[str]) -> Iterator[str]:
    read = plain(sentence)
    for match in re.finditer(rf"\b\d{{1,2}} {_MONTH}\b(?! \d{{4}}|[{chr(0x2013)}-]\d{{1,2}} {_MONTH} \d{{4}})", read):
        if not re.match(rf"[{chr(0x2013)}-]", read[match.end() :]):
            yield "gives a date without a year"
    for match in re.finditer(r"\d+% of (?:the )?(\d[\d,]*)", read):
        if int(match.group(1).replace(",", "")) < FEWEST_FOR_PERCENT:
            yield "gives a percentage of fewer than 20"
    left = uncited(sentence)
    left = _without(left, frozenset((*allowed, *names)))
    left = re.sub(r"\b[A-Z]+-[0-9A-Z]{3,}\b|\b(?:19|20)\d\d\b|\bmembership 0\.5 or more\b|\b[A-F][1-6]\b", " ", left)
    if re.search(r"\d", left):
        yield "gives a number without a source"
