"""What it costs to find entries and exits by refreshes: the size of the stored members, and what a refresh writes.

The members are as many as there are contacts, with ids of three types.
"""

from collections.abc import Iterator

from engines import Session
from figures import Bench, Figure

TABLE = AUDIENCE = "watched_contacts"
GROUP = "Watching a segment of all contacts by refreshes"

# How many bytes of disk a member may take, the index included. Texts are allowed what neighbours do not have in common.
IDS = {
    "integers of which one in a hundred is missing": ("bigint", "n + n / 99", 2.0),
    "uuids": ("uuid", "gen_random_uuid()", 16.0),
    "addresses of 26 bytes": ("text", "'customer-' || lpad((n::bigint * 7919 % 10000019)::text, 9, '0') || '@acme.io'", 20.0),
}


def figures(bench: Bench) -> Iterator[Figure]:
    for name, (type_name, value, at_most) in IDS.items():
        session = bench.session()
        session.connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        session.connection.execute(f"CREATE TABLE {TABLE} (id {type_name} PRIMARY KEY, place int, member boolean)")
        session.connection.execute(f"INSERT INTO {TABLE} SELECT {value}, n, true FROM generate_series(1, {bench.size}) n")
        session.connection.execute(f"VACUUM (FREEZE, ANALYZE) {TABLE}")
        session.value("SELECT attach_audience(%s, %s::regclass)::text", (AUDIENCE, TABLE))
        yield from watched(session, bench, name, at_most)
        session.value("SELECT detach_audience(%s, true)::text", (AUDIENCE,))
        session.connection.execute(f"DROP TABLE {TABLE}")


def watched(session: Session, bench: Bench, name: str, at_most: float) -> Iterator[Figure]:
    segment = session.value("""SELECT (create_segment('members', '{"member": true}', audience => %s)).id::text""", (AUDIENCE,))
    counted = refresh(session)
    session.connection.execute("VACUUM (FULL) segments.member_chunk")
    empty = size(session)
    session.value("SELECT watch_segment(%s::uuid)::text", (segment,))
    stored = (size(session) - empty) / bench.size
    yield Figure(GROUP, f"{name}: disk for a member", stored, "bytes", at_most=at_most)

    before, unchanged = written(session), refresh(session)
    yield Figure(GROUP, f"{name}: chunks that a refresh writes that finds nothing", written(session) - before, "chunks", at_most=0)
    yield Figure(GROUP, f"{name}: a refresh that finds nothing, beside one of a segment that is not watched", unchanged / counted)

    changes = bench.size // 100
    session.connection.execute(f"UPDATE {TABLE} SET member = false WHERE place %% 100 = 0", ())
    before, position = written(session), session.value("SELECT segments.newest_position()")
    taken = refresh(session)
    yield Figure(GROUP, f"{name}: a refresh that finds 1 % gone", taken, "s")
    recorded = session.value("SELECT count(*) FROM segment_changes(%s, NULL) WHERE change = 'exited'", (position,))
    yield Figure(GROUP, f"{name}: exits that it has not recorded, or twice", abs(recorded - changes), at_most=0)
    yield Figure(GROUP, f"{name}: chunks that it writes for a change", (written(session) - before) / changes, at_most=1)


def refresh(session: Session) -> float:
    return session.count("SELECT count(*) FROM refresh_segments(%s) WHERE error IS NULL", (AUDIENCE,))[1]


def size(session: Session) -> int:
    return session.value("SELECT pg_total_relation_size('segments.member_chunk')")


def written(session: Session) -> int:
    """How many chunks have been written so far."""
    session.value("SELECT pg_stat_force_next_flush()::text")
    return session.value("SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE schemaname = 'segments' AND relname = 'member_chunk'")
