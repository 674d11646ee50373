"""Frames are found where they were planted, whatever the order, and what strangers share is not one."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest

from pipeline.text.labels import Labels, assign
from pipeline.text.refine import average_linkage, drawn
from pipeline.text.sketches import can_compile, sketch
from pipeline.text.wrappers import Held, now_and_then, own_languages, shared_by_wrappers
from tests.pipeline.text.mining import mine
from tests.pipeline.text.planted import chinese, order, pairwise, plant, sentence


@pytest.mark.parametrize("kind", ["end", "start", "middle", "paraphrase", "wrapped", "chinese", "mixed"])
def test_planted_frames_are_found(kind: str) -> None:
    planted = plant(kind)
    found = mine(planted.texts, planted.accounts)
    precision, recall, f1 = pairwise(planted.frame, found.private)
    assert precision >= 0.98, (kind, precision)
    assert f1 >= 0.98, (kind, precision, recall, f1)


def test_unrelated_prompts_are_not_joined() -> None:
    dice = random.Random(4)
    shared = [order(dice) for _ in range(30)]  # boilerplate in the middle of anybody's text
    texts = []
    for _ in range(3000):
        parts = [sentence(dice) for _ in range(dice.randint(4, 9))]
        if dice.random() < 0.5:
            parts.insert(dice.randint(1, len(parts) - 1), dice.choice(shared))
        texts.append(" ".join(parts))
    found = mine(texts, [f"account {number % 1500}" for number in range(len(texts))])
    assert (found.labels.frame < 0).all()


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_frame_of_a_large_campaign_is_no_wrapper(share: float) -> None:
    """It has all the looks of one (popular, long, at the head, a blank line), but its accounts draw from one pot."""
    dice = random.Random(21)
    frame = " ".join(order(dice) for _ in range(5))
    texts, accounts = [], []
    for account in range(600):
        campaign = account < 600 * share
        for _ in range(6):
            asked = " ".join(sentence(dice) for _ in range(4))
            texts.append(f"{frame}\n\n{asked}" if campaign and dice.random() < 0.8 else asked)
            accounts.append(f"account {account}")
    found = mine(texts, accounts)
    framed = np.array(["\n\n" in text for text in texts])
    assert (found.labels.wrapper < 0).all()
    assert (found.labels.frame[framed] == found.labels.frame[framed][0]).mean() > 0.98
    assert found.labels.frame[framed][0] >= 0


def test_an_agent_of_people_of_several_languages_is_a_wrapper() -> None:
    dice = random.Random(22)
    agent = " ".join(order(dice) for _ in range(6))
    french = "il faut que vous me disiez pour la troisième fois ce que les gens font avec une machine dans le jardin"
    texts, accounts = [], []
    for account in range(120):
        for _ in range(6):
            asked = " ".join(sentence(dice) for _ in range(2))
            if account % 4 == 0:
                asked = " ".join(dice.sample(french.split(), 20) + dice.sample(french.split(), 20))
            texts.append(f"{agent}\n\n{asked}")
            accounts.append(f"account {account}")
    found = mine(texts, accounts)
    assert (found.labels.wrapper >= 0).mean() > 0.98


def test_what_people_do_now_and_then_is_told_from_what_they_always_do() -> None:
    accounts = np.array([0, 0, 0, 0, 1, 1, 2])
    assert now_and_then(np.array([0, 4]), accounts) == 0.0
    assert now_and_then(np.array([0, 1, 2, 3, 4, 5]), accounts) == 1.0
    assert now_and_then(np.array([6]), accounts) == 1.0
    half = now_and_then(np.array([0, 1, 4]), accounts)
    assert 4 * half / (1 - (1 - half) ** 4) + 2 * half / (1 - (1 - half) ** 2) == pytest.approx(3.0)


@pytest.mark.parametrize("share", [0.08, 0.5])
@pytest.mark.parametrize("prompts", [2, 4, 16, 64])
def test_what_people_do_looks_alike_however_few_of_their_prompts_are_seen(prompts: int, share: float) -> None:
    dice = np.random.default_rng(5)
    accounts = np.repeat(np.arange(240_000 // prompts), prompts)
    some = np.flatnonzero(dice.random(len(accounts)) < share)
    assert now_and_then(some, accounts) == pytest.approx(share, rel=0.1)


def test_rows_that_hold_the_same_are_drawn_one_by_one() -> None:
    mark = np.repeat(np.array([7, 5], np.uint64), [400, 600])
    rank = drawn(mark)
    assert np.array_equal(np.sort(rank), np.arange(1000))
    assert 0.25 < (mark[rank < 200] == 7).mean() < 0.55
    other = np.random.default_rng(2).permutation(1000)
    first, again = mark[np.argsort(rank)][:200], mark[other][np.argsort(drawn(mark[other]))][:200]
    assert np.array_equal(np.sort(first), np.sort(again))


@pytest.mark.parametrize("seed", range(6))
def test_frames_of_more_prompts_than_are_looked_at_may_share_a_sentence(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.text.refine.MOST_ROWS", 60)
    dice = random.Random(seed)
    common = order(dice)
    frames = [f"{common} {' '.join(order(dice) for _ in range(5))}" for _ in range(2)]
    filling = ("".join(dice.choices("bcdfghjklm", k=8)) for _ in range(4000))
    texts = [" ".join([frames[n % 2], *islice(filling, 8)]) for n in range(400)]
    found = mine(texts, [f"account {n % 16}" for n in range(400)])
    assert len(set(found.labels.frame[::2])) == len(set(found.labels.frame[1::2])) == 1
    assert 0 <= found.labels.frame[0] != found.labels.frame[1] >= 0
    assert len(found.frames.ids) == 2 and not len(found.combined.ids)  # by the first look alone


def test_a_wrapper_is_known_by_few_prompts_of_each_account() -> None:
    dice = random.Random(31)
    agent = " ".join(order(dice) for _ in range(8))
    texts, accounts = [], []
    for account in range(700):
        for _ in range(3):
            asked = " ".join(sentence(dice) for _ in range(3))
            texts.append(f"{agent}\n\n{asked}" if dice.random() < 0.1 else asked)
            accounts.append(f"account {account}")
    found = mine(texts, accounts)
    wrapped = np.array(["\n\n" in text for text in texts])
    assert (found.labels.wrapper[wrapped] >= 0).mean() > 0.98
    assert (found.labels.frame[wrapped] < 0).mean() > 0.98


def test_what_wrappers_have_in_common_is_no_template() -> None:
    dice = random.Random(8)
    common = " ".join(order(dice) for _ in range(6))
    agents = [
        f"{' '.join(order(dice) for _ in range(6))} {common} {' '.join(order(dice) for _ in range(6))}"
        for _ in range(3)
    ]
    texts = [" ".join(sentence(dice) for _ in range(3)) for _ in range(4000)]
    kind = np.array([dice.randrange(3) if dice.random() < 0.3 else -1 for _ in texts])
    wrapped = [f"{agents[k]}\n\n{text}" if k >= 0 else text for k, text in zip(kind, texts, strict=True)]
    found = mine(wrapped, [f"account {n % 700}" for n in range(4000)]).labels
    assert (found.wrapper[kind >= 0] >= 0).mean() > 0.98
    assert (found.frame[kind >= 0] < 0).mean() > 0.98


def test_a_frame_that_stands_in_wrappers_is_part_of_them_where_all_their_prompts_have_it() -> None:
    rows = {0: range(100), 1: range(100, 200), 2: range(200), 3: range(30, 90), 4: [*range(100, 195), *range(300, 400)]}
    held = [(row, frame) for frame, some in rows.items() for row in some]
    row, frame = np.array(sorted(held)).T
    plain = np.ones(len(row), np.int64)
    shared = shared_by_wrappers(Held(row, frame, plain, plain, plain), np.arange(5) < 2, np.ones(5, np.bool_))
    assert shared.tolist() == [False, False, True, False, False]  # in both; in part of one; in one and elsewhere


def test_languages_of_accounts_are_their_own_or_drawn_from_one_pot() -> None:
    accounts = np.repeat(np.arange(400), 10)
    dice = np.random.default_rng(3)
    own = (dice.random(400) < 0.3).astype(np.int64)[accounts]
    assert own_languages(accounts, own) == pytest.approx(1.0)
    pot = (dice.random(len(accounts)) < 0.3).astype(np.int64)
    assert abs(own_languages(accounts, pot)) < 0.02
    assert own_languages(accounts, np.zeros(len(accounts), np.int64)) == 0.0
    assert own_languages(accounts, np.full(len(accounts), -1)) == 0.0


def test_a_wrapper_is_set_apart_from_the_request_inside() -> None:
    planted = plant("wrapped")
    found = mine(planted.texts, planted.accounts)
    wrapped = np.array(["\n\n" in text for text in planted.texts])
    assert (found.labels.wrapper[wrapped] >= 0).mean() > 0.98
    assert (found.labels.wrapper[~wrapped] < 0).all()
    alone = wrapped & (planted.frame < 0)
    assert (found.labels.frame[alone] < 0).mean() > 0.98


@pytest.mark.skipif(not can_compile(), reason="the extra `fast` is not installed")
@pytest.mark.parametrize("kind", ["mixed", "chinese"])
def test_both_ways_to_give_a_frame_agree(kind: str) -> None:
    planted = plant(kind, n_frames=12, n_other=300)
    frames = mine(planted.texts, planted.accounts).frames
    made = sketch(pa.array([*planted.texts, None, "", "too short"]))
    for mended in (frames, replace(frames, popular=~frames.popular, wrapper=np.arange(len(frames.ids)) % 3 == 0)):
        plain, fast = (
            assign(made.prints, made.offsets, np.diff(made.offsets), mended, compiled=compiled)
            for compiled in (False, True)
        )
        for field in fields(Labels):
            one, other = getattr(plain, field.name), getattr(fast, field.name)
            assert one.dtype == other.dtype and np.array_equal(one, other), field.name


def test_order_changes_nothing() -> None:
    planted = plant("mixed", n_frames=8, n_other=300)
    before = mine(planted.texts, planted.accounts)
    order_of = np.random.default_rng(3).permutation(len(planted.texts))
    after = mine([planted.texts[i] for i in order_of], [planted.accounts[i] for i in order_of])
    assert np.array_equal(after.lasting, before.lasting[order_of])
    assert np.array_equal(after.frames.ids, before.frames.ids)
    assert np.array_equal(after.frames.family, before.frames.family)


@pytest.mark.parametrize("kind", ["end", "mixed"])
def test_ids_last_when_a_day_comes_or_goes(kind: str) -> None:
    planted = plant(kind, n_frames=20, n_each=60, n_other=800)
    whole = mine(planted.texts, planted.accounts)
    day = np.arange(len(planted.texts)) % 10
    for gone in (0, 7):
        kept = np.flatnonzero(day != gone)
        part = mine([planted.texts[i] for i in kept], [planted.accounts[i] for i in kept])
        both = (whole.lasting[kept] != 0) & (part.lasting != 0)
        assert (whole.lasting[kept][both] == part.lasting[both]).mean() > 0.97


def test_variants_of_a_frame_are_a_family() -> None:
    dice = random.Random(8)
    common = [order(dice) for _ in range(3)]
    texts, accounts = [], []
    for variant in range(2):
        own = order(dice)
        for number in range(30):
            texts.append(" ".join([*common, own, sentence(dice), sentence(dice)]))
            accounts.append(f"account {variant} {number % 5}")
    found = mine(texts, accounts)
    assert len(set(found.frames.family[found.labels.frame].tolist())) == 1


def test_a_language_without_spaces_has_slots() -> None:
    dice = random.Random(2)
    frame = chinese(dice) + chinese(dice)
    texts = [frame + chinese(dice) + chinese(dice) for _ in range(20)] + [chinese(dice) * 2 for _ in range(20)]
    found = mine(texts, [f"account {number}" for number in range(40)])
    assert len(set(found.labels.frame[:20].tolist())) == 1
    assert (found.labels.frame[20:] != found.labels.frame[0]).all()


def test_average_linkage_agrees_with_scipy() -> None:
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    dice = np.random.default_rng(0)
    for size in (2, 7, 40):
        likeness = dice.random((size, size))
        likeness = (likeness + likeness.T) / 2
        np.fill_diagonal(likeness, 1.0)
        ours = average_linkage(likeness, 0.5)
        theirs = fcluster(linkage(squareform(1 - likeness, checks=False), "average"), 0.5, "distance")
        assert (
            len(set(zip(ours.tolist(), theirs.tolist(), strict=True)))
            == len(set(theirs.tolist()))
            == len(set(ours.tolist()))
        )


def test_a_frame_of_very_many_accounts_is_no_wrapper() -> None:
    dice = random.Random(11)
    frame = " ".join(order(dice) for _ in range(5))
    texts = [f"{frame} Text: {' '.join(sentence(dice) for _ in range(4))}" for _ in range(400)]
    texts += [" ".join(sentence(dice) for _ in range(6)) for _ in range(800)]
    found = mine(texts, [f"account {number % 600}" for number in range(len(texts))])
    assert (found.labels.wrapper < 0).all()
    assert len(set(found.labels.frame[:400].tolist())) == 1 and found.labels.frame[0] >= 0
