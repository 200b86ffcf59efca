"""Measures two builds in turns: the core alone, and conditions in a server of each. Called by scripts/bench-against.

What else a machine does only ever adds to a time. So the builds are compared by the times that were disturbed least, the fastest fifth of many
short executions, and not by the middle one. Who is first changes within a round: before, after, after, before. Of sixty comparisons some come
out slower by chance, so these are made again, and count only if they come out slower each time.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable

from conditions import CASES, INDEXED, Case
from engines import Session

Times = list[float]
Way = Callable[[], Times]
Measured = dict[str, list[list[Times]]]

BEFORE, AFTER = 0, 1
TURNS = (BEFORE, AFTER, AFTER, BEFORE)
# An index look-up is over before the processor's caches are warm.
LOOKUPS = 10
# After so many rounds, backends are new, because where their memory lies may make one faster than the other.
ROUNDS_OF_A_BACKEND = 5
# The core measures for seconds, and its times are averages already.
ROUNDS_FOR_ONE_OF_THE_CORE = 4
SIZES_OF_CORE = ("100", "1000", "10000")
OF_CORE = [f"core, {size} conditions, {how}" for size in SIZES_OF_CORE for how in ("each alone", "at once")]
# How often a comparison is made that comes out slower.
ATTEMPTS = 3


class Build:
    def __init__(self, url: str, program: str) -> None:
        self.url = url
        self.program = program
        self.connect()

    def connect(self) -> None:
        self.scanning = Session(self.url, enable_indexonlyscan="off", enable_indexscan="off", enable_bitmapscan="off")
        self.using_indexes = Session(self.url)

    def ways(self, case: Case, indexed: bool) -> dict[str, Way]:
        """What gives the seconds of each way to count a case."""
        session, table, times = (self.using_indexes, "indexed_contacts", LOOKUPS) if indexed else (self.scanning, case.table, 1)
        condition = json.dumps(case.condition)
        sql = session.value("SELECT conditions_sql(%s, %s)", (condition, table))

        def way(statement: str, parameters: tuple | None = None) -> Way:
            return lambda: [session.count(statement, parameters)[1] for _ in range(times)]

        ways = {
            "count_contacts": way("SELECT count_contacts(%s, %s)", (condition, table)),
            "conditions_sql": way(f"SELECT count(*) FROM {table} WHERE {sql}"),
        }
        if not case.audience_only:
            quoted = condition.replace("'", "''")
            ways["@~"] = way(f"SELECT count(*) FROM {table} WHERE properties @~ '{quoted}'")
        return {f"{case.name}, {'by an index' if indexed else 'by a scan'}: {name}": way for name, way in ways.items()}

    def all_ways(self) -> dict[str, Way]:
        asked = [(case, False) for case in CASES] + [(case, True) for case in INDEXED]
        return {name: way for case, indexed in asked for name, way in self.ways(case, indexed).items()}

    def of_core(self) -> dict[str, Times]:
        """Seconds of the core alone, for one document."""
        lines = subprocess.run([self.program, *SIZES_OF_CORE], check=True, capture_output=True, text=True).stdout.splitlines()
        columns = [line.split() for line in lines[1:]]
        seconds = [[float(time) / 1e6] for _, _, _, _, alone, _, at_once, *_ in columns for time in (alone, at_once)]
        return dict(zip(OF_CORE, seconds, strict=True))


def measured(builds: list[Build], rounds: int, wanted: Callable[[str], bool]) -> Measured:
    """By the name of the figure, if it is wanted, the times of each build, a list for each of its turns."""
    times: Measured = {}

    def keep(name: str, build: int, seconds: Times) -> None:
        times.setdefault(name, [[], []])[build].append(seconds)

    for number in range(rounds):
        print(f"    round {number + 1} of {rounds}", flush=True)
        if number % ROUNDS_OF_A_BACKEND == 0:
            for build in builds:
                build.connect()
            ways = [build.all_ways() for build in builds]
        if number % ROUNDS_FOR_ONE_OF_THE_CORE == 0 and any(map(wanted, OF_CORE)):
            for turn in TURNS:
                for name, seconds in builds[turn].of_core().items():
                    if wanted(name):
                        keep(name, turn, seconds)
        for name in filter(wanted, ways[BEFORE]):
            for turn in TURNS:
                keep(name, turn, ways[turn][name]())
    return times


def least(turns: list[Times]) -> float:
    """The time below which the fastest fifth is."""
    times = sorted(seconds for turn in turns for seconds in turn)
    return times[(len(times) - 1) // 5]


def middle(turns: list[Times]) -> float:
    return statistics.median(seconds for turn in turns for seconds in turn)


def noise(turns: list[Times]) -> float:
    """What comparing a build with itself gives: every other turn with those between, as a ratio of at least 1."""
    one, other = least(turns[0::2]), least(turns[1::2])
    return max(one, other) / min(one, other)


def slower(times: Measured, at_most: float) -> set[str]:
    """Prints the comparisons, and gives the names of those that come out slower."""
    found = set()
    print(f"{'':60} {'before':>12} {'after':>12} {'ratio':>7} {'median':>7} {'noise':>7}")
    for name, (before, after) in times.items():
        one, other, disturbance = least(before), least(after), max(noise(before), noise(after))
        ratio = other / one
        verdict = "" if ratio <= at_most else "  slower" if ratio > disturbance else "  uncertain"
        if verdict == "  slower":
            found.add(name)
        print(
            f"{name:60} {one * 1e6:>9,.1f} us {other * 1e6:>9,.1f} us {ratio:>7.3f} {middle(after) / middle(before):>7.3f}"
            f" {disturbance:>7.3f}{verdict}"
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--at-most", type=float, required=True)
    parser.add_argument("--only", type=re.compile, required=True)
    parser.add_argument("--before", nargs=2, required=True, metavar=("URL", "PROGRAM"))
    parser.add_argument("--after", nargs=2, required=True, metavar=("URL", "PROGRAM"))
    arguments = parser.parse_args()

    builds = [Build(*arguments.before), Build(*arguments.after)]
    print(
        "Times are those below which the fastest fifth of the executions is, and ratio is that of after to before. Median is the ratio of\n"
        "the medians. Noise is what comparing a build with itself gives; a ratio that is not above it is no finding, and uncertain.\n"
    )
    first = measured(builds, arguments.rounds, lambda name: bool(arguments.only.search(name)))
    found = slower(first, arguments.at_most)
    for _ in range(1, ATTEMPTS):
        if found:
            print("Again, what came out slower:")
            found = slower(measured(builds, arguments.rounds, found.__contains__), arguments.at_most)
    print(f"{len(found)} of {len(first)} take more than {arguments.at_most} of the time before")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
