"""What sort of thing a shared entity is, from how it is used and from what is known of its range.

The class sets how much of the rarity of an entity counts as evidence. Nothing here looks at single accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.link_types import MEANING, LinkType

Floats = npt.NDArray[np.float64]

# Popular, and of accounts that all use several such templates: what many strangers use they use each for itself, while
# the users of a large operator's frames have all of them. So have the users of an agent with several prompts.
CIRCLE = "circle's template"

# How much of an entity's rarity counts, by class. A carrier's gateway or a VPN exit is shared by people who never met;
# a dynamic address passes from stranger to stranger. The shares were set from the worlds of the training set.
COUNTS = {
    "household": 1.0,
    "office": 1.0,
    "campus": 0.6,
    "shared site": 0.9,
    "dynamic address": 1.0,
    "carrier NAT": 0.25,
    "VPN exit": 0.35,
    "proxy exit": 0.8,
    "hosting": 1.0,
    "network": 1.0,
    "personal card": 1.0,
    "company card": 1.0,
    "shared card": 1.0,
    "private template": 1.0,
    "shared template": 0.7,
    CIRCLE: 0.7,
    "public template": 0.0,
    "like meaning": 1.0,
    "declared": 1.0,
}
_BY_KIND = {
    "mobile": "carrier NAT",
    "vpn": "VPN exit",
    "proxy": "proxy exit",
    "hosting": "hosting",
    "education": "campus",
    "corporate": "office",
}


SAME_USERS = 0.75  # of the larger one's users, from which two popular templates are a circle's


@dataclass(frozen=True)
class ClassRules:
    """From when a template is public: a share of all accounts and a least number."""

    public_share: float
    public_accounts: int
    n_accounts: int

    @property
    def many(self) -> float:
        """Accounts from which a template is popular."""
        return max(self.public_accounts, self.public_share * self.n_accounts)


def classify(
    table: pd.DataFrame, types: dict[str, LinkType], rules: ClassRules
) -> tuple[npt.NDArray[np.object_], Floats, Floats]:
    """Class, how sure it is, and the share of the rarity that counts, for each row.

    Needs the columns n_accounts, squares, account_days, n_days, sticky (thousandths, summed), in_top_organisation,
    same_users (share of its users that a popular template has in common with another one) and kind.
    """
    n = table["n_accounts"].to_numpy(float)
    sticky = table["sticky"].to_numpy(float) / 1000.0 / n
    organised = table["in_top_organisation"].to_numpy(float) / n
    together = _together(table)
    form = table["entity_type"].map({k: t.form for k, t in types.items()}).to_numpy(object)
    family = table["entity_type"].map({k: t.family for k, t in types.items()}).to_numpy(object)
    kind = table["kind"].map(_BY_KIND).astype("object").to_numpy()
    out = np.full(len(table), "declared", dtype=object)
    sure = np.full(len(table), 0.7)

    address = form == "address"
    guess = np.select(
        [(n <= 6) & (together >= 0.2) & (sticky >= 0.4), together < 0.2, (n >= 40) & (sticky < 0.25), sticky >= 0.3],
        ["household", "dynamic address", "carrier NAT", "shared site"],
        default="proxy exit",
    ).astype(object)
    guess = np.where((organised >= 0.6) & (n >= 3) & (guess == "shared site"), "office", guess)
    known = np.array([isinstance(k, str) for k in kind], dtype=bool)
    out[address] = np.where(known, kind, guess)[address]
    sure[address & known] = 0.9

    card = family == "payment"
    out[card] = np.select(
        [(organised >= 0.6) & (n >= 3), n <= 4], ["company card", "personal card"], default="shared card"
    )[card]

    text = family == "text"
    circle = table["same_users"].to_numpy(float) >= SAME_USERS
    many = (n >= rules.many) & (sticky < 0.3)
    out[text] = np.select(
        [n >= 0.2 * max(rules.n_accounts, 1), many & circle, many, sticky < 0.1],
        ["public template", CIRCLE, "public template", "shared template"],
        default="private template",
    )[text]
    alike = (table["entity_type"] == MEANING.name).to_numpy(bool)
    out[alike & (out != "public template")] = "like meaning"

    counts = np.array([COUNTS[c] for c in out])
    # Sharing an address in the same days is not sharing it in different months.
    counts = np.where(address, counts * (0.1 + 0.9 * together), counts)
    return out, sure, counts


def _together(table: pd.DataFrame) -> Floats:
    """How much the accounts of an entity use it on the same days, 0 (never two on a day) to 1 (always all of them).

    The mean number of other accounts on a day of use, over the accounts that could have been there.
    """
    n = table["n_accounts"].to_numpy(float)
    per_day = table["squares"].to_numpy(float) / np.maximum(table["account_days"].to_numpy(float), 1.0)
    share: Floats = np.clip((per_day - 1.0) / np.minimum(np.maximum(n - 1.0, 1.0), 4.0), 0.0, 1.0)
    return share
