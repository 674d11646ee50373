"""F1 up to 60 accounts: the ring as a bipartite picture with its core, and a key list of what is shared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.exports import numbers
from pipeline.exports.figures.paper import Paper
from pipeline.exports.figures.sheet import Frame, Sheet, sentence
from pipeline.exports.figures.style import Size
from pipeline.exports.figures.things import things
from pipeline.exports.frames import rows_of
from pipeline.exports.trace import Source, cite

MOST_ACCOUNTS = 60
CORE = 0.5
CLEAR = 1.5  # millimetres between marks
SIDE = 86.0
DOT = 1.9
MANY_LINES = 120  # lines beyond which each is drawn fainter


def title(ring: pd.Series, evidence: pd.DataFrame, frame: Frame) -> str:
    """The finding of F1: the thing that most accounts share, of the strongest whose count may be told."""
    where = (("ring_id", "=", str(ring.ring_id)),)
    size = cite(numbers.count(int(ring["size"])), Source("value", "rings", "size", where), int(ring["size"]))
    named = things(evidence, frame)
    told = named[~named["withheld"]]
    if named.empty:
        return f"{ring.ring_id}: {size} accounts, held together by behaviour alone"
    if told.empty:
        return f"{ring.ring_id}: {size} accounts, what they share is told without counts"
    most = told.sort_values(["n_in_ring", "number"], ascending=[False, True]).iloc[0]
    source = Source("max_shared", "evidence", "n_accounts_in_ring", where)
    n = cite(numbers.count(int(most.n_in_ring)), source, int(most.n_in_ring))
    kind = str(most.label).rsplit(" ", 1)[0].lower()
    return f"{ring.ring_id}: {n} of {size} accounts share one {kind}"


def sheet(
    ring: pd.Series,
    members: pd.DataFrame,
    evidence: pd.DataFrame,
    incidence: pd.DataFrame,
    layout: pd.DataFrame,
    frame: Frame,
) -> Sheet:
    """Marks of the picture: accounts, the strongest shared things, the lines between. Tables hold one ring's rows."""
    name = f"f1-ring-{ring.ring_id}"
    named = things(evidence, frame)
    if len(members) < 2 or named.empty:
        return sentence(name, "ring_picture", frame, "rings, evidence", title(ring, evidence, frame) + ".")
    places = {(r.vertex_type, r.vertex): (r.x, r.y) for r in rows_of(layout)}
    core = dict(zip(members["account_id"], members["membership"] >= CORE, strict=True))
    accounts = sorted(core)
    spots = _spots(accounts, named, places, incidence)
    dots = pd.DataFrame(
        {
            "mark": "account",
            "label": [f"a{i + 1}" for i in range(len(accounts))],
            "slot": 0,
            "core": [core[a] for a in accounts],
            "x": [spots[("", a)][0] for a in accounts],
            "y": [spots[("", a)][1] for a in accounts],
            "bits": 0.0,
        }
    )
    shared = pd.DataFrame(
        {
            "mark": "thing",
            "label": named["label"],
            "slot": named["slot"],
            "core": True,
            "bits": named["bits"].round(2),
            "n": named["n_in_ring"],
            "x": [spots[(r.entity_type, r.entity)][0] for r in rows_of(named)],
            "y": [spots[(r.entity_type, r.entity)][1] for r in rows_of(named)],
        }
    )
    label = {(r.entity_type, r.entity): r.label for r in rows_of(named)}
    code = dict(zip(accounts, dots["label"], strict=True))
    kept = [
        (code[r.account_id], label[(r.entity_type, r.entity)], float(r.bits))
        for r in rows_of(incidence.sort_values(["account_id", "entity_type", "entity"]))
        if r.account_id in code and (r.entity_type, r.entity) in label
    ]
    lines = pd.DataFrame(kept, columns=["label", "to", "bits"]).assign(mark="line")
    strongest = named.sort_values("bits", ascending=False).iloc[0]
    left_out = max(0, int(((evidence["n_accounts_in_ring"] >= 2) & (evidence["bits"] > 0)).sum()) - len(named))
    return Sheet(
        name,
        "ring_picture",
        title=title(ring, evidence, frame),
        see=(
            "Follow the lines from accounts to what they share; the list names the marks. Nearness means "
            "nothing more than shared ties."
        ),
        sure=f"Filled dots belong with membership {CORE} or more. Things shared but not drawn: {left_out}.",
        alt=(
            f"Network picture of {len(accounts)} accounts and {len(named)} shared things, "
            f"{ring.ring_id}, {frame.window}. "
            f"Heaviest: {strongest.label}, shared by {int(strongest.n_in_ring)} accounts; "
            f"{int(strongest.n_total)} have it anywhere. Numbers: evidence, incidence."
        ),
        tables="rings, members, evidence, incidence, layout",
        frame=frame,
        marks=pd.concat([dots, shared, lines], ignore_index=True)[
            ["mark", "label", "to", "slot", "core", "n", "bits", "x", "y"]
        ],
        asides={"size": int(ring["size"])},
    )


def _spots(
    accounts: list[str],
    named: pd.DataFrame,
    places: dict[tuple[str, str], tuple[float, float]],
    incidence: pd.DataFrame,
) -> dict[tuple[str, str], tuple[float, float]]:
    """Stored places in millimetres, pushed apart until marks are clear of one another."""
    keys: list[tuple[str, str]] = [("", a) for a in accounts] + [(r.entity_type, r.entity) for r in rows_of(named)]
    owners = incidence.groupby(["entity_type", "entity"])["account_id"].apply(list).to_dict()
    points = np.zeros((len(keys), 2))
    for at, (kind, value) in enumerate(keys):
        stored = places.get((kind or "account", value))
        if stored is None:
            near = [places[("account", a)] for a in owners.get((kind, value), []) if ("account", a) in places]
            stored = tuple(np.mean(near, axis=0)) if near else (np.cos(2.399963 * at), np.sin(2.399963 * at))
        points[at] = stored
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - low) / np.where(high - low > 1e-9, high - low, 1.0)
    reach = np.array([DOT / 2] * len(accounts) + [diameter(b) / 2 + 1.4 for b in named["bits"]])
    margin = 7.0
    placed = push_apart(margin + points * (SIDE - 2 * margin), reach, CLEAR, margin, SIDE - margin)
    return {key: (round(float(x), 2), round(float(y), 2)) for key, (x, y) in zip(keys, placed, strict=True)}


def push_apart(
    points: np.ndarray, reach: np.ndarray, gap: float, low: float, high: float, rounds: int = 400
) -> np.ndarray:
    """Points moved until discs of radius `reach` are `gap` apart, within a square; the same result every time."""
    at = points.copy()
    n = len(at)
    wanted = reach[:, None] + reach[None, :] + gap
    np.fill_diagonal(wanted, 0.0)
    angle = 2.399963 * np.arange(n)
    nudge = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for _ in range(rounds):
        gaps = at[:, None, :] - at[None, :, :]
        far = np.sqrt((gaps**2).sum(axis=2))
        short = np.clip(wanted - far, 0.0, None)
        if short.max() < 0.05:
            break
        direction = np.where(
            far[..., None] > 1e-6, gaps / np.maximum(far, 1e-6)[..., None], nudge[:, None, :] - nudge[None, :, :]
        )
        at = np.clip(at + 0.3 * (short[..., None] * direction).sum(axis=1), low, high)
    return at


def diameter(bits: float) -> float:
    """Diameter of a thing's mark in millimetres: area by bits."""
    return 2.2 + 2.6 * float(np.sqrt(min(max(bits, 0.0), 16.0) / 16.0))


def height(sheet: Sheet, size: Size) -> float:
    """Height of the body in millimetres."""
    return min(SIDE + 2, size.tallest)


def body(paper: Paper, sheet: Sheet) -> None:
    """Draw lines, marks, numbers beside the things, and the key list at the right."""
    rows, theme = sheet.marks, paper.theme
    scale = paper.body / (SIDE + 2)
    dots, shared, lines = (rows[rows["mark"] == m] for m in ("account", "thing", "line"))
    spot = {r.label: (float(r.x) * scale, float(r.y) * scale) for r in rows_of(pd.concat([dots, shared]))}
    bits = dict(zip(shared["label"], shared["bits"], strict=True))
    heaviest = max([*bits.values(), 1.0])
    strength = max(0.08, 0.3 * min(1.0, MANY_LINES / max(len(lines), 1)))  # else many lines are one dark patch
    for line in rows_of(lines):
        (x0, y0), (x1, y1) = spot[line.label], spot[line.to]
        paper.line([x0, x1], [y0, y1], theme.ink, 0.25 + 0.85 * bits[line.to] / heaviest, strength=strength)
    for dot in rows_of(dots):
        paper.mark(*spot[dot.label], 0, DOT, hollow=not dot.core)
    taken = [(x, y, DOT / 2) for x, y in (spot[d] for d in dots["label"])]
    taken += [(*spot[t.label], diameter(t.bits) / 2) for t in rows_of(shared)]
    for number, thing in enumerate(rows_of(shared), start=1):
        x, y = spot[thing.label]
        paper.mark(x, y, int(thing.slot), diameter(thing.bits))
        _number(paper, str(number), x, y, diameter(thing.bits) / 2, taken)
    _list(paper, sheet, shared, SIDE * scale + 8)


def _number(
    paper: Paper, text: str, x: float, y: float, radius: float, taken: list[tuple[float, float, float]]
) -> None:
    """A number beside its mark, in the first free place around it."""
    half = paper.wide(text) / 2 + 0.1
    best: tuple[float, float] = (x + radius + half + 0.4, y)
    best_room = -1e9
    middle = np.mean([t[:2] for t in taken], axis=0)
    outward = float(np.arctan2(y - middle[1], x - middle[0]))
    for reach in (radius + half + 0.5, radius + half + 1.3, radius + half + 2.2):
        for turn in range(16):
            angle = outward + np.pi / 8 * ((turn + 1) // 2) * (-1) ** turn
            px, py = x + reach * float(np.cos(angle)), y + reach * 0.95 * float(np.sin(angle))
            room = min(max(abs(px - tx) - half - tr, abs(py - ty) - 1.15 - tr) for tx, ty, tr in taken)
            room = min(room, px - half - 0.3, paper.body - 1.5 - py, py - 1.3)
            if room > best_room:
                best, best_room = (px, py), room
        if best_room > 0.25:
            break
    paper.text(*best, text, across="center", outline=True)
    taken.append((*best, max(half, 1.2)))


def _list(paper: Paper, sheet: Sheet, shared: pd.DataFrame, left: float) -> None:
    theme = paper.theme
    row = min(5.2, (paper.body - 18) / max(len(shared), 1))
    right = paper.width - 1
    total = sheet.asides["size"]
    paper.text(left + 10, 3, "shared thing", role="note", colour=theme.second)
    paper.text(right - 12, 3, "accounts", role="note", across="right", colour=theme.second)
    paper.text(right, 3, "bits", role="note", across="right", colour=theme.second)
    for number, thing in enumerate(rows_of(shared), start=1):
        y = 3 + number * row + 0.6
        paper.text(left + 2.5, y, str(number), across="right")
        paper.mark(left + 6, y, int(thing.slot), 2.6)
        paper.text(left + 10, y, paper.fits(str(thing.label), right - left - 38))
        paper.text(right - 12, y, f"{int(thing.n)} of {total}", across="right")
        paper.text(right, y, f"{thing.bits:.1f}", across="right")
    y = 3 + (len(shared) + 1.6) * row + 1.4
    paper.mark(left + 6, y, 0, DOT)
    paper.text(left + 10, y, "account of the core", role="note", colour=theme.second)
    paper.mark(left + 6, y + 4.2, 0, DOT, hollow=True)
    paper.text(left + 10, y + 4.2, "account of the fringe", role="note", colour=theme.second)
