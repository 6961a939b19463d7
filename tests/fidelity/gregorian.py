"""Days and instants of any year, which Python's own dates cannot hold: the proleptic Gregorian calendar as numbers."""

from __future__ import annotations

import re
from typing import Final

DAY_MICROS: Final = 86_400_000_000
INSTANT: Final = re.compile(
    r"([+-]?\d{4,})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?( BC)?"
)
"""ISO 8601 as Java writes it, and as PostgreSQL and ClickHouse write it."""


def days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; year 0 is 1 BC."""
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def civil(number: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01; year 0 is 1 BC."""
    era, of_era = divmod(number + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def micros(text: str) -> int:
    """Microseconds since 1970 of an instant's text; UTC where it names no offset.

    Raises:
        ValueError: the text is no instant, or has a fraction of a microsecond.
    """
    found = INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no instant")
    year, month, day, hour, minute, second, fraction, offset, bc = found.groups()
    nanos = int((fraction or "0").ljust(9, "0"))
    if nanos % 1000:
        raise ValueError(f"{text!r} has a fraction of a microsecond")
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0) - _offset_s(offset)
    date = days(1 - int(year) if bc else int(year), int(month), int(day))
    return date * DAY_MICROS + seconds * 1_000_000 + nanos // 1000


def day_text(number: int) -> str:
    """A number of days for a reader, e.g. `1850-01-01`."""
    year, month, day = civil(number)
    era = " BC" if year <= 0 else ""
    return f"{year if year > 0 else 1 - year:04d}-{month:02d}-{day:02d}{era}"


def instant_text(number: int) -> str:
    """A number of microseconds for a reader, e.g. `1850-01-01 00:00:00.000000`."""
    date, rest = divmod(number, DAY_MICROS)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{day_text(date)} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:06d}"


def _offset_s(offset: str | None) -> int:
    if offset in (None, "Z"):
        return 0
    assert offset is not None
    digits = offset[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6])
    return -seconds if offset[0] == "-" else seconds
