"""Measures the operator against everything else that can answer the same question, in one go and in turns.

Called by scripts/bench, which makes the data first. Every engine has to give the same count, or this stops.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

import behaviours
import live
import live_rows
import queries
import refresh
import tenants
import watched
from conditions import CASES, INDEXED, Case
from engines import Duck, Session, Way, postgres_ways
from figures import Bench, Figure, Module
from report import demanded, show, write

# What is measured beside conditions: a function `figures(bench)` of a module each, by the name that ONLY takes.
MODULES: dict[str, Module] = {
    "refresh": refresh.figures,
    "live": live.figures,
    "live_rows": live_rows.figures,
    "queries": queries.figures,
    "tenants": tenants.figures,
    "watched": watched.figures,
    "behaviours": behaviours.figures,
}

TOUCHING = Case("a filter that touches the row", {}, ("id + 0 < 0",))
DETOASTING = Case("unpacking 4 KB", {}, ("jsonb_typeof(properties) = 'array'",), table="large_contacts")


# How much slower than an engine's fastest a way may be, when nothing is measured yet, to take part in the rounds.
IN_REACH = 1.2


def measure(cases: list[tuple[Case, dict[str, list[Way]]]], rounds: int) -> list[dict]:
    """The median seconds of every way, the fastest way of each engine; the ways take turns within each round."""
    print("    once without measuring", flush=True)
    counts: list[int] = []
    for case, engines in cases:
        answers = {engine: [way() for way in ways] for engine, ways in engines.items()}
        counts.append(agreed(case, answers))
        for engine, ways in engines.items():
            fastest = min(seconds for _, seconds in answers[engine])
            engines[engine] = [way for way, (_, seconds) in zip(ways, answers[engine]) if seconds <= IN_REACH * fastest]
    times = [{engine: [[] for _ in ways] for engine, ways in engines.items()} for _, engines in cases]
    for number in range(rounds):
        print(f"    round {number + 1} of {rounds}", flush=True)
        for (_, engines), kept in zip(cases, times):
            for engine, ways in engines.items():
                for way, seconds in zip(ways, kept[engine]):
                    seconds.append(way()[1])
    return [
        {
            "case": case.name,
            "condition": case.condition,
            "count": count,
            "seconds": {engine: min(map(statistics.median, kept)) for engine, kept in taken.items()},
        }
        for (case, _), count, taken in zip(cases, counts, times)
    ]


def agreed(case: Case, answers: dict[str, list[tuple[int, float]]]) -> int:
    """How many contacts all engines count."""
    counts = {engine: {count for count, _ in ways} for engine, ways in answers.items()}
    if len(set().union(*counts.values())) != 1:
        sys.exit(f'"{case.name}": the engines count {counts}')
    return counts["by hand"].pop()


def repeated(ways: dict[str, list[Way]], times: int) -> dict[str, list[Way]]:
    """The same ways, each as often in a row, of which the mean counts: a look-up through an index is over before the processor's
    caches are warm."""

    def of(way: Way) -> Way:
        def repeat() -> tuple[int, float]:
            answers = [way() for _ in range(times)]
            return answers[-1][0], statistics.mean(seconds for _, seconds in answers)

        return repeat

    return {engine: [of(way) for way in alternatives] for engine, alternatives in ways.items()}


def memory(session: Session, size: int, evaluations: int) -> dict:
    """What the backend has for itself before and after so many evaluations, of one condition and of ever other ones."""
    session.count("SELECT count(*) FROM contacts WHERE properties @~ %s", ('{"plan": "pro", "orders": {"$gt": 5}}',))
    before = session.private_memory()
    for _ in range(max(1, evaluations // size)):
        session.count("SELECT count(*) FROM contacts WHERE properties @~ %s", ('{"plan": "pro", "orders": {"$gt": 5}}',))
    after = session.private_memory()
    every = "SELECT count(*) FROM contacts WHERE properties @~ format('{\"orders\": %%s}', id)"
    session.count(every + " AND id <= 100000", ())
    filled = session.private_memory()
    session.count(every, ())
    return {"evaluations": evaluations, "one condition": after - before, "ever other conditions": session.private_memory() - filled}


def estimates(session: Session, rows: list[dict]) -> list[dict]:
    """What the planner thinks how many contacts satisfy each condition, and how many do."""
    counts = {row["case"]: row["count"] for row in rows}
    found = []
    for case in CASES:
        expression = session.value("SELECT conditions_sql(%s, %s)", (json.dumps(case.condition), case.table))
        plan = session.value(f"EXPLAIN (FORMAT json) SELECT FROM {case.table} WHERE {expression}")
        found.append({"case": case.name, "estimate": plan[0]["Plan"]["Plan Rows"], "count": counts[case.name], "of": session.value(f"SELECT count(*) FROM {case.table}")})
    return found


def bookkeeping(session: Session) -> dict:
    """What creating a segment costs beyond its count, and planning a condition of 100 nodes; seconds."""
    # Where counting itself takes little, so that what is beyond it shows.
    condition, audience = '{"email_opens": 499}', "indexed_contacts"
    creating, counting = [], []
    for number in range(11):
        began = session.seconds()
        segment = session.value("SELECT (create_segment(%s, %s, audience => %s)).id", (f"bench {number}", condition, audience))
        creating.append(session.seconds() - began)
        counting.append(session.count("SELECT count_contacts(%s, %s)", (condition, audience))[1])
        session.value("SELECT delete_segment(%s)", (segment,))
    planning = []
    for number in range(11):
        # Ever another one, of which nothing is remembered
        wide = json.dumps({"$or": [{"country": f"X{number}-{n}", "plan": "gold"} for n in range(33)]})
        plan = session.value(f"EXPLAIN (SUMMARY, FORMAT json) SELECT FROM indexed_contacts WHERE properties @~ '{wide}'")
        planning.append(plan[0]["Planning Time"] / 1000)
    return {
        "create_segment beyond its count": statistics.median(creating) - statistics.median(counting),
        "planning 100 nodes": statistics.median(planning),
    }


def conditions(bench: Bench, evaluations: int) -> dict:
    """The operator and counts beside every other engine."""
    # No index: nor the primary key's, for the filter that touches the row.
    scanning = bench.session(enable_indexonlyscan="off", enable_indexscan="off", enable_bitmapscan="off")
    using_indexes = bench.session()
    has_jsquery = bool(scanning.value("SELECT count(*) FROM pg_extension WHERE extname = 'jsquery'"))

    print("==> Copying the contacts to DuckDB", flush=True)
    duck = Duck(scanning, bench.folder)
    print("==> Without indexes", flush=True)
    scans = [(case, postgres_ways(scanning, case, has_jsquery, False) | duck.ways(case)) for case in CASES]
    scans += [(case, {"by hand": postgres_ways(scanning, case, False, False)["by hand"]}) for case in (TOUCHING, DETOASTING)]
    results = {"scans": measure(scans, bench.rounds)}
    print("==> With indexes", flush=True)
    seeks = [(case, repeated(postgres_ways(using_indexes, case, has_jsquery, True), 20)) for case in INDEXED]
    results["seeks"] = measure(seeks, bench.rounds)
    print(f"==> Memory over {evaluations:,} evaluations, and bookkeeping", flush=True)
    results["memory"] = memory(scanning, bench.size, evaluations)
    results["bookkeeping"] = bookkeeping(using_indexes)
    results["estimates"] = estimates(using_indexes, results["scans"])
    results["about"] = {
        "contacts": bench.size,
        "rounds": bench.rounds,
        "clock": "processor time" if scanning.is_exact else "elapsed time",
        "bytes": float(scanning.value("SELECT avg(pg_column_size(properties)) FROM contacts")),
        "Postgres": scanning.value("SHOW server_version"),
        "segments": scanning.value("SELECT extversion FROM pg_extension WHERE extname = 'segments'"),
        "jsquery": scanning.value("SELECT max(extversion) FROM pg_extension WHERE extname = 'jsquery'"),
        "DuckDB": duck.connection.execute("SELECT library_version FROM pragma_version()").fetchone()[0],
    }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--evaluations", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="for what is kept between making and measuring")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=["conditions", *MODULES], help="without a report, unless conditions are among them")
    arguments = parser.parse_args()
    only = arguments.only or ["conditions", *MODULES]
    bench = Bench(arguments.url, arguments.size, arguments.rounds, arguments.folder)

    figures: list[Figure] = []
    results = conditions(bench, arguments.evaluations) if "conditions" in only else None
    if results:
        figures += demanded(results)
    for name in (name for name in MODULES if name in only):
        print(f"==> {name}", flush=True)
        figures += MODULES[name](bench)
    if results:
        results["figures"] = [asdict(figure) for figure in figures]
        (arguments.folder / "results.json").write_text(json.dumps(results, indent=2))
        write(results, figures, arguments.report)
    show(figures)


if __name__ == "__main__":
    main()
