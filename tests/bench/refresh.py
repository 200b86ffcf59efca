"""Refreshing many segments at once, beside counting them one by one."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import segmented
from engines import Session
from figures import Bench, Figure

SEGMENTS = 1_000
SAMPLE = 30
MANY = 10_000
GROUP = "Refreshing"


def figures(bench: Bench) -> Iterator[Figure]:
    """How many times faster a refresh is, and what memory it takes."""
    alone = bench.session()
    segmented.make(alone)
    segmented.fill(alone, SEGMENTS)
    refresh(alone)
    at_once = bench.medians({"at once": lambda: refresh(alone)})["at once"]
    one_by_one = sum(count_one(alone, condition) for condition in segmented.make_conditions(SAMPLE)) / SAMPLE
    yield Figure(GROUP, f"one by one, a segment of {SAMPLE}", 1000 * one_by_one, "ms")
    yield Figure(GROUP, f"{SEGMENTS:,} segments at once", at_once, "s")
    yield Figure(GROUP, f"{SEGMENTS:,} at once: times as fast as one by one", SEGMENTS * one_by_one / at_once, at_least=100)

    two = bench.session(max_parallel_workers_per_gather="1", min_parallel_table_scan_size="0", parallel_setup_cost="0")
    longest = bench.medians({"two": lambda: busiest(two, alone)})["two"]
    yield Figure(GROUP, "by two processes: times as fast as by one", at_once / longest, at_least=1.7)

    segmented.fill(alone, MANY)
    yield Figure(GROUP, f"memory of a backend that refreshes {MANY:,} segments, at its peak", peak(bench.session()) / 1024, "MB", at_most=200)
    segmented.drop(alone)


def refresh(session: Session) -> float:
    return session.count("SELECT count(*) FROM refresh_segments(%s)", (segmented.AUDIENCE,))[1]


def count_one(session: Session, condition: dict) -> float:
    return session.count("SELECT count_contacts(%s, %s)", (json.dumps(condition), segmented.AUDIENCE))[1]


def busiest(session: Session, watcher: Session) -> float:
    """The seconds of that process which took part in a refresh and had the most to do."""
    used: dict[int, float] = {}
    leader = session.value("SELECT pg_backend_pid()")

    def look() -> None:
        workers = watcher.connection.execute("SELECT pid FROM pg_stat_activity WHERE leader_pid = %s", (leader,))
        for (pid,) in workers.fetchall():
            try:
                used[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
            except OSError:
                pass

    used[leader] = during_refresh(session, look)
    return max(used.values())


def peak(session: Session) -> int:
    """In KB, while the segments are refreshed."""
    return peak_of(session, lambda: refresh(session))


def peak_of(session: Session, run: Callable[[], object]) -> int:
    """In KB, while something runs in that session."""
    seen = [0]
    during(run, lambda: seen.append(session.private_memory()))
    return max(seen)


def during_refresh(session: Session, look: Callable[[], None]) -> float:
    """Looks every 20 ms while a refresh runs; the seconds that it took."""
    return during(lambda: refresh(session), look)


def during(run: Callable[[], float], look: Callable[[], None]) -> float:
    seconds: list[float] = []
    refreshing = threading.Thread(target=lambda: seconds.append(run()))
    refreshing.start()
    while refreshing.is_alive():
        look()
        refreshing.join(0.02)
    return seconds[0]
