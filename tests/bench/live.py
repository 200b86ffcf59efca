"""What writers pay for live counts, and how long it takes to say which segments a contact is in.

Two tables have the same contacts, and take turns; a thousand segments keep counts of one of them.
"""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import segmented
from engines import Session
from figures import Bench, Figure

ROWS = 100_000
SEGMENTS = 1_000
BARE, LIVE = "bare_contacts", segmented.AUDIENCE
GROUP = f"Writers of an audience with {SEGMENTS:,} live segments, beside writers of one without any"


def figures(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    session.connection.execute(f"DROP TABLE IF EXISTS {BARE}")
    segmented.make(session)
    session.connection.execute(f"DELETE FROM {LIVE} WHERE id > {ROWS}")
    session.connection.execute(f"CREATE TABLE {BARE} (LIKE {LIVE} INCLUDING ALL)")
    session.connection.execute(f"INSERT INTO {BARE} TABLE {LIVE}")
    segmented.fill(session, SEGMENTS)
    session.value("SELECT set_freshness(%s, 'live')::text", (LIVE,))
    session.connection.execute(f"VACUUM (FULL, ANALYZE) {LIVE}")
    session.connection.execute(f"VACUUM (FREEZE, ANALYZE) {BARE}")
    yield from bulk(bench)
    yield from single_rows(bench)
    session.value("SELECT set_freshness(%s, 'periodic')::text", (LIVE,))
    yield from which_segments(bench)
    segmented.drop(session)
    session.connection.execute(f"DROP TABLE {BARE}")


def bulk(bench: Bench) -> Iterator[Figure]:
    session = bench.session()

    def update(table: str) -> Callable[[], float]:
        def seconds() -> float:
            session.connection.execute("BEGIN")
            began = session.seconds()
            session.connection.execute(
                f"""UPDATE {table} SET properties = properties || jsonb_build_object('orders', id % 40, 'visits', id % 977,
                                                                                    'plan', (ARRAY['free', 'pro', 'team'])[1 + id % 3])"""
            )
            taken = session.seconds() - began
            session.connection.execute("ROLLBACK")
            session.connection.execute(f"VACUUM {table}")
            return taken

        return seconds

    taken = bench.medians({table: update(table) for table in (BARE, LIVE)})
    yield Figure(GROUP, f"UPDATE of {ROWS:,} contacts, without", 1000 * taken[BARE], "ms")
    yield Figure(GROUP, f"UPDATE of {ROWS:,} contacts, of that without", taken[LIVE] / taken[BARE], at_most=3)


def single_rows(bench: Bench) -> Iterator[Figure]:
    """Transactions of one row each, fsync on."""
    rate, latency = taking_turns(bench, {table: update_of_one(bench, table) for table in (BARE, LIVE)}, [BARE, LIVE])
    scaling = {table: rate[table, 8] / rate[table, 1] for table in (BARE, LIVE)}
    yield Figure(GROUP, "UPDATE of one contact, without", latency[BARE], "ms")
    yield Figure(GROUP, "UPDATE of one contact, of that without", latency[LIVE] / latency[BARE], at_most=1.5)
    yield Figure(GROUP, "8 writers, without", rate[BARE, 8], "transactions a second")
    yield Figure(GROUP, "8 writers, of those without", rate[LIVE, 8] / rate[BARE, 8], at_least=0.65)
    yield Figure(GROUP, "scaling from 1 writer to 8, of that without", scaling[LIVE] / scaling[BARE], at_least=0.9)


def taking_turns(bench: Bench, scripts: dict[str, str], tables: list[str]) -> tuple[dict[tuple[str, int], float], dict[str, float]]:
    """Of each script, the transactions a second of 1 and of 8 clients, and the median latency of one alone, fsync on. What they write is
    vacuumed between the rounds."""
    session = bench.session()
    pgbench = Path(session.value("SELECT setting FROM pg_config() WHERE name = 'BINDIR'")) / "pgbench"
    durable(session, "on")
    runs: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for number in range(bench.rounds + 1):
        for clients in (1, 8):
            for name, script in scripts.items():
                run = write(bench, pgbench, script, clients, 4 if number else 1)
                if number:
                    runs.setdefault((name, clients), []).append(run)
        session.value("SELECT segments.fold_counts()")
        session.connection.execute(f"VACUUM {', '.join(tables)}, segments.count_delta")
    durable(session, "off")
    rate = {key: statistics.median(rate for rate, _ in runs[key]) for key in runs}
    latency = {name: statistics.median(latency for _, latency in runs[name, 1]) for name in scripts}
    return rate, latency


def durable(session: Session, value: str) -> None:
    for name in ("fsync", "synchronous_commit"):
        session.connection.execute(f"ALTER SYSTEM SET {name} = {value}")
    session.value("SELECT pg_reload_conf()")
    time.sleep(1)


def update_of_one(bench: Bench, table: str) -> str:
    return (
        f"\\set id random(1, {min(ROWS, bench.size)})\n\\set n random(0, 39)\n"
        f"UPDATE {table} SET properties = properties || jsonb_build_object('orders', :n::int, 'visits', :n::int * 25) WHERE id = :id;\n"
    )


def write(bench: Bench, pgbench: Path, text: str, clients: int, seconds: int) -> tuple[float, float]:
    """Transactions of a script a second, and the median latency of one in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script"
        script.write_text(text)
        options = ["--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}", f"--time={seconds}", "--log"]
        subprocess.run([pgbench, *options, f"--log-prefix={folder}/log", f"--file={script}", bench.url], check=True, capture_output=True)
        # The first transactions of a connection compile what later ones use.
        logs = [log.read_text().splitlines() for log in Path(folder).glob("log*")]
    transactions = [line.split() for log in logs for line in log]
    latencies = [int(transaction[2]) for transaction in transactions if int(transaction[1]) > 20]
    started = min(int(line[4]) + int(line[5]) / 1e6 for line in transactions if int(line[1]) > 20)
    ended = max(int(line[4]) + int(line[5]) / 1e6 for line in transactions)
    return len(latencies) / (ended - started), statistics.median(latencies) / 1000


def which_segments(bench: Bench) -> Iterator[Figure]:
    session = bench.session()
    conditions = list(dict.fromkeys(json.dumps(condition) for condition in segmented.make_conditions(14_000)))
    holds = session.connection.execute(
        f"""SELECT c, (SELECT to_jsonb(t) || t.properties @~ c::segment_condition FROM {LIVE} t WHERE t.id = 7)
              FROM unnest(%s::text[]) WITH ORDINALITY u(c, n) ORDER BY n""",
        (conditions,),
    ).fetchall()
    members = [condition for condition, is_member in holds if is_member][:40]
    others = [condition for condition, is_member in holds if not is_member]
    ways = {}
    for size in (1_000, 10_000):
        audience = f"{size} segments"
        session.value(f"SELECT attach_audience(%s, '{LIVE}', properties_column => 'properties')::text", (audience,))
        session.connection.execute(
            f"SELECT create_property(name, type, %s) FROM segments.property WHERE audience = '{LIVE}' AND kind = 'custom'", (audience,)
        )
        session.connection.execute(
            "INSERT INTO segments.segment_config (id, audience, name, conditions, time_zone)"
            " SELECT gen_random_uuid(), %s, 'segment ' || n, c::segment_condition, 'UTC' FROM unnest(%s::text[]) WITH ORDINALITY u(c, n)",
            (audience, members + others[: size - len(members)]),
        )
        session.value("SELECT count(*) FROM refresh_segments(%s)", (audience,))
        ways[audience] = lambda audience=audience: ask(session, audience)
    taken = bench.medians(ways)
    group = "contact_segments, warm, with the same matches"
    found = session.value("SELECT count(*) FROM contact_segments('7', '10000 segments')")
    yield Figure(group, "how many those are", found)
    yield Figure(group, "among 10,000 segments", 1000 * taken["10000 segments"], "ms", at_most=1)
    yield Figure(group, "among 10,000, of its time among 1,000", taken["10000 segments"] / taken["1000 segments"], at_most=3)
    session.connection.execute("SELECT detach_audience(name, true) FROM segments.audience WHERE name LIKE '% segments'")


def ask(session: Session, audience: str) -> float:
    """The median seconds of 50 questions."""
    taken = []
    for _ in range(50):
        began = time.perf_counter()
        session.connection.execute("SELECT * FROM contact_segments('7', %s)", (audience,)).fetchall()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
