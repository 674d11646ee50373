"""How values are written: numbers as in the figures, strangers' text as quoted matter, masks that mask."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipeline.link_types import ADDRESS_TYPES, PAYMENT_TYPE, TEMPLATE_TYPE
from pipeline.review import say
from pipeline.review.pages_lists import csv_answer
from pipeline.review.seal import Seal
from tests.support.hostile import PAYLOADS

TEXTS = st.text(max_size=60) | st.sampled_from(PAYLOADS)


class Tags(HTMLParser):
    """The tags of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))


@given(TEXTS)
def test_quoted_matter_brings_no_tag_of_its_own_and_nothing_that_acts(text: str) -> None:
    made = str(say.quoted(text, 600))
    assert set(Tags(made).tags) <= {("bdi", ("class",)), ("span", ("class",))}
    assert not any(say.acts(c) for c in made)


@given(TEXTS)
def test_visible_text_holds_nothing_that_acts(text: str) -> None:
    assert not any(say.acts(c) for c in say.visible(text))


@given(st.text(max_size=200), st.integers(3, 60))
def test_a_cut_value_keeps_its_ends(text: str, shown: int) -> None:
    made = say.cut(text, shown)
    assert len(made) <= max(shown, 0) and (made == text if len(text) <= shown else made[0] == text[0])


@given(TEXTS)
def test_no_cell_is_a_formula_and_the_table_stays_one(text: str) -> None:
    body = csv_answer(["a", "b"], [[text, "end"]], "x.csv").body.decode()
    rows = list(csv.reader(io.StringIO(body)))
    assert len(rows) == 2 and rows[1][1] == "end"
    assert rows[1][0][:1] not in ("=", "+", "-", "@", "\t", "\r")


@pytest.mark.parametrize(
    ("value", "made"),
    [(25104, "25,104"), (28_800_000, "28.8 million"), (None, "–"), (0, "0")],
)  # fmt: skip
def test_counts(value: int | None, made: str) -> None:
    assert say.count(value) == made


@pytest.mark.parametrize(("value", "made"), [(6.12, "+6.1"), (-9.0, "−9.0"), (0.01, "0.0"), (None, "–")])
def test_bits_have_a_sign_and_a_true_minus(value: float | None, made: str) -> None:
    assert say.bits(value) == made


@given(st.ip_addresses())
def test_a_masked_address_shows_its_network_alone(address: object) -> None:
    text = str(address)
    masked = say.masked(ADDRESS_TYPES[0], text)
    assert masked.endswith(("/24", "/48")) and (masked.partition("/")[0] != text or text.endswith((".0", ":")))


@given(st.text("0123456789abcdef", min_size=8, max_size=20))
def test_a_masked_card_shows_two_characters(card: str) -> None:
    assert say.masked(PAYMENT_TYPE, card) == f"•••{card[-2:]}"
    assert say.masked("device_id", card) == f"•••{card[-2:]}"


def test_slots_and_shapes() -> None:
    text = "Solve <*> now, <b>please</b> <*>"
    assert str(say.slots(text)).count("▢") == 2 and "<b>" not in str(say.slots(text))
    assert say.slot_shape(text) == "[1 words] ▢ [2 words] ▢ [0 words]"
    assert say.masked(TEMPLATE_TYPE, "t_1") == "t_1"


@given(st.text(max_size=40), st.text(max_size=20))
def test_sealed_names_open_again_for_their_kind_alone(value: str, other: str) -> None:
    seal, stranger = Seal(b"k" * 32), Seal(b"l" * 32)
    name = seal.name("entity", value, other)
    assert seal.open("entity", name) == (value, other)
    assert seal.open("account", name) is None and stranger.open("entity", name) is None
    assert name == seal.name("entity", value, other)
    assert seal.open("entity", name[:-2] + ("AA" if name[-2:] != "AA" else "BB")) is None or value == ""


@given(st.text(max_size=60))
def test_made_up_names_open_nothing(name: str) -> None:
    assert Seal(b"k" * 32).open("account", name) is None
