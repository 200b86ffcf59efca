"""The report of a benchmark: a table on the terminal, and a page with a plot."""

import platform
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ENGINES = ("@~", "count_contacts", "by hand", "jsonpath", "jsquery", "columns", "DuckDB, JSON", "DuckDB, columns")
PLOTTED = {"@~": "#2f81f7", "jsonpath": "#bf8700", "jsquery": "#a371f7", "DuckDB, JSON": "#3fb950"}
# Readable on white and on black.
INK = "#7d8590"

# What is demanded of the operator: case, against what, and the most that the ratio may be.
DEMANDS = (
    ("three parts", "by hand", 0.7),
    ("five-way $or, nobody", "by hand", 0.5),
    ("4 KB: three parts", "by hand", 0.8),
    ("4 KB: three-way $or, nobody", "by hand", 0.55),
)


def write(results: dict, path: Path) -> None:
    demands = list(demanded(results))
    print("\n" + as_text(results["scans"]) + "\n\n" + as_text(results["seeks"]) + "\n")
    for line in demands:
        print(line)
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(results["scans"], path.with_suffix(".svg"))
    path.write_text(page(results, demands, path.with_suffix(".svg").name))
    print(f"\nWritten: {path} and {path.with_suffix('.svg').name}")


def ours(row: dict) -> float | None:
    """The operator's seconds, or where it takes more than a document, those of the count that contains it."""
    return row["seconds"].get("@~", row["seconds"].get("count_contacts"))


def demanded(results: dict):
    rows = {row["case"]: row for row in results["scans"] + results["seeks"]}
    touching = rows["a filter that touches the row"]["seconds"]["by hand"]
    for case, other, most in DEMANDS:
        yield verdict(f"{case}: of hand-written SQL", ours(rows[case]) / rows[case]["seconds"][other], most)
    for case in ("three parts", "five-way $or, nobody"):
        yield verdict(f"{case}: of a filter that touches the row", ours(rows[case]) / touching, 1.7)
    slowest = max((row for row in results["scans"] if ours(row)), key=lambda row: ours(row) / row["seconds"]["by hand"])
    yield verdict(f"the least gain without an index ({slowest['case']}): of hand-written SQL", ours(slowest) / slowest["seconds"]["by hand"], 1.0)
    for row in results["seeks"]:
        yield verdict(f"{row['case']}: of hand-written SQL with the same index", ours(row) / row["seconds"]["by hand"], 1.15)
    yield verdict("create_segment beyond its count, ms", 1000 * results["bookkeeping"]["create_segment beyond its count"], 5)
    yield verdict("planning a condition of 100 nodes, ms", 1000 * results["bookkeeping"]["planning 100 nodes"], 1)
    memory = results["memory"]
    yield verdict(f"memory that a backend gains over {memory['evaluations']:,} evaluations, KB", memory["one condition"], 64)
    yield verdict("and over one for each contact of ever other conditions, KB", memory["ever other conditions"], 1024)


def verdict(what: str, got: float, most: float) -> str:
    return f"{'reached' if got <= most else 'NOT reached'}: {what}: {got:.2f}, at most {most:g}"


def present(rows: list[dict]) -> list[str]:
    return [engine for engine in ENGINES if any(engine in row["seconds"] for row in rows)]


def cells(rows: list[dict]) -> list[list[str]]:
    table = [["condition", "contacts", *present(rows)]]
    for row in rows:
        line = [row["case"], f"{row['count']:,}"]
        for engine in present(rows):
            seconds = row["seconds"].get(engine)
            if seconds is None:
                line.append("")
            elif engine == "by hand":
                line.append(milliseconds(seconds))
            else:
                line.append(f"{milliseconds(seconds)} ({seconds / row['seconds']['by hand']:.2f})")
        table.append(line)
    return table


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f}" if seconds >= 0.01 else f"{1000 * seconds:.2f}"


def as_text(rows: list[dict]) -> str:
    table = cells(rows)
    widths = [max(map(len, column)) for column in zip(*table)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table)


def as_markdown(rows: list[dict]) -> str:
    head, *body = cells(rows)
    lines = [head, ["---", "--:", *["--:"] * (len(head) - 2)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(rows: list[dict], path: Path) -> None:
    """Each engine's time as a share of hand-written SQL's, for every condition without an index."""
    rows = [row for row in rows if ours(row)]
    figure, axes = plt.subplots(figsize=(9, 0.62 * len(rows) + 1.2))
    engines = [engine for engine in PLOTTED if any(engine in row["seconds"] for row in rows)]
    thick = 0.8 / len(engines)
    for number, engine in enumerate(engines):
        values = [(ours(row) if engine == "@~" else row["seconds"].get(engine)) for row in rows]
        ratios = [value / row["seconds"]["by hand"] if value else 0 for value, row in zip(values, rows)]
        places = [-index - number * thick for index in range(len(rows))]
        axes.barh(places, ratios, thick * 0.9, color=PLOTTED[engine], label="segments" if engine == "@~" else engine)
    axes.axvline(1, color=INK, linewidth=1)
    axes.text(1, 0.75, " hand-written SQL", color=INK, fontsize=9)
    axes.set_yticks([-index - 0.4 + thick / 2 for index in range(len(rows))], [row["case"].replace("$", r"\$") for row in rows])
    axes.set_xlabel("time, as a share of the best hand-written jsonb SQL's (shorter is better)", color=INK)
    axes.tick_params(colors=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    figure.tight_layout()
    plt.rcParams["svg.hashsalt"] = "segments"
    figure.savefig(path, transparent=True, metadata={"Date": None})
    plt.close(figure)


def processor() -> str:
    try:
        names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        return f"{names[0]}, {len(names)} cores"
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def page(results: dict, demands: list[str], svg: str) -> str:
    about = results["about"]
    versions = ", ".join(f"{name} {about[name]}" for name in ("segments", "Postgres", "jsquery", "DuckDB") if about[name])
    return f"""# Benchmarks

`make bench` made this page: {about["contacts"]:,} contacts with 14 custom properties ({about["bytes"]:.0f} bytes of jsonb on average),
a tenth of them again with documents of 4 KB. {versions}; {processor()}, {platform.system()}. One process without parallel workers, everything in
memory. Medians of {about["rounds"]} rounds in which the engines take turns; {about["clock"]}. In each row every engine gave the same count.

Times are milliseconds; in parentheses, as a share of hand-written SQL on the same data, of which the fastest of several ways counts (`->>` with casts,
`@>`, comparisons of jsonb). `@~` is the operator, `count_contacts` the whole function, on an audience with declared properties; *columns* is a table with a typed column
for each property; DuckDB runs with one thread.

![Time of each engine as a share of hand-written SQL's]({svg})

## Without indexes

{as_markdown(results["scans"])}

## With indexes

The operator and hand-written SQL share their indexes: GIN with `jsonb_path_ops`, and `property_number(properties, 'lifetime_value')`. jsquery has a GIN of its own,
*columns* a B-tree or GIN for each column.

{as_markdown(results["seeks"])}

## What is demanded

{chr(10).join("- " + line for line in demands)}

## Run it

`make bench` takes some minutes; `SIZE=20000 make bench` shows in one whether it runs. The data are the same on every machine. The conditions, and the same by hand,
are in [tests/bench/conditions.py](../tests/bench/conditions.py).
"""
