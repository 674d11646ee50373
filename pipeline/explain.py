"""The evidence on a ring or an account of a finished run, as plain values and as lines for a terminal.

Everything shown was made by the run; nothing is judged here. Accounts, entities and names of operators were written
by strangers: they reach the terminal only through `shown`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.accused import MEMBERSHIP
from pipeline.errors import UsageError, quoted
from pipeline.words import KIND_WORDS, confidence, counted, it_is, likelihood, number

if TYPE_CHECKING:
    import pandas as pd

Read = Callable[[str], "pd.DataFrame"]
Facts = dict[str, Any]
TOP_THINGS, TOP_MEMBERS, TOP_LINKS = 12, 10, 8
TOP_MEANINGS = 5  # parts whose measure is told in words
IDLE_BITS = 0.1  # parts below this are counted together
BAR = 24  # characters on either side of the middle of a waterfall bar
UNSAFE = ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp")


def shown(value: object, width: int = 48) -> str:
    """A value of strangers for the terminal: on one line, cut, every character that acts shown as its code point."""
    if value is None or value != value:  # null or not-a-number
        return "-"
    text = "".join(f"<U+{ord(c):04X}>" if unicodedata.category(c) in UNSAFE else c for c in str(value)[:400])
    return text if len(text) <= width else text[: width - 1] + "…"


def explain(name: str, read: Read, link_families: Mapping[str, str]) -> Facts:
    """Facts on a ring (by id) or else on an account. `read` gives a table of the run by name.

    `link_families`: family of each link type. Raises UsageError for a ring id that was never given.
    """
    rings = read("rings")
    if (rings["ring_id"] == name).any():
        return ring_facts(name, read, link_families)
    registry = read("ring_registry")
    known = registry[registry["ring_id"] == name]
    if len(known):
        row = known.iloc[0]
        return {"about": "ring that is no more", "ring_id": name, "state": row["state"], "last_run": row["last_run"]}
    facts = account_facts(name, read)
    if name.startswith("R-") and not facts["things"] and facts["ring_id"] is None:
        raise UsageError(
            "the run has no such ring", found=quoted(name), expected="a ring id from rings.parquet, or an account",
            mend="Look the ring up in the run's rings.",
        )  # fmt: skip
    return facts


def ring_facts(ring_id: str, read: Read, link_families: Mapping[str, str]) -> Facts:
    """All that is shown of a ring."""

    def of_ring(table: str) -> pd.DataFrame:
        rows = read(table)
        return rows[rows["ring_id"] == ring_id]

    ring = of_ring("rings").iloc[0].to_dict()
    evidence = of_ring("evidence").sort_values(["bits_counted", "bits", "entity"], ascending=[False, False, True])
    members = of_ring("members").sort_values(["membership", "account_id"], ascending=[False, True])
    parts = of_ring("score_parts").sort_values(["bits", "part"], ascending=[False, True])
    families = evidence["entity_type"].map(dict(link_families)).fillna(evidence["entity_type"])
    counted_bits = evidence["bits_counted"].groupby(families).sum()
    return {
        "about": "ring",
        "ring_id": ring_id,
        "ring": ring,
        "confidence": confidence(counted_bits.tolist(), float(ring["stability"]), float(ring["q_value"])).sentence,
        "parts": _records(parts),
        "explanations": _records(of_ring("explanations").sort_values(["probability", "kind"], ascending=[False, True])),
        "attribution": _records(of_ring("attribution").sort_values("rank")),
        "n_things": len(evidence),
        "things": _records(evidence.head(TOP_THINGS)),
        "n_core": int((members["membership"] >= MEMBERSHIP).sum()),
        "members": _records(members.head(TOP_MEMBERS)),
        "history": _records(of_ring("ring_history")),
    }


def account_facts(account_id: str, read: Read) -> Facts:
    """All that is shown of an account, in a ring or in none."""
    members = read("members")
    own = members[members["account_id"] == account_id]
    incidence = read("incidence")
    things = incidence[incidence["account_id"] == account_id]
    sharing = incidence.merge(things[["entity_type", "entity"]], on=["entity_type", "entity"])
    n_sharing = sharing.groupby(["entity_type", "entity"]).size().rename("n_accounts").reset_index()
    things = things.merge(n_sharing, on=["entity_type", "entity"], how="left")
    things = things.sort_values(["bits", "entity_type", "entity"], ascending=[False, True, True])
    facts: Facts = {
        "about": "account", "account_id": account_id, "ring_id": None, "n_things": len(things),
        "things": _records(things.head(TOP_THINGS)), "links": [], "n_links": 0,
    }  # fmt: skip
    if own.empty:
        return facts
    ring_id = str(own.iloc[0]["ring_id"])
    links = read("links")
    at_an_end = (links["account_a"] == account_id) | (links["account_b"] == account_id)
    links = links[(links["ring_id"] == ring_id) & at_an_end]
    links = links.sort_values(["bits", "account_a", "account_b"], ascending=[False, True, True])
    rings = read("rings")
    facts |= {
        "ring_id": ring_id, "member": _records(own)[0], "n_links": len(links), "links": _records(links.head(TOP_LINKS)),
        "ring": rings[rings["ring_id"] == ring_id].iloc[0].to_dict(),
    }  # fmt: skip
    return facts


def _records(table: pd.DataFrame) -> list[Facts]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def as_lines(facts: Facts) -> list[str]:
    """Facts as lines for a terminal."""
    if facts["about"] == "ring":
        return _ring_lines(facts)
    if facts["about"] == "account":
        return _account_lines(facts)
    state, last_run = shown(facts["state"]), shown(facts["last_run"])
    return [f"{shown(facts['ring_id'])} is {state}; the last run that had it is {last_run}."]


def _ring_lines(f: Facts) -> list[str]:
    ring = f["ring"]
    lines = [
        f"{f['ring_id']}: {shown(ring['reason'], 400)}",
        it_is(float(ring["score"]), f"the {counted(int(ring['size']), 'account')} are one coordinated operation"),
        f["confidence"],
        _operator_line(f),
        _flag_line(ring, f["explanations"]),
        "",
        f"Why this score, in bits ({ring['score_bits']:+.1f} in all; in brackets the group and groups like it)",
        *waterfall(f["parts"]),
        *_meanings(f["parts"]),
        "",
        "Rival explanations",
        *[f"  {shown(_kind(e['kind'])):<34} {likelihood(e['probability'])}" for e in f["explanations"]],
        "",
        "Who operates it" if ring["kind"] == "coordinated" else "Who would operate it, were it one operation",
        *[f"  {shown(a['operator']):<34} {likelihood(a['probability'])}" for a in f["attribution"]],
        "",
        f"Shared things ({f['n_things']:,}), strongest first",
        *_thing_lines(f["things"]),
        "",
        f"Members: {counted(int(ring['size']), 'account')}, {f['n_core']:,} with membership 0.5 or more",
    ]
    for m in f["members"]:
        lines.append(f"  {shown(m['account_id']):<34} {m['membership']:5.2f}  {m['n_events']:>9,} requests")
    for change in f["history"]:
        before = change["previous_ring_id"]
        was = f" (was {shown(before)})" if isinstance(before, str) else ""
        lines.append(f"Since the previous run: {shown(change['change'])}{was}")
    return lines


def _minute(moment: Any) -> str:
    """A time to the minute, or what stands for an unknown one."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment is not None and moment == moment else shown(moment)


def _kind(kind: object) -> str:
    return KIND_WORDS.get(str(kind), str(kind))


def _operator_line(f: Facts) -> str:
    ring = f["ring"]
    if isinstance(ring["operator"], str):
        return it_is(float(ring["operator_probability"]), f"{shown(ring['operator'])} operates {f['ring_id']}")
    if ring["kind"] != "coordinated":
        return "It is not attributed to anybody, since one operation is not its best explanation."
    probability = ring["operator_probability"]
    if probability is None or probability != probability:
        return "The operation is not attributed. No outside source points at an operator."
    return f"The operation is not attributed. The best named rival reached {number(float(probability))}."


def _flag_line(ring: Facts, explanations: list[Facts]) -> str:
    if ring["flagged"]:
        return "The ring is flagged."
    if isinstance(ring["suppressed_by"], str):
        return f"The ring is not flagged: a dismissal stands ({shown(ring['suppressed_by'])})."
    if ring["kind"] != "coordinated":
        best = _kind(ring["kind"])
        if explanations and explanations[0]["kind"] == "coordinated":  # the likeliest, and not by enough
            return f"The ring is not flagged: {best} explains it nearly as well, and in doubt that is held to be so."
        return f"The ring is not flagged: the best explanation is {best}."
    seen = f"a score of {number(float(ring['score']))} with a false discovery rate of {ring['q_value']:.3f}"
    return f"The ring is not flagged: {seen} is not what the settings ask for (scores.threshold, scores.max_q)."


def waterfall(parts: list[Facts]) -> list[str]:
    """Score parts as bars about a middle line: the start first, then by bits; for `#`, against `/`.

    Parts that add next to nothing are counted together in the last line, so that nothing that counts is hidden.
    """
    first = [p for p in parts if p["part"] == "start"]
    rest = [p for p in parts if p["part"] != "start"]
    idle = [p for p in rest if abs(p["bits"]) < IDLE_BITS]
    ordered = first + [p for p in rest if abs(p["bits"]) >= IDLE_BITS]
    largest = max((abs(p["bits"]) for p in ordered), default=0.0)
    scale = BAR / largest if largest > 0 else 0.0
    lines = []
    for p in ordered:
        length = round(abs(p["bits"]) * scale)
        left, right = ("/" * length, "") if p["bits"] < 0 else ("", "#" * length)
        lines.append(f"  {shown(p['part'], 28):<28} {left:>{BAR}}|{right:<{BAR}} {p['bits']:+6.1f}{_measure(p)}")
    if idle:
        together = sum(p["bits"] for p in idle)
        lines.append(f"  {counted(len(idle), 'part')} of less than {IDLE_BITS} bits, together {together:+.1f}")
    return lines


def _meanings(parts: list[Facts]) -> list[str]:
    """What the parts that count most measure, in the words of the catalogue."""
    from pipeline.measures.catalogue import BEYOND, ELSEWHERE, MEASURES, OVERLAP, UPHELD, WHOLE  # brings pandas

    says = {m.name: m.says for m in (*MEASURES, WHOLE, ELSEWHERE, OVERLAP, BEYOND, UPHELD)}
    known = sorted((p for p in parts if p["part"] in says), key=lambda p: (-abs(p["bits"]), p["part"]))
    return [f"  {p['part']}: {says[p['part']]}" for p in known[:TOP_MEANINGS] if abs(p["bits"]) >= IDLE_BITS]


def _measure(part: Facts) -> str:
    """Value and reference of a part in brackets, where it was measured."""
    value, reference = part["value"], part["reference"]
    if value is None or value != value:
        return ""
    unit = shown(part["unit"], 16)
    others = "" if reference is None or reference != reference else f" / {reference:.3g}"
    return f"  ({value:.3g}{others}{'' if unit == '-' else ' ' + unit})"


def _thing_lines(things: list[Facts]) -> list[str]:
    lines = [f"  {'type':<12} {'value':<40} {'class':<20} {'in ring':>8} {'in all':>8} {'bits':>6} {'counted':>8}"]
    for t in things:
        lines.append(
            f"  {shown(t['entity_type'], 12):<12} {shown(t['entity'], 40):<40} {shown(t['class'], 20):<20} "
            f"{t['n_accounts_in_ring']:>8,} {t['n_accounts_total']:>8,} {t['bits']:>6.1f} {t['bits_counted']:>8.2f}"
        )
    return lines


def _account_lines(f: Facts) -> list[str]:
    name = shown(f["account_id"])
    lines = [f"{name} is in no ring of this run."]
    if f["ring_id"] is not None:
        member, ring = f["member"], f["ring"]
        state = "flagged" if ring["flagged"] else "not flagged"
        lines = [
            f"{name} belongs to {f['ring_id']} ({state}) with membership {member['membership']:.2f}.",
            shown(ring["reason"], 400),
            f"It made {counted(int(member['n_events']), 'request')}, {_minute(member['first_seen'])} to "
            f"{_minute(member['last_seen'])}, UTC; status {shown(member['status'])}.",
        ]
    if not f["things"]:
        lines.append("It shares nothing rare with other accounts.")
        return lines
    lines += ["", f"Shared things ({f['n_things']:,}), strongest first"]
    lines.append(f"  {'type':<12} {'value':<40} {'bits':>6} {'accounts':>9} {'requests':>9}")
    lines += [
        f"  {shown(t['entity_type'], 12):<12} {shown(t['entity'], 40):<40} {t['bits']:>6.1f} {t['n_accounts']:>9,} "
        f"{t['n_events']:>9,}"
        for t in f["things"]
    ]
    if f["links"]:
        lines += ["", f"Strongest links in the ring ({f['n_links']:,})"]
        for link in f["links"]:
            other = link["account_b"] if link["account_a"] == f["account_id"] else link["account_a"]
            lines.append(f"  {shown(other):<48} {link['bits']:>6.1f} bits")
    return lines
