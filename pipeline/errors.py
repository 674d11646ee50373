"""The family of errors: each names the place, the fault and the mend, and knows its exit code.

A message is one short paragraph. Values written by strangers never reach a terminal as they are: `quoted` cuts them
and turns control characters into visible escapes; for sensitive columns only kind and length are said.
"""

from __future__ import annotations

from dataclasses import dataclass

_SHOWN = 40


def quoted(value: object, *, sensitive: bool = False) -> str:
    """A value as it may be shown in a message: cut, on one line, without characters that act in a terminal."""
    if value is None:
        return "nothing (null)"
    text = value if isinstance(value, str) else str(value)
    if sensitive:
        return f"a {type(value).__name__} of {len(text)} characters"
    safe = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text[:200])
    return f'"{safe if len(safe) <= _SHOWN else safe[: _SHOWN - 1] + "…"}"'


@dataclass(frozen=True)
class Place:
    """Where a fault lies: a file, and as far as they are known its column and row (counted from 1, header left out)."""

    file: str = ""
    column: str = ""
    row: int | None = None

    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        if self.column:
            parts.append(f"column {self.column}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        return ", ".join(parts)


class RingtraceError(Exception):
    """Base of all errors that ringtrace raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(
        self, message: str, *, place: Place | None = None, found: str = "", expected: str = "", mend: str = ""
    ) -> None:
        self.message, self.place, self.found, self.expected, self.mend = message, place, found, expected, mend
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross from worker processes whole: rebuilt from plain strings and numbers."""
        state = (self.message, self.place, self.found, self.expected, self.mend)
        return _rebuild, (type(self), *state)

    def __str__(self) -> str:
        lead = f"{self.place}: {self.message}" if self.place and str(self.place) else self.message
        tail = [f"Found {self.found}" if self.found else "", f"expected {self.expected}" if self.expected else ""]
        middle = ", ".join(t for t in tail if t)
        if middle:
            middle = middle[0].upper() + middle[1:] + "."
        sentences = [lead if lead.endswith(".") else lead + ".", middle, self.mend]
        return " ".join(s for s in sentences if s)


def _rebuild(
    kind: type[RingtraceError], message: str, place: Place | None, found: str, expected: str, mend: str
) -> RingtraceError:
    return kind(message, place=place, found=found, expected=expected, mend=mend)


class UsageError(RingtraceError):
    """Wrong arguments on the command line."""

    exit_code = 2


class SettingsError(RingtraceError):
    """A settings file that cannot be accepted: unknown key, wrong kind of value, value out of bounds."""

    exit_code = 2


class InputError(RingtraceError):
    """A broken table (missing column, wrong type, unreadable file): the run ends and nothing is written."""

    exit_code = 2


class FaultList(InputError):
    """Several faults of the input, shown together."""

    def __init__(self, faults: list[RingtraceError]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(f) for f in faults))

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return FaultList, (self.faults,)


class RunError(RingtraceError):
    """Something failed while running; what is whole stays whole."""


class StoreError(RingtraceError):
    """A place could not be read or written: disk full, read-only, network store gone."""
