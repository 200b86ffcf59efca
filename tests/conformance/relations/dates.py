"""Days, points in time, and what conditions say of them: by Python's own calendar and zones.

A day is a `date`, a point in time a `datetime` in UTC. A span is a first and a last day.
"""

import calendar
import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from values import ordered

UTC = timezone.utc
UNITS = r"(minute|hour|day|week|month|quarter|year)s?"


def is_day(moment) -> bool:
    return isinstance(moment, date) and not isinstance(moment, datetime)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The point in time of a wall clock: of two, the later one, and of none, that by the offset before the gap."""
    return max(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


@lru_cache(100_000)
def start_of(day: date, zone: ZoneInfo) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(UTC)


def day_of(moment: date | datetime, zone: ZoneInfo) -> date:
    return moment if is_day(moment) else moment.astimezone(zone).date()


@lru_cache(100_000)
def parsed(text: str, zone: ZoneInfo) -> date | datetime | None:
    """What a text says; without an offset its time is that of the zone."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+-]\d\d:\d\d)?)?", text)
    if not found:
        return None
    try:
        day = date.fromisoformat(found[1])
        if not found[2]:
            return day
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}")
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else instant_of(moment, zone)


def from_milliseconds(number) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(number * 1000 // 1))


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def offset_of(text: str) -> tuple[int, str]:
    found = re.fullmatch(rf"([+-]?\d+) {UNITS}", text)
    return int(found[1]), found[2]


def shifted(day: date, count: int, unit: str) -> date:
    if unit in ("month", "year"):
        return months_later(day, count * (12 if unit == "year" else 1))
    return day + timedelta(days=count * (7 if unit == "week" else 1))


@lru_cache(100_000)
def later(moment: datetime, offset: str, zone: ZoneInfo) -> datetime:
    """The point in time at that offset: longer units move the wall clock, hours and minutes the point."""
    count, unit = offset_of(offset)
    if count == 0:
        return moment
    if unit in ("minute", "hour"):
        return moment + timedelta(minutes=count * (60 if unit == "hour" else 1))
    local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    return instant_of(datetime.combine(shifted(local.date(), count, unit), local.time()), zone)


@lru_cache(100_000)
def period(text: str, today: date) -> tuple[date, date]:
    """The first and the last day of `last month`, `2 weeks ago` and their like."""
    words = text.split()
    if words[0] in ("this", "last", "next"):
        distance, unit = {"this": 0, "last": -1, "next": 1}[words[0]], words[1]
    elif words[0] == "in":
        distance, unit = int(words[1]), words[2].rstrip("s")
    else:
        distance, unit = -int(words[0]), words[1].rstrip("s")
    if unit == "day":
        return (today + timedelta(days=distance),) * 2
    if unit == "week":
        first = today - timedelta(days=today.weekday()) + timedelta(weeks=distance)
        return first, first + timedelta(days=6)
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    first = months_later(first, distance * months)
    return first, months_later(first, months) - timedelta(days=1)


def compare(operator: str, stored, operand, zone: ZoneInfo) -> bool:
    """Whether a stored day or point in time is so to a day, a point in time or a span."""
    if isinstance(operand, datetime) and isinstance(stored, datetime):
        low, high = operand, operand
    else:
        first, last = operand if isinstance(operand, tuple) else (day_of(operand, zone),) * 2
        if is_day(stored):
            low, high = first, last
        else:
            low = start_of(first, zone)
            high = start_of(last + timedelta(days=1), zone) - timedelta(microseconds=1)
    if operator == "$eq":
        return low <= stored <= high
    return ordered(operator, stored, low if operator in ("$gte", "$lt") else high)


def place(moment, zone: ZoneInfo) -> tuple:
    """A day stands at its start, before a point in time of that start."""
    return (start_of(moment, zone), 0) if is_day(moment) else (moment, 1)


def end_of(moment, within: str, zone: ZoneInfo) -> tuple:
    """The first place that is too late to be within so long after it."""
    count, unit = offset_of(within)
    if is_day(moment) and unit not in ("minute", "hour"):
        return place(shifted(moment, count, unit) + timedelta(days=1), zone)
    return (later(start_of(moment, zone) if is_day(moment) else moment, within, zone), 2)
