"""Measures taken from the traits of a group's accounts: volume, text habits, age, clients, organisation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphs.ties import Groups
from pipeline.organisations import organisation_of

Floats = npt.NDArray[np.float64]

_YOUNG_DAYS = 60
_BURST_DAYS = 7
_LEAST_EVENTS = 5  # requests an account needs before its mean lengths say anything
_ARRIVAL_DAYS = 3
_LEAST_SPREAD = 0.05  # added to spreads, so that two that are next to nothing count as equal


def measures(traits: pd.DataFrame, groups: Groups, accounts: npt.NDArray[np.object_]) -> dict[str, Floats]:
    """All measures from traits. `accounts` names the accounts by their numbers in `groups`."""
    mine = traits.set_index("account_id").reindex(accounts)
    rows = _Rows(groups)
    out = _volume(mine, traits, rows)
    shares = {"reasoning": "reasoning_share", "templated": "templated_share", "distinct_slots": "distinct_slots_share"}
    for name, column in shares.items():
        out[name] = rows.mean(_float(mine[column])) - np.nanmean(_with_any(_float(traits[column])))
    out |= _levels(mine, traits, rows)
    out |= _age(mine, traits, rows)
    shown = rows.top_share(organisation_of(traits).set_axis(traits["account_id"]).reindex(accounts))
    # Where mail domains are known and none is private, the group shows no organisation; that is knowledge too.
    known = rows.mean((mine["email_domain"].notna() | mine["organization"].notna()).to_numpy().astype(np.float64))
    out["organisation"] = np.where(np.isnan(shown) & (known > 0.5), 0.0, shown)
    everybody = traits["client"].value_counts(normalize=True)
    out["one_client"] = rows.top_share(mine["client"], everybody)
    status = mine["status"]
    stopped = traits["status"].eq("suspended").sum() / max(int(traits["status"].notna().sum()), 1)
    out["suspended"] = rows.mean(np.where(status.notna(), status.eq("suspended"), np.nan).astype(float)) - stopped
    out["group_size"] = np.log2(np.maximum(groups.sizes, 1).astype(float))
    return out


class _Rows:
    """Statistics over the members of each group, members without a value left out."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    def mean(self, values: Floats) -> Floats:
        """Mean over members that have a value; nan where fewer than two have."""
        x = values[self.groups.account]
        good = np.isfinite(x)
        n = np.bincount(self.groups.group[good], minlength=self.groups.n)
        total = np.bincount(self.groups.group[good], weights=x[good], minlength=self.groups.n)
        return np.where(n >= 2, total / np.maximum(n, 1), np.nan)

    def deviation(self, values: Floats) -> Floats:
        """Standard deviation over members that have a value; nan where fewer than three have."""
        x = values[self.groups.account]
        n = np.bincount(self.groups.group[np.isfinite(x)], minlength=self.groups.n)
        centre = self.mean(values)
        square = self._mean_of_rows((x - centre[self.groups.group]) ** 2)
        return np.where(n >= 3, np.sqrt(square * n / np.maximum(n - 1, 1)), np.nan)

    def _mean_of_rows(self, x: Floats) -> Floats:
        good = np.isfinite(x)
        n = np.bincount(self.groups.group[good], minlength=self.groups.n)
        total = np.bincount(self.groups.group[good], weights=x[good], minlength=self.groups.n)
        return np.where(n >= 2, total / np.maximum(n, 1), np.nan)

    def median(self, values: Floats) -> Floats:
        """Median over members that have a value; nan where fewer than two have."""
        x = values[self.groups.account]
        frame = pd.DataFrame({"g": self.groups.group, "x": x}).dropna()
        found = frame.groupby("g")["x"].agg(["median", "size"])
        out = np.full(self.groups.n, np.nan)
        enough = found[found["size"] >= 2]
        out[enough.index.to_numpy()] = enough["median"].to_numpy()
        return out

    def top_share(self, values: pd.Series, everybody: pd.Series | None = None) -> Floats:
        """Share of members with the group's most common value, less what `everybody` has of it; nulls are values of
        their own that never count as common. nan where no member has a value."""
        codes, names = pd.factorize(values, use_na_sentinel=True)
        code = codes[self.groups.account]
        good = code >= 0
        out = np.full(self.groups.n, np.nan)
        if not good.any():
            return out
        key = self.groups.group[good] * np.int64(len(names)) + code[good]
        pair, count = np.unique(key, return_counts=True)
        group, value = pair // len(names), pair % len(names)
        usual = everybody.reindex(names).fillna(0).to_numpy(float)[value] if everybody is not None else 0.0
        share = count / np.maximum(self.groups.sizes, 1)[group] - usual
        best = np.full(self.groups.n, -np.inf)
        np.maximum.at(best, group, share)
        return np.where(np.isfinite(best), best, np.nan)

    def densest(self, days: Floats, width: float) -> Floats:
        """Largest share of members whose values lie within `width` of each other; nan for fewer than three values."""
        x = days[self.groups.account]
        good = np.isfinite(x)
        group, x = self.groups.group[good], x[good]
        order = np.lexsort((x, group))
        group, x = group[order], x[order]
        out = np.full(self.groups.n, np.nan)
        if not x.size:
            return out
        # Shift each group far from the next, so that one search serves all.
        span = float(x.max() - x.min()) + width + 1.0
        place = x - x.min() + group * span
        last = np.searchsorted(place, place + width, side="right")
        count = (last - np.arange(place.size)).astype(float)
        best = np.zeros(self.groups.n)
        np.maximum.at(best, group, count)
        n = np.bincount(group, minlength=self.groups.n)
        return np.where(n >= 3, best / np.maximum(n, 1), np.nan)


def _float(values: pd.Series) -> Floats:
    return values.to_numpy(dtype=float, na_value=np.nan)


def _with_any(values: Floats) -> Floats:
    """The values, or a single zero where there is none to average."""
    return values if np.isfinite(values).any() else np.zeros(1)


def _days(values: pd.Series) -> Floats:
    """Days since 1970, nan where null."""
    moments = pd.to_datetime(values, utc=True)
    out = moments.astype("int64").to_numpy(float) / _PER_DAY[str(moments.dt.unit)]
    return np.where(moments.notna().to_numpy(), out, np.nan)


_PER_DAY = {"s": 86400.0, "ms": 86400e3, "us": 86400e6, "ns": 86400e9}


def _volume(mine: pd.DataFrame, traits: pd.DataFrame, rows: _Rows) -> dict[str, Floats]:
    """Spreads over the accounts of a group, as the log of their ratio to the spread over the whole platform; presence.

    How much an account asks in a day is not among them, but on how many days of its time here it asks at all: a person
    takes days off, an operator's queue does not.
    """

    def daily(table: pd.DataFrame) -> Floats:
        events, days = _float(table["n_events"]), _float(table["n_days"])
        return np.where(days > 0, np.log2(np.maximum(events, 1) / np.maximum(days, 1)), np.nan)

    def present(table: pd.DataFrame) -> Floats:
        span = np.ceil(np.maximum(_days(table["last_seen"]) - _days(table["first_seen"]), 1.0))
        return np.where(span >= 3, np.minimum(_float(table["n_days"]) / span, 1.0), np.nan)

    def length(table: pd.DataFrame, column: str) -> Floats:
        tokens = _float(table[column])
        busy = np.isfinite(tokens) & (_float(table["n_events"]) >= _LEAST_EVENTS)
        return np.where(busy, np.log2(np.maximum(tokens, 1.0)), np.nan)

    def against_all(of_mine: Floats, of_all: Floats, least: float) -> Floats:
        usual = float(np.nanstd(_with_any(of_all)))
        return np.asarray(np.log2((rows.deviation(of_mine) + least) / (usual + least)))

    questions, answers = "mean_input_tokens", "mean_output_tokens"
    of_mine, of_all = present(mine), present(traits)
    return {
        "volume_spread": against_all(daily(mine), daily(traits), 0.1),
        "answer_spread": against_all(length(mine, answers), length(traits, answers), 0.05),
        "question_spread": against_all(length(mine, questions), length(traits, questions), 0.05),
        "days_spread": against_all(of_mine, of_all, 0.02),
        "presence": rows.mean(of_mine) - float(np.nanmean(_with_any(of_all))),
    }


def _levels(mine: pd.DataFrame, traits: pd.DataFrame, rows: _Rows) -> dict[str, Floats]:
    """How many cards, addresses and templates the accounts have, and how steady they are, against the platform."""

    def several(table: pd.DataFrame, column: str) -> Floats:
        return np.asarray(np.log2(1.0 + _float(table[column])))

    def rate(table: pd.DataFrame) -> Floats:
        return several(table, "n_templates") - several(table, "n_events")

    def above(of_mine: Floats, of_all: Floats) -> Floats:
        return rows.mean(of_mine) - float(np.nanmean(_with_any(of_all)))

    def spread(of_mine: Floats, of_all: Floats) -> Floats:
        usual = float(np.nanstd(_with_any(of_all)))
        return np.asarray(np.log2((rows.deviation(of_mine) + _LEAST_SPREAD) / (usual + _LEAST_SPREAD)))

    out = {"template_rate": above(rate(mine), rate(traits))}
    for name, column in (("cards", "n_cards"), ("addresses", "n_addresses"), ("templates", "n_templates")):
        out[f"{name}_an_account"] = above(several(mine, column), several(traits, column))
        if name != "templates":
            out[f"{name}_spread"] = spread(several(mine, column), several(traits, column))
    steady = {"top_template": "top_template_share", "client_steady": "client_share"}
    for name, column in steady.items():
        out[name] = above(_float(mine[column]), _float(traits[column]))
    for name, column in {"top_template_spread": "top_template_share", "templated_spread": "templated_share"}.items():
        out[name] = spread(_float(mine[column]), _float(traits[column]))
    return out


def _age(mine: pd.DataFrame, traits: pd.DataFrame, rows: _Rows) -> dict[str, Floats]:
    """Age and arrival, each less what the whole platform shows."""
    start = float(np.nanmin(_with_any(_days(traits["first_seen"]))))
    end = float(np.nanmax(_with_any(_days(traits["last_seen"]))))

    def young(table: pd.DataFrame) -> Floats:
        created = _days(table["created_at"])
        return np.where(np.isfinite(created), _days(table["last_seen"]) - created < _YOUNG_DAYS, np.nan).astype(float)

    def arrived(table: pd.DataFrame) -> Floats:
        # Who was there when the window began has no known arrival.
        first = _days(table["first_seen"])
        return np.where(first > start + 2.0, first, np.nan)

    first = _days(mine["first_seen"])
    share_new = rows.mean(np.where(np.isfinite(first), first > start + 2.0, np.nan).astype(float))
    came = np.nan_to_num(rows.densest(arrived(mine), _ARRIVAL_DAYS)) * share_new
    all_first = _days(traits["first_seen"])
    new_of_all = (
        float(np.mean(all_first[np.isfinite(all_first)] > start + 2.0)) if np.isfinite(all_first).any() else 0.0
    )
    usual_arrivals = _densest_of_all(arrived(traits), _ARRIVAL_DAYS) * new_of_all
    created, paid = _days(mine["created_at"]), _days(mine["first_paid"])

    def spread(of_mine: Floats, of_all: Floats) -> Floats:
        return np.asarray(np.log2((rows.deviation(of_mine) + 1.0) / (float(np.nanstd(_with_any(of_all))) + 1.0)))

    return {
        "age_spread": spread(created, _days(traits["created_at"])),
        "paid_spread": spread(paid, _days(traits["first_paid"])),
        "paying": rows.mean(np.isfinite(paid).astype(float)) - float(np.isfinite(_days(traits["first_paid"])).mean()),
        "young": rows.mean(young(mine)) - float(np.nanmean(_with_any(young(traits)))),
        "creation_burst": rows.densest(created, _BURST_DAYS)
        - _densest_of_all(_days(traits["created_at"]), _BURST_DAYS),
        "arrivals": came - usual_arrivals,
        "payer_days": np.log2(np.maximum(rows.median(end - paid), 1.0)),
    }


def _densest_of_all(days: Floats, width: float) -> float:
    """Largest share of all known days that lie within `width` of each other."""
    known = np.sort(days[np.isfinite(days)])
    if not known.size:
        return 0.0
    last = np.searchsorted(known, known + width, side="right")
    return float((last - np.arange(known.size)).max() / known.size)
