"""in_segment() in users' queries, beside the condition in its place, and as a call."""

import json
from collections.abc import Iterator
from dataclasses import replace

from conditions import CASES, INDEXED, Case
from engines import Session
from figures import Bench, Figure

GROUP = "In users' queries"
CALLS = 10_000


def figures(bench: Bench) -> Iterator[Figure]:
    """How much longer a query with in_segment takes than one with the condition, and what a call takes that stays."""
    session = bench.session()
    # The plans are the same, so the ratio of the times is that of what else the machine does, but for planning.
    longer = replace(bench, rounds=3 * bench.rounds)
    cases = [(case, case.table) for case in CASES] + [(case, "indexed_contacts") for case in INDEXED]
    segments = [create(session, case, table, number) for number, (case, table) in enumerate(cases)]
    ratios, planning, others = [], [], []
    for (case, table), segment in zip(cases, segments):
        condition = session.value("SELECT segment_sql(%s)", (segment,))
        by_hand = f"SELECT count(*) FROM {table} WHERE {condition}"
        inlined = f"SELECT count(*) FROM {table} WHERE in_segment(id, '{segment}'::uuid)"
        counts = {session.count(query)[0] for query in (by_hand, inlined)}
        if len(counts) != 1:
            raise SystemExit(f'"{case.name}": {counts} are counted')
        if explained(session, by_hand) != explained(session, inlined):
            others.append(case.name)
        if table != "indexed_contacts":
            seconds = longer.medians({query: lambda query=query: session.count(query)[1] for query in (by_hand, inlined)})
            ratios.append(seconds[inlined] / seconds[by_hand])
        planned = bench.medians({query: lambda query=query: planning_time(session, query) for query in (by_hand, inlined)})
        planning.append(planned[inlined] - planned[by_hand])
    print(f"    planned otherwise than the condition: {', '.join(others) or 'none'}", flush=True)
    yield Figure(GROUP, "queries with in_segment that are planned, or estimated, otherwise than with the condition", len(others), at_most=0)
    yield Figure(GROUP, f"of {bench.size:,} contacts: the time with in_segment, of that with the condition, at most", max(ratios), at_most=1.1)
    yield Figure(GROUP, "planning in_segment, beyond planning the condition, at most", max(planning), "ms", at_most=1)
    # The id is no column, so the call stays.
    calls = f"SELECT count(*) FROM (SELECT id FROM contacts LIMIT {CALLS}) c WHERE in_segment(c.id + 0, '{segments[0]}'::uuid)"
    without = f"SELECT count(*) FROM (SELECT id FROM contacts LIMIT {CALLS}) c WHERE c.id + 0 > 0"
    seconds = bench.medians({query: lambda query=query: session.count(query)[1] for query in (calls, without)})
    yield Figure(GROUP, "a call that stays", 1e6 * (seconds[calls] - seconds[without]) / CALLS, "µs", at_most=20)
    for segment in segments:
        session.value("SELECT delete_segment(%s)", (segment,))


def create(session: Session, case: Case, table: str, number: int) -> str:
    made = "SELECT (create_segment(%s, %s, audience => %s)).id"
    return session.value(made, (f"in a query {number}", json.dumps(case.condition), table))


def planning_time(session: Session, query: str) -> float:
    return session.value(f"EXPLAIN (SUMMARY, FORMAT json) {query}")[0]["Planning Time"]


def explained(session: Session, query: str) -> str:
    """The plan with its estimates."""
    return "\n".join(line for (line,) in session.connection.execute(f"EXPLAIN {query}"))
