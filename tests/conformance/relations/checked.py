"""The checked form of conditions, which `@~` puts to contacts that have their rows inside them."""

import os
import subprocess
from datetime import datetime, timedelta
from functools import cache

import dates
from data import ORDERS, TYPES, ZONES

FROM, UNTIL = datetime(2005, 1, 1, tzinfo=dates.UTC), datetime(2045, 1, 1, tzinfo=dates.UTC)


def checked(asked: dict[str, tuple[str, str]], now: datetime) -> dict[str, str]:
    """Of each condition that is not refused, by its name."""
    conditions = [("condition", name, zone, condition) for name, (condition, zone) in asked.items()]
    lines = [*audience(), ("now", now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")), *conditions]
    text = "".join("\t".join(line) + "\n" for line in lines)
    answer = subprocess.run([os.environ["CONFORMANCE_PROGRAM"], "check"], input=text.encode(), capture_output=True, check=True)
    return {name: form for name, form in zip(asked, answer.stdout.decode().split("\n")) if form != "null"}


@cache
def audience() -> list[tuple[str, ...]]:
    properties = [("property", path, kind) for path, kind in TYPES.items()]
    relations = [("relation", name, order.time or "", "key" if order.has_key else "") for name, order in ORDERS.items()]
    return properties + relations + [("zone", zone, str(second), str(offset)) for zone in ZONES for second, offset in changes(zone)]


def changes(name: str) -> list[tuple[int, int]]:
    """The offsets that a zone has had, each with the first second that it holds for."""
    zone = dates.ZoneInfo(name)
    offset = lambda moment: int(moment.astimezone(zone).utcoffset().total_seconds())
    found = [(int(FROM.timestamp()) - 10**11, offset(FROM))]
    for day in range((UNTIL - FROM).days):
        # Clocks change once a day at most, at whole minutes.
        early, late = FROM + timedelta(days=day), FROM + timedelta(days=day + 1)
        if offset(late) == offset(early):
            continue
        while late - early > timedelta(minutes=1):
            middle = early + timedelta(minutes=(late - early) // timedelta(minutes=2))
            early, late = (middle, late) if offset(middle) == found[-1][1] else (early, middle)
        found.append((int(late.timestamp()), offset(late)))
    return found
