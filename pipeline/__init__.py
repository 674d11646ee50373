"""ringtrace: finds rings of organised fraud among the accounts of a language-model API.

For notebooks: `pipeline.load_run("output/latest")`. Nothing heavy is imported until it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import load_run

__all__ = ["load_run"]


def __getattr__(name: str) -> Any:
    if name == "load_run":
        from pipeline.api import load_run

        return load_run
    raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
