"""The window of time a run looks at: `[since, until)`, always UTC. Stages know no "now"; they are given this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pipeline.errors import UsageError, quoted


@dataclass(frozen=True)
class Period:
    """The window `[since, until)`; both ends are datetimes that know they are UTC."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            value = getattr(self, name)
            if value.tzinfo is None:
                raise ValueError(f"{name} must know its time zone")
        if self.since >= self.until:
            raise UsageError(
                "the window is empty", found=f"since {self.since.isoformat()} and until {self.until.isoformat()}",
                expected="since before until", mend="Give an earlier --since or a later --until.",
            )  # fmt: skip

    @property
    def last_day(self) -> date:
        """The day the window ends at: of `until` itself, as run ids name it."""
        return self.until.date()

    def as_dict(self) -> dict[str, str]:
        """ISO 8601 text of both ends, for the manifest."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}


def instant(text: str, *, what: str = "time") -> datetime:
    """A time from ISO 8601 text; a plain date is its midnight, a time without zone is UTC. Raises UsageError."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{what} is no time", found=quoted(text), expected="ISO 8601 such as 2026-06-05 or 2026-06-05T12:00:00Z",
            mend="Write the time in one of these forms.",
        ) from None  # fmt: skip
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def midnight_after(moment: datetime) -> datetime:
    """The first UTC midnight that comes after a moment; a moment at midnight belongs to the day it begins."""
    day = moment.astimezone(UTC).date()
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)


def window(
    *, since: datetime | None, until: datetime | None, last: datetime | None, days: int
) -> Period:
    """The window of a run: what was asked for, else `days` up to the midnight after the last event.

    Where there is neither an event nor an end that was asked for, the window ends at the beginning of 1970, so that
    an empty input still has a run of its own without asking a clock.
    """
    end = until or (midnight_after(last) if last is not None else datetime(1970, 1, 1, tzinfo=UTC))
    return Period(since or end - timedelta(days=days), end)
