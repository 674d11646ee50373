"""The laws of the small parts: hashing, ranges, text, addresses, sizes."""

from __future__ import annotations

import ipaddress

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.worlds.crowd import in_groups
from pipeline.worlds.dice import Dice, below, mix, stream, unit
from pipeline.worlds.frames import Frames, Style
from pipeline.worlds.net import Networks, ipv4
from pipeline.worlds.rings import _sizes
from pipeline.worlds.text import Library


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=50), st.integers(1, 2**31))
def test_hashed_numbers_stay_in_range_and_repeat(values: list[int], n: int) -> None:
    words = mix(np.array(values), 7)
    assert ((unit(words) >= 0) & (unit(words) < 1)).all()
    drawn = below(words, n)
    assert ((drawn >= 0) & (drawn < n)).all()
    assert (drawn == below(mix(np.array(values), 7), n)).all()


def test_streams_are_even_and_unlike() -> None:
    words = mix(np.arange(20_000), 1)
    for index in (0, 1, 5):
        counts = np.bincount(below(stream(words, np.full(20_000, index)), 10), minlength=10)
        assert abs(counts - 2000).max() < 250
    first, second = (unit(stream(words, np.full(20_000, i))) for i in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


@given(st.integers(1, 3000), st.integers(1, 40), st.integers(0, 200), st.integers(0, 10))
def test_groups_fill_up_exactly(n: int, low: int, more: int, seed: int) -> None:
    sizes = in_groups(n, low, low + more, Dice("groups", seed))
    assert sum(sizes) == n
    assert min(sizes) >= 1


@given(st.integers(3, 3000), st.floats(3, 20), st.floats(20, 900), st.floats(0.05, 1), st.integers(0, 20))
def test_ring_sizes_sum_and_none_is_smaller_than_three(
    n: int, low: float, high: float, largest: float, seed: int
) -> None:
    sizes = _sizes(n, (low, high), largest, Dice("sizes", seed))
    assert sum(sizes) == n
    assert min(sizes) >= 3


def test_a_shift_moves_every_range_by_its_share() -> None:
    plain, moved = Dice("x", 1), Dice("x", 1, shift=0.25)
    for _ in range(20):
        assert np.isclose(moved.between(10, 20) - plain.between(10, 20), 2.5)
    assert plain.child("a").rng.random() == moved.child("a").rng.random()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1), st.integers(0, 6))
def test_prompts_of_a_frame_depend_on_the_request_alone(seed: int, paraphrase: float, language: int) -> None:
    library = _library()
    frames = Frames.__new__(Frames)
    frames.library, frames._codes, frames._start, frames._n, frames._spoken = library, 0, [], [], []
    family = frames.private(Dice("frame", seed), language, seed % 18, Style(paraphrase=paraphrase, talk=True))
    library.seal()
    n = 40
    frame = np.full(n, frames._start[family])
    request, talk = mix(np.arange(n), seed), mix(np.arange(n) // 4, seed)
    turn, topic = np.arange(n) % 4, np.full(n, 3)
    whole = library.render(frame, request, talk, topic, turn).to_pylist()
    order = np.random.default_rng(seed).permutation(n)
    mixed = library.render(frame[order], request[order], talk[order], topic[order], turn[order]).to_pylist()
    assert [whole[i] for i in order] == mixed
    assert all(whole[i].startswith(whole[i - i % 4]) for i in range(n))  # later turns send the beginning again


_LIBRARY: list[Library] = []


def _library() -> Library:
    if not _LIBRARY:
        _LIBRARY.append(Library(Dice("library", 1)))
    return _LIBRARY[0]


def test_paraphrase_changes_words_and_keeps_most() -> None:
    library = Library(Dice("library", 2))
    frames = Frames(library, Dice("frames", 2))
    plain = frames.private(Dice("a"), 0, 1, Style(paraphrase=0.0, long=False))
    free = frames.private(Dice("a"), 0, 1, Style(paraphrase=0.8, long=False))
    frames.seal()
    seeds, zero = mix(np.arange(200), 3), np.zeros(200, dtype=np.int64)

    def frame_words(family: int) -> list[str]:
        frame = np.full(200, frames.start[family])
        return [p.rsplit(":", 1)[0][:150] for p in library.render(frame, seeds, seeds, zero, zero).to_pylist()]

    assert len(set(frame_words(plain))) < len(set(frame_words(free)))


def test_addresses_keep_their_lease_and_proxies_leave_through_homes() -> None:
    net = Networks(Dice("net"))
    area = net.area(net.choose("residential", 0), 22, 24.0)
    homes = [(area, 1000 + i) for i in range(30)]
    proxy = net.proxy(homes, 2.0)
    six = net.ipv6_rotating(net.choose("hosting"), 1.0, 50)
    few = net.few(net.choose("hosting"), 3, 5.0)
    net.seal()
    keys = np.arange(400, dtype=np.uint64) + np.uint64(5000)
    now = np.full(400, 3.2e5)
    at_home = {
        int(x) for x in net.locate(np.full(30, area), np.array([h[1] for h in homes], dtype=np.uint64), now[:30])[1]
    }
    assert {int(x) for x in net.locate(np.full(400, proxy), keys, now)[1]} <= at_home
    assert {int(x) for x in net.locate(np.full(400, few), keys, now)[1]} == set(net.explicit(few))
    upper, _ = net.locate(np.full(400, six), keys, now)
    assert len(set((upper >> np.uint64(16)).tolist())) == 1
    assert len(set(upper.tolist())) <= 50
    early, late = (net.locate(np.full(400, area), keys, now + shift)[1] for shift in (0.0, 60.0))
    assert (early == late).mean() > 0.98


@given(st.integers(0, 2**32 - 1))
def test_ipv4_spelling(address: int) -> None:
    assert int(ipaddress.IPv4Address(ipv4(address))) == address
