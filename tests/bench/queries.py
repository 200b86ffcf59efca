"""in_segment(), segment_members() and contact_segments() in users' queries, beside what one would write by hand."""

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
    yield from members(bench, session)
    for segment in segments:
        session.value("SELECT delete_segment(%s)", (segment,))


def members(bench: Bench, session: Session) -> Iterator[Figure]:
    """What segment_members takes of a segment of half of the contacts, and contact_segments for many contacts of a query."""
    case = Case("half of the contacts", {"id": {"$lte": bench.size // 2}}, ())
    segment = create(session, case, "contacts", -1)
    condition = session.value("SELECT segment_sql(%s)", (segment,))
    ids = f"segment_members('{segment}'::uuid, NULL::bigint)"
    ten = {
        "by hand": f"SELECT id FROM contacts WHERE {condition} LIMIT 10",
        "in FROM": f"SELECT * FROM {ids} LIMIT 10",
        "in the select list": f"SELECT {ids}, 1 LIMIT 10",
    }
    joins = {
        "by hand": f"SELECT * FROM generate_series(1, {CALLS}) n JOIN (SELECT id FROM contacts WHERE {condition}) m ON m.id = n",
        "in FROM": f"SELECT * FROM generate_series(1, {CALLS}) n JOIN {ids} m ON m = n",
    }
    each = {
        "contacts": f"SELECT id FROM contacts LIMIT {CALLS}",
        "segments": f"SELECT c.id FROM (SELECT id FROM contacts LIMIT {CALLS}) c LEFT JOIN LATERAL contact_segments(c.id) s ON true",
    }
    taken = {name: measure(bench, session, ways) for name, ways in (("ten", ten), ("joins", joins), ("each", each))}
    of = f"{bench.size // 2:,} members"
    beyond = 1000 * (taken["ten"]["in FROM"] - taken["ten"]["by hand"])
    yield Figure(GROUP, f"10 of {of}: segment_members in FROM, beyond the condition", beyond, "ms", at_most=1)
    yield Figure(GROUP, f"10 of {of}: segment_members in the select list", 1000 * taken["ten"]["in the select list"], "ms", at_most=5)
    ratio = taken["joins"]["in FROM"] / taken["joins"]["by hand"]
    yield Figure(GROUP, f"{CALLS:,} rows joined to {of}: the time with segment_members, of that by hand", ratio, at_most=1.1)
    each_call = 1e6 * (taken["each"]["segments"] - taken["each"]["contacts"]) / CALLS
    yield Figure(GROUP, f"contact_segments of {CALLS:,} contacts by LATERAL, each", each_call, "µs", at_most=100)
    session.value("SELECT delete_segment(%s)", (segment,))


def measure(bench: Bench, session: Session, ways: dict[str, str]) -> dict[str, float]:
    """The median seconds that each query takes."""
    counted = {name: f"SELECT count(*) FROM ({query}) q" for name, query in ways.items()}
    return bench.medians({name: lambda query=query: session.count(query)[1] for name, query in counted.items()})


def create(session: Session, case: Case, table: str, number: int) -> str:
    made = "SELECT (create_segment(%s, %s, audience => %s)).id"
    return session.value(made, (f"in a query {number}", json.dumps(case.condition), table))


def planning_time(session: Session, query: str) -> float:
    return session.value(f"EXPLAIN (SUMMARY, FORMAT json) {query}")[0]["Planning Time"]


def explained(session: Session, query: str) -> str:
    """The plan with its estimates."""
    return "\n".join(line for (line,) in session.connection.execute(f"EXPLAIN {query}"))
