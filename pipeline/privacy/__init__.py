"""How a person is forgotten: a redacted successor of each run, a proof that nothing is left, then the old removed."""

from pipeline.privacy.forgetting import Forgotten, forget
from pipeline.privacy.wish import Wish

__all__ = ["Forgotten", "Wish", "forget"]
