"""The engines that are compared: each counts what a case asks for, and says how long that took."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import psycopg

from conditions import Case

Count = tuple[int, float]
Way = Callable[[], Count]

SETTINGS = {"max_parallel_workers_per_gather": "0", "jit": "off"}


class Session:
    """A backend of its own. Times are what the backend's process had of a processor, which other programs on the machine disturb
    less than they do the clock; where that is not to be had (another machine, no Linux), the clock's."""

    def __init__(self, url: str, **settings: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True, prepare_threshold=None)
        for name, value in (SETTINGS | settings).items():
            self.connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        pid = self.value("SELECT pg_backend_pid()")
        self.usage = Path(f"/proc/{pid}/schedstat")
        self.status = Path(f"/proc/{pid}/status")
        self.is_exact = os.access(self.usage, os.R_OK) and self.value("SELECT host(inet_server_addr())") in (None, "127.0.0.1")

    def value(self, statement: str, parameters: tuple | None = None):
        return self.connection.execute(statement, parameters).fetchone()[0]

    def seconds(self) -> float:
        if self.is_exact:
            return int(self.usage.read_text().split()[0]) / 1e9
        return time.perf_counter()

    def count(self, statement: str, parameters: tuple | None = None) -> Count:
        began = self.seconds()
        count = self.value(statement, parameters)
        return count, self.seconds() - began

    def private_memory(self) -> int:
        """In KB: what the process has for itself alone."""
        return next(int(line.split()[1]) for line in self.status.read_text().splitlines() if line.startswith("RssAnon"))


def postgres_ways(session: Session, case: Case, has_jsquery: bool, indexed: bool) -> dict[str, list[Way]]:
    """Every way in which Postgres can answer a case: by the name of the engine, the fastest of which counts."""
    table = "indexed_contacts" if indexed else case.table
    condition = json.dumps(case.condition)

    def where(expression: str, table: str = table) -> Way:
        statement = f"SELECT count(*) FROM {table} WHERE {expression}".replace("%", "%%")
        return lambda: session.count(statement, ())

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    ways = {
        "count_contacts": [lambda: session.count("SELECT count_contacts(%s, %s)", (condition, table))],
        "by hand": [where(expression) for expression in case.by_hand],
    }
    if indexed:
        ways["conditions_sql"] = [where(session.value("SELECT conditions_sql(%s, %s)", (condition, table)))]
    if not case.audience_only:
        ways["@~"] = [where(f"properties @~ {quoted(condition)}")]
    if case.jsonpath:
        ways["jsonpath"] = [where(f"properties @@ {quoted(case.jsonpath)}::jsonpath")]
    if case.jsquery and has_jsquery:
        ways["jsquery"] = [where(f"properties @@ {quoted(case.jsquery)}::jsquery")]
    if case.columns:
        ways["columns"] = [where(case.columns, "contact_columns")]
    return ways


class Duck:
    """DuckDB, in this process and one thread, over copies of the same tables."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.clock = time.process_time if session.is_exact else time.perf_counter
        for table, columns in {
            "contacts": "{'id': 'BIGINT', 'status': 'VARCHAR', 'created_at': 'TIMESTAMPTZ', 'properties': 'JSON'}",
            "contact_columns": None,
        }.items():
            path = folder / f"{table}.csv"
            with path.open("wb") as file, session.connection.cursor().copy(
                f"COPY (SELECT * FROM {table}) TO STDOUT (FORMAT csv, HEADER)"
            ) as rows:
                for row in rows:
                    file.write(row)
            option = f", columns = {columns}" if columns else ""
            tags = "" if columns else " REPLACE (string_split(trim(tags, '{}'), ',') AS tags)"
            self.connection.execute(f"CREATE TABLE {table} AS SELECT *{tags} FROM read_csv('{path}', header = true{option})")
            path.unlink()

    def count(self, table: str, expression: str) -> Count:
        began = self.clock()
        count = self.connection.execute(f"SELECT count(*) FROM {table} WHERE {expression}").fetchone()[0]
        return count, self.clock() - began

    def ways(self, case: Case) -> dict[str, list[Way]]:
        ways = {}
        if case.duckdb_json:
            ways["DuckDB, JSON"] = [lambda: self.count("contacts", case.duckdb_json)]
        if case.columns:
            ways["DuckDB, columns"] = [lambda: self.count("contact_columns", case.duckdb_columns or case.columns)]
        return ways
