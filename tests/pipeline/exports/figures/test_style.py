"""The palette, proved: kinds stay apart under every simulated sight, in grey, and on their ground."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

import numpy as np
import pytest

from pipeline.exports.figures.style import DARK, LIGHT, SIZES, SMALLEST, Theme, counterparts, shade

Sight = Callable[[np.ndarray], np.ndarray]

# Machado, Oliveira, Fernandes 2009, severity 1.0
MACHADO = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Vienot, Brettel, Mollon 1999, for linear sRGB
VIENOT = {
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
}
# Brettel, Vienot, Mollon 1997 for tritanopia: two half planes and what parts them
BRETTEL = (
    [[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]],
    [[0.93678, 0.18979, -0.12657], [0.06154, 0.81526, 0.12320], [-0.37562, 1.12767, 0.24796]],
    [0.03901, -0.02788, -0.01113],
)


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a hex colour."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of linear RGB."""
    m = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = m @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one: np.ndarray, two: np.ndarray) -> float:
    """Difference of two Lab colours (Sharma, Wu, Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    big_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh) / 2)
    mean_l, mean_cp = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if c1 * c2 == 0 else ((h1 + h2) / 2 if abs(h1 - h2) <= 180 else ((h1 + h2 + 360) / 2) % 360)
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_cp, 1 + 0.015 * mean_cp * t
    turn = 30 * np.exp(-(((mean_h - 275) / 25) ** 2))
    rc = 2 * np.sqrt(mean_cp**7 / (mean_cp**7 + 25.0**7))
    rt = -np.sin(np.radians(2 * turn)) * rc
    dl, dc, dhh = (l2 - l1) / sl, (c2 - c1) / sc, big_h / sh
    return float(np.sqrt(dl**2 + dc**2 + dhh**2 + rt * dc * dhh))


def by(matrix: list[list[float]]) -> Sight:
    """Sight by one matrix on linear RGB."""
    return lambda rgb: np.clip(np.array(matrix) @ rgb, 0, 1)


def brettel(rgb: np.ndarray) -> np.ndarray:
    """Tritanopia by half planes."""
    first, second, normal = BRETTEL
    return np.clip(np.array(first if rgb @ np.array(normal) >= 0 else second) @ rgb, 0, 1)


SIGHTS: dict[str, tuple[Sight, ...]] = {
    "normal": (lambda rgb: rgb,),
    "protan": (by(MACHADO["protan"]), by(VIENOT["protan"])),
    "deutan": (by(MACHADO["deutan"]), by(VIENOT["deutan"])),
    "tritan": (by(MACHADO["tritan"]), brettel),
}


def apart(one: str, two: str, sight: str) -> float:
    """Difference of two colours under a sight; of two models of it the smaller counts."""
    return min(ciede2000(lab(s(linear(one))), lab(s(linear(two)))) for s in SIGHTS[sight])


def lightness(colour: str) -> float:
    """L* of a colour."""
    return float(lab(linear(colour))[0])


def contrast(one: str, two: str) -> float:
    """Contrast by WCAG 2."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    high, low = sorted((float(weights @ linear(c)) for c in (one, two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_referee_itself() -> None:
    """CIEDE2000 against three pairs of the published test data."""
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, two, expected in pairs:
        assert ciede2000(np.array(one), np.array(two)) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
@pytest.mark.parametrize("sight", list(SIGHTS))
def test_kinds_stay_apart(theme: Theme, sight: str) -> None:
    assert min(apart(a, b, sight) for a, b in combinations(theme.slots, 2)) >= 12


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
def test_kinds_stay_apart_in_grey_and_on_the_ground(theme: Theme) -> None:
    assert min(abs(lightness(a) - lightness(b)) for a, b in combinations(theme.slots, 2)) >= 7.5
    assert min(contrast(c, theme.ground) for c in theme.slots) >= 3
    assert contrast(theme.ink, theme.ground) >= 7
    assert contrast(theme.second, theme.ground) >= 7


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda t: t.name)
@pytest.mark.parametrize("sight", list(SIGHTS))
def test_steps_of_the_ramp_are_seen(theme: Theme, sight: str) -> None:
    steps = (theme.ground, *theme.ramp)
    assert min(apart(a, b, sight) for a, b in pairwise(steps)) >= 7
    order = [lightness(c) for c in steps]
    assert order == sorted(order, reverse=theme is LIGHT)
    assert min(abs(a - b) for a, b in pairwise(order)) >= 7


def test_dark_counterparts_are_one_to_one() -> None:
    exchange = counterparts()
    assert len(exchange) >= 18
    assert exchange[b"#ffffff"] == b"#12161c"
    assert len({v for k, v in exchange.items() if k != LIGHT.ink.lower().encode()}) == len(exchange) - 1


def test_shades_begin_at_five_percent() -> None:
    assert shade(LIGHT, 0.049) is None
    assert shade(LIGHT, 0.05) == LIGHT.ramp[0]
    assert shade(LIGHT, 1.0) == LIGHT.ramp[-1]


def test_no_type_is_too_small() -> None:
    assert all(min(s.title, s.label, s.note) * s.scale >= SMALLEST for s in SIZES.values())
    assert min(SIZES["slide"].note, SIZES["slide"].label) * SIZES["slide"].scale >= 12
