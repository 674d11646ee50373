"""The organisation an account shows: the one it names, else a mail domain that is not everybody's."""

from __future__ import annotations

import pandas as pd

# A mail domain of more accounts than this, or of more than this share of all, is a provider and shows nothing.
_PROVIDER_ACCOUNTS = 50
_PROVIDER_SHARE = 0.02


def organisation_of(traits: pd.DataFrame) -> pd.Series:
    """One value an account, null where it shows none. Needs `email_domain` and `organization`."""
    domain = traits["email_domain"].astype("object").where(traits["email_domain"].notna(), None)
    users = domain.map(domain.value_counts())
    private = users.le(max(_PROVIDER_ACCOUNTS, _PROVIDER_SHARE * len(traits)))
    named = traits["organization"].astype("object")
    return named.where(traits["organization"].notna(), domain.where(private, None))
