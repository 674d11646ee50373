"""The wording of a template shows what enough accounts share, and nothing else."""

from __future__ import annotations

from pipeline.text.wording import LONGEST, SLOT, wordings

NAMES = ["ann", "bob", "cid", "dee"]


def test_shared_words_stay_and_the_rest_are_slots() -> None:
    texts = [f"Please summarise the text about {name} in three short lines, {name}." for name in NAMES]
    assert wordings([(texts, NAMES)], k=3) == [f"Please summarise the text about {SLOT} in three short lines {SLOT}"]


def test_too_few_accounts_show_nothing() -> None:
    texts = ["Please summarise the text about harbours"] * 4
    assert wordings([(texts, ["ann"] * 4), (texts, ["ann", "bob"] * 2)], k=3) == [None, None]


def test_what_one_account_repeats_is_not_shown() -> None:
    own = ["my private address is hill road"] * 20
    texts = [
        f"Classify this report as good or bad: {part}" for part in [*own, "one thing", "other thing", "last thing"]
    ]
    (shown,) = wordings([(texts, ["ann"] * 20 + NAMES[1:])], k=3)
    assert shown is not None and "Classify this report as good or bad" in shown and "private" not in shown


def test_numbers_quotes_and_addresses_are_never_shown() -> None:
    texts = ['Send order 4417 to bob@mail.example and say "thank you very much" then stop at once'] * 4
    (shown,) = wordings([(texts, NAMES)], k=3)
    assert shown == f"Send order {SLOT} to {SLOT} and say {SLOT} then stop at once"


def test_groups_do_not_mix() -> None:
    one = [f"first frame of words for {name} here" for name in NAMES]
    other = [f"another frame of words for {name} there" for name in NAMES]
    apart = [wordings([(texts, NAMES)], k=3)[0] for texts in (one, other)]
    assert wordings([(one, NAMES), (other, NAMES)], k=3) == apart


def test_a_long_wording_is_cut_and_scripts_without_spaces_work() -> None:
    (shown,) = wordings([(["harbour ledger sensor " * 900] * 4, NAMES)], k=3)
    assert shown is not None and len(shown) <= LONGEST
    texts = [f"请根据以下材料写一篇文章：{name}" for name in ("天地", "山水", "日月", "风云")]
    (shown,) = wordings([(texts, NAMES)], k=3)
    assert shown is not None and "材" in shown and "山" not in shown


def test_torn_text_does_no_harm() -> None:
    assert wordings([(["\ud800 broken text of an attacker"] * 4, NAMES)], k=3)[0] is not None
