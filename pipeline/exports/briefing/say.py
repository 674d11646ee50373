"""Sentences of a briefing from the tables of a run: every number is cited, every hypothesis carries its likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipeline import words
from pipeline.accused import MEMBERSHIP
from pipeline.exports import numbers
from pipeline.exports.frames import rows_of
from pipeline.exports.suppress import telling
from pipeline.exports.tables import Tables
from pipeline.exports.trace import Source, cite, name_of, safe
from pipeline.part_words import OF_THE_RUN, START

KIND_WORDS = words.KIND_WORDS


@dataclass(frozen=True)
class RingFacts:
    """Cited numbers of one ring."""

    tables: Tables
    ring: pd.Series

    @property
    def ring_id(self) -> str:
        """Name of the ring."""
        return str(self.ring.ring_id)

    def _where(self) -> tuple[tuple[str, str, str], ...]:
        return (("ring_id", "=", self.ring_id),)

    def _value(self, column: str, shown: str) -> str:
        return cite(shown, Source("value", "rings", column, self._where()), self.ring[column])

    def size(self) -> str:
        """Accounts."""
        return self._value("size", numbers.count(int(self.ring["size"])))

    def requests(self) -> str:
        """Requests."""
        return self._value("n_events", numbers.count(int(self.ring.n_events)))

    def first(self) -> str:
        """Day it was first seen."""
        return self._value("first_seen", numbers.day(self.ring.first_seen))

    def last(self) -> str:
        """Day it was last seen."""
        return self._value("last_seen", numbers.day(self.ring.last_seen))

    def span(self) -> str:
        """Days from the first to the last, both included."""
        n = int((self.ring.last_seen.floor("D") - self.ring.first_seen.floor("D")).days) + 1
        return cite(str(n), Source("days_seen", "rings", "", self._where()), n)

    def score(self) -> str:
        """Score as a number."""
        return self._value("score", words.number(float(self.ring.score)))

    def likelihood(self) -> str:
        """Word and number together."""
        return f"{words.term(float(self.ring.score))} ({self.score()})"

    def core(self) -> str | None:
        """Accounts with membership 0.5 or more; None where the number is withheld."""
        members = self.tables.table("members", [self.ring_id])
        n, size = int((members["membership"] >= MEMBERSHIP).sum()), int(self.ring["size"])
        if self.tables.k > 1 and (members.empty or telling(size - n, self.tables.k) or telling(n, self.tables.k)):
            return None
        where = (*self._where(), ("membership", ">=", str(MEMBERSHIP)))
        return cite(numbers.count(n), Source("count", "members", "", where), n)

    def it_is(self, claim: str) -> str:
        """A sentence of likelihood about the ring."""
        return sentence_of(float(self.ring.score), self.score(), claim)

    def q_value(self) -> str:
        """False discovery rate."""
        return self._value("q_value", numbers.measure(float(self.ring.q_value)))

    def stability(self) -> str:
        """Agreement over searches."""
        return self._value("stability", words.number(float(self.ring.stability)))

    def confidence(self) -> str:
        """A sentence of its own on how far the likelihood can be trusted, with its reason."""
        parts = self.tables.table("score_parts", [self.ring_id])
        own = parts[(parts["part"] != START) & (parts["family"] != OF_THE_RUN)]  # what the group itself shows
        families = own.groupby("family")["bits"].sum()
        n = int((families >= words.COUNTED_BITS).sum())
        counted = cite(str(n), Source("families_counted", "score_parts", "", self._where()), n)
        level = safe(self.ring.confidence)
        return (
            f"Our confidence is {level}: {counted} {numbers.plural(n, 'kind')} of evidence "
            f"{'counts' if n == 1 else 'count'} "
            f"three bits or more, stability is {self.stability()} and the false discovery rate is {self.q_value()}."
        )

    def explanations(self) -> list[tuple[str, float, str]]:
        """(kind in words, probability, cited probability) of the rivals, most probable first."""
        rows = self.tables.table("explanations", [self.ring_id]).sort_values(
            ["probability", "kind"], ascending=[False, True]
        )
        found = []
        for row in rows_of(rows):
            source = Source("value", "explanations", "probability", (*self._where(), ("kind", "=", str(row.kind))))
            found.append(
                (
                    KIND_WORDS.get(str(row.kind), safe(row.kind)),
                    float(row.probability),
                    cite(words.number(float(row.probability)), source, row.probability),
                )
            )
        return found


def sentence_of(probability: float, shown: str, claim: str) -> str:
    """As `words.it_is`, with a cited number."""
    return words.it_is(probability, claim).replace(f"({words.number(probability)})", f"({shown})", 1)


def operator_sentence(facts: RingFacts) -> str:
    """Who is held to operate a ring, or that nobody can be named."""
    ring = facts.ring
    where = facts._where()
    p = float(ring.operator_probability) if pd.notna(ring.operator_probability) else 0.0
    shown = cite(words.number(p), Source("value", "rings", "operator_probability", where), p)
    if pd.notna(ring.operator):
        return sentence_of(p, shown, f"{name_of(ring.operator)} operates {facts.ring_id}")
    if p <= 0:
        return f"{facts.ring_id} is not attributed. No outside lead touches it."
    return f"{facts.ring_id} is not attributed. The best named rival reached {shown}."


def ties(facts: RingFacts, evidence: pd.DataFrame, nouns: dict[str, tuple[str, str]]) -> list[str]:
    """One clause a kind of entity: how many are shared, and how many accounts share the commonest."""
    found = []
    held = evidence[(evidence["n_accounts_in_ring"] >= 2) & (evidence["bits"] > 0)]
    if "withheld" in held.columns:
        held = held[~held["withheld"]]
    for kind, rows in held.groupby("entity_type", sort=True):
        one, many = nouns.get(str(kind), (safe(kind), safe(kind)))
        where = (
            *facts._where(),
            ("entity_type", "=", str(kind)),
            ("n_accounts_in_ring", ">=", "2"),
            ("bits", ">", "0"),
        )
        n, most = len(rows), int(rows["n_accounts_in_ring"].max())
        number = cite(numbers.count(n), Source("count", "evidence", "", where), n)
        largest = cite(numbers.count(most), Source("max", "evidence", "n_accounts_in_ring", where), most)
        found.append(
            f"{number} {numbers.plural(n, one, many)} ({'used by' if n == 1 else 'the commonest by'} "
            f"{largest} accounts)"
        )
    return found
