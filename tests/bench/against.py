"""Measures two builds in turns: the core alone, and conditions in a server of each. Called by scripts/bench-against."""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from conditions import CASES, INDEXED, Case
from engines import Session

# An index look-up is over before the processor's caches are warm.
LOOKUPS = 50


@dataclass
class Build:
    url: str
    program: str

    def __post_init__(self) -> None:
        self.scanning = Session(self.url, enable_indexonlyscan="off", enable_indexscan="off", enable_bitmapscan="off")
        self.using_indexes = Session(self.url)

    def of_core(self) -> dict[str, float]:
        """Seconds of the core alone, for one document."""
        lines = subprocess.run([self.program, "100", "1000", "10000"], check=True, capture_output=True, text=True).stdout.splitlines()
        found = {}
        for line in lines[1:]:
            size, _, _, _, alone, _, at_once, *_ = line.split()
            found[f"core, {size} conditions, each alone"] = float(alone) / 1e6
            found[f"core, {size} conditions, at once"] = float(at_once) / 1e6
        return found

    def of_server(self, case: Case, indexed: bool) -> Iterator[tuple[str, float]]:
        """Seconds of each way to count a case."""
        session, table, times = (self.using_indexes, "indexed_contacts", LOOKUPS) if indexed else (self.scanning, case.table, 1)
        condition = json.dumps(case.condition)
        name = f"{case.name}, {'by an index' if indexed else 'by a scan'}"

        def seconds(statement: str, parameters: tuple | None) -> float:
            return statistics.mean(session.count(statement, parameters)[1] for _ in range(times))

        yield f"{name}: count_contacts", seconds("SELECT count_contacts(%s, %s)", (condition, table))
        sql = session.value("SELECT conditions_sql(%s, %s)", (condition, table))
        yield f"{name}: conditions_sql", seconds(f"SELECT count(*) FROM {table} WHERE {sql}", None)
        if not case.audience_only:
            quoted = condition.replace("'", "''")
            yield f"{name}: @~", seconds(f"SELECT count(*) FROM {table} WHERE properties @~ '{quoted}'", None)


def measured(builds: list[Build], rounds: int) -> dict[str, list[list[float]]]:
    """The seconds of each build by the name of the figure; who is first changes from round to round. The first round does not count."""
    times: dict[str, list[list[float]]] = {}
    asked = [(case, False) for case in CASES] + [(case, True) for case in INDEXED]
    for number in range(rounds + 1):
        print(f"    round {number} of {rounds}", flush=True)
        order = [0, 1] if number % 2 else [1, 0]

        def keep(build: int, found: dict[str, float]) -> None:
            for name, seconds in found.items():
                if number > 0:
                    times.setdefault(name, [[], []])[build].append(seconds)

        for build in order:
            keep(build, builds[build].of_core())
        for case, indexed in asked:
            for build in order:
                keep(build, dict(builds[build].of_server(case, indexed)))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--at-most", type=float, required=True)
    parser.add_argument("--before", nargs=2, required=True, metavar=("URL", "PROGRAM"))
    parser.add_argument("--after", nargs=2, required=True, metavar=("URL", "PROGRAM"))
    arguments = parser.parse_args()

    times = measured([Build(*arguments.before), Build(*arguments.after)], arguments.rounds)
    slower = 0
    print(f"{'':60} {'before':>12} {'after':>12} {'ratio':>7}")
    for name, (before, after) in times.items():
        one, other = statistics.median(before), statistics.median(after)
        is_slower = other > arguments.at_most * one
        slower += is_slower
        print(f"{name:60} {one * 1e6:>9,.1f} us {other * 1e6:>9,.1f} us {other / one:>7.3f}{'  slower' if is_slower else ''}")
    print(f"{len(times) - slower} of {len(times)} take at most {arguments.at_most} of the time before")
    sys.exit(slower > 0)


if __name__ == "__main__":
    main()
