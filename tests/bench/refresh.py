"""Refreshing many segments at once, beside counting them one by one."""

import json
import threading
import time
from collections.abc import Iterator

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

    # By the clock: the processor time of another process cannot be had.
    both = bench.session(max_parallel_workers_per_gather="1", min_parallel_table_scan_size="0", parallel_setup_cost="0")
    clock = bench.medians({"one": lambda: elapsed(alone), "two": lambda: elapsed(both)})
    yield Figure(GROUP, "two processes: times as fast as one, by the clock", clock["one"] / clock["two"], at_least=1.7)

    segmented.fill(alone, MANY)
    yield Figure(GROUP, f"memory of a backend that refreshes {MANY:,} segments, at its peak", peak(bench.session()) / 1024, "MB", at_most=200)
    segmented.drop(alone)


def refresh(session: Session) -> float:
    return session.count("SELECT count(*) FROM refresh_segments(%s)", (segmented.AUDIENCE,))[1]


def count_one(session: Session, condition: dict) -> float:
    return session.count("SELECT count_contacts(%s, %s)", (json.dumps(condition), segmented.AUDIENCE))[1]


def elapsed(session: Session) -> float:
    began = time.perf_counter()
    refresh(session)
    return time.perf_counter() - began


def peak(session: Session) -> int:
    """In KB, looked at every 20 ms."""
    refreshing = threading.Thread(target=refresh, args=(session,))
    refreshing.start()
    most = 0
    while refreshing.is_alive():
        most = max(most, session.private_memory())
        refreshing.join(0.02)
    return most
