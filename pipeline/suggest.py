"""Proposes which column of a log is which of ours, by its name and by what stands in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pipeline import normal, rows
from pipeline.schemas.inputs import INPUTS
from pipeline.schemas.model import Column
from pipeline.workbench import Inputs, InputTable

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 2000
_ENOUGH = 1.5

# Our columns, each with the names that real logs give to it, without punctuation.
_USUAL = """
    timestamp: timestamp ts time eventtime requesttime requesttimestamp datetime loggedat occurredat createdat
        eventtimestamp starttime receivedat timeutc chargedat addedat
    account_id: accountid account acct userid user uid customerid customer orgid apikeyid keyid apikeyowner
        tenantid tenant ownerid principal subject clientid memberid accountuuid useruuid accountnumber
    ip: ip ipaddress ipaddr clientip remoteaddr remoteip sourceip srcip xforwardedfor addr callerip originip
        peeraddress
    prompt: prompt text input message messages content query body requestbody prompttext usermessage inputtext
        question instruction
    template_id: templateid template prompttemplate prompttemplateid templatename
    request_id: requestid reqid request traceid eventid uuid correlationid id messageid logid callid
    model: model modelname modelid engine deployment modelversion
    user_agent: useragent ua agent client clientname sdk httpuseragent clientversion
    input_tokens: inputtokens prompttokens tokensin ntokensin promptlen usageprompttokens nprompttokens
        requesttokens
    output_tokens: outputtokens completiontokens tokensout ntokensout generatedtokens usagecompletiontokens
        responsetokens
    payment_fingerprint: paymentfingerprint fingerprint cardfingerprint cardhash paymentmethod instrument card
        pmid paymentmethodid cardid instrumentid paymenthash ibanhash
    created_at: createdat created signup signupat signupdate registeredat registrationdate opened openedat
        createdon
    status: status state accountstatus accountstate
    plan: plan tier product subscription plantype
    country: country countrycode billingcountry cc
    email_domain: emaildomain maildomain domain
    organization: organization organisation org company orgname companyname
    cidr: cidr range network prefix subnet block
    asn: asn as asnumber autonomoussystem
    kind: kind type category usage
    operator: operator actor group campaign threatactor
    entity_type: entitytype type indicatortype kind
    value: value indicator ioc entity observable
    confidence: confidence score certainty
"""

# What stands in some of our columns.
_CONTENT = dict(line.split() for line in (
    "ip address", "prompt words", "request_id unique", "account_id token", "payment_fingerprint token", "value any",
    "cidr any", "user_agent client",
))  # fmt: skip


def _usual_names() -> dict[str, list[str]]:
    """Our column -> the usual names of it, the most usual first."""
    found: dict[str, list[str]] = {}
    ours = ""
    for word in _USUAL.split():
        if word.endswith(":"):
            ours = word[:-1]
            found[ours] = []
        else:
            found[ours].append(word)
    return found


_NAMES = _usual_names()


@dataclass(frozen=True)
class Suggestion:
    """A column of ours and what it seems to be called; `why` is "name", "content" or "name and content"."""

    table: str
    ours: str
    theirs: str
    why: str
    epoch: str = ""


@dataclass(frozen=True)
class _Traits:
    """What stands in a column of a log, as shares of its values that are there."""

    filled: float
    times: float
    addresses: float
    whole: float
    distinct: float
    n_chars: float
    spaced: float
    epoch: str  # what numbers count where they look like moments, else empty


def suggest(inputs: Inputs) -> list[Suggestion]:
    """Suggestions for all tables; columns that bear our name already are left alone."""
    return [s for name in INPUTS if name in inputs.tables for s in _for_table(inputs.tables[name])]


def as_toml(suggestions: list[Suggestion]) -> str:
    """The suggestions as they go into a settings file."""
    epochs = [s.epoch for s in suggestions if s.epoch]
    lines = ["[input]", f"timestamp_format = {_quoted(epochs[0])}", ""] if epochs else []
    for table in dict.fromkeys(s.table for s in suggestions):
        lines.append(f"[input.{table}.columns]")
        lines += [f"{s.ours} = {_quoted(s.theirs)}  # by {s.why}" for s in suggestions if s.table == table]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in text)
    return f'"{escaped}"'


def _for_table(table: InputTable) -> list[Suggestion]:
    have = rows.column_names(table, 0)
    ours = [c for c in INPUTS[table.name].columns if c.name not in have]
    theirs = [n for n in have if n not in INPUTS[table.name].names]
    if not ours or not theirs:
        return []
    traits = _traits(table, theirs)
    scored = []
    for column in ours:
        for name in theirs:
            by_name, by_content = _name_score(column.name, name), _content_score(column, traits[name])
            if _plain(name) == "id" and INPUTS[table.name].key == (column.name,):
                by_name = 2.2  # a bare id is that of the table's own things
            if by_content > -2 and by_name + by_content >= _ENOUGH:
                scored.append((by_name + by_content, column.name, name, _why(by_name, by_content)))
    times = {other for _, name, other, _ in scored if INPUTS[table.name].column(name).type == "timestamp"}
    made: dict[str, Suggestion] = {}
    for _, name, other, why in sorted(scored, key=lambda s: (-s[0], s[1], s[2])):
        if name not in made and other not in {m.theirs for m in made.values()}:
            epoch = traits[other].epoch if other in times else ""
            made[name] = Suggestion(table.name, name, other, why, epoch)
    return [made[c.name] for c in ours if c.name in made]


def _why(by_name: float, by_content: float) -> str:
    parts = [word for word, score in (("name", by_name), ("content", by_content)) if score >= 1]
    return " and ".join(parts) or "likeness"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _name_score(ours: str, theirs: str) -> float:
    """3 for the same name in other spelling, 2.5 down to 2 for a usual other name, less for likeness."""
    plain = _plain(theirs)
    if plain == _plain(ours):
        return 3.0
    usual = _NAMES.get(ours, [])
    if plain in usual:
        return 2.5 - 0.5 * usual.index(plain) / len(usual)
    last = _plain(re.split(r"[./:]", theirs)[-1])
    if last in usual:
        return 1.6
    likeness = max((SequenceMatcher(None, plain, u).ratio() for u in [_plain(ours), *usual] if len(u) > 3), default=0.0)
    return likeness if likeness >= 0.75 else 0.0


def _content_score(column: Column, traits: _Traits) -> float:
    """From -3 (cannot be) over 0 (says nothing) to 2 (most likely)."""
    if traits.filled == 0:
        return -1.0
    if column.type == "timestamp":
        return 2.0 if traits.times >= 0.9 else 1.0 if traits.epoch else -3.0
    content = _CONTENT.get(column.name, "")
    if content == "address":
        return 2.0 if traits.addresses >= 0.9 else -3.0
    if column.type in ("int64", "float64"):
        return 0.5 if traits.whole >= 0.9 else -3.0
    if content == "words":
        return 1.6 if traits.n_chars >= 30 and traits.spaced >= 0.6 else -0.5 if traits.n_chars >= 8 else -3.0
    if traits.times >= 0.9 or traits.addresses >= 0.9:
        return -3.0
    if content == "client":  # may be as long as a sentence
        return 0.0
    if traits.spaced > 0.9 and traits.n_chars > 60:
        return -3.0
    if content == "unique":
        return 0.8 if traits.distinct >= 0.99 and traits.spaced == 0 else -1.5
    if content == "token":
        return 0.3 if traits.spaced < 0.1 else -1.0
    return 0.0 if traits.distinct < 0.5 or content == "any" else -0.5


def _traits(table: InputTable, names: list[str]) -> dict[str, _Traits]:
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in rows.batches(table, 0, names):
        held.append(batch)
        if sum(b.num_rows for b in held) >= _SAMPLE:
            break
    sample = pa.Table.from_batches(held).slice(0, _SAMPLE) if held else None
    return {n: _traits_of(sample.column(n) if sample is not None else None) for n in names}


def _traits_of(column: pa.ChunkedArray | None) -> _Traits:
    if column is None or len(column) == 0:
        return _Traits(0, 0, 0, 0, 0, 0, 0, "")
    array = column.combine_chunks()
    array = array.drop_null()
    if len(array) == 0:
        return _Traits(0, 0, 0, 0, 0, 0, 0, "")
    n = len(array)
    try:
        texts = normal.text(array).drop_null().to_pylist()
    except TypeError:
        texts = []
    told = max(1, len(texts))
    return _Traits(
        filled=n / len(column), times=_share(normal.timestamps, array), whole=_share(normal.integers, array),
        addresses=sum(normal.address(t) is not None for t in texts) / told, distinct=len(set(texts)) / told,
        n_chars=sum(map(len, texts)) / told, spaced=sum(" " in t for t in texts) / told, epoch=_epoch(array),
    )  # fmt: skip


def _epoch(array: pa.Array) -> str:
    """What numbers count since 1970 where nearly all would lie between 2001 and 2065; empty where they do not."""
    import pyarrow.compute as pc

    try:
        values = normal.numbers(array)
    except TypeError:
        return ""
    for name, unit_us in normal.EPOCHS.items():
        low, high = 1e15 / unit_us, 3e15 / unit_us
        near = pc.and_(pc.greater_equal(values, low), pc.less(values, high))
        if (pc.sum(near).as_py() or 0) >= 0.9 * len(array):
            return name
    return ""


def _share(read: object, array: pa.Array) -> float:
    """Share of the values that a reader of `normal` can read."""
    assert callable(read)
    try:
        return 1.0 - float(read(array).null_count) / len(array)
    except TypeError:
        return 0.0
