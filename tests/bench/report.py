"""The report of a benchmark: a table on the terminal, and a page with a plot."""

import platform
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from figures import Figure

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

ENGINES = ("@~", "conditions_sql", "count_contacts", "by hand", "jsonpath", "jsquery", "columns", "DuckDB, JSON", "DuckDB, columns")
PLOTTED = {"@~": "#2f81f7", "jsonpath": "#bf8700", "jsquery": "#a371f7", "DuckDB, JSON": "#3fb950"}
# Readable on white and on black.
INK = "#7d8590"

# What is demanded of the operator: case, and the most that its share of hand-written SQL may be.
DEMANDS = (
    ("three parts", 0.7),
    ("five-way $or, nobody", 0.5),
    ("4 KB: three parts", 0.8),
    ("4 KB: three-way $or, nobody", 0.55),
)


def write(results: dict, figures: list[Figure], path: Path) -> None:
    print("\n" + as_text(results["scans"]) + "\n\n" + as_text(results["seeks"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(results["scans"], path.with_suffix(".svg"))
    path.write_text(page(results, figures, path.with_suffix(".svg").name))
    print(f"\nWritten: {path} and {path.with_suffix('.svg').name}")


def show(figures: list[Figure]) -> None:
    for heading, group in grouped(figures).items():
        print(f"\n{heading}")
        for line in group:
            print("    " + "  ".join(filter(None, line)))


def grouped(figures: list[Figure]) -> dict[str, list[tuple[str, str, str, str]]]:
    """By heading: name, value, demand, and whether that is reached."""
    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for figure in figures:
        reached = ("reached" if figure.is_reached else "NOT reached") if figure.demand else ""
        groups.setdefault(figure.group, []).append((figure.name, figure.shown, figure.demand, reached))
    return groups


def ours(row: dict) -> float | None:
    """The operator's seconds, or where it takes more than a document, those of the expression or the count that contains it."""
    return next((row["seconds"][engine] for engine in ("@~", "conditions_sql", "count_contacts") if engine in row["seconds"]), None)


def demanded(results: dict) -> Iterator[Figure]:
    """What is demanded of the operator and of counts."""
    rows = {row["case"]: row for row in results["scans"] + results["seeks"]}

    def share(row: dict) -> float:
        return ours(row) / row["seconds"]["by hand"]

    group = "Without an index, of hand-written SQL"
    for case, most in DEMANDS:
        yield Figure(group, case, share(rows[case]), at_most=most)
    slowest = max((row for row in results["scans"] if ours(row)), key=share)
    yield Figure(group, f"the least gain: {slowest['case']}", share(slowest), at_most=1)
    touching = rows["a filter that touches the row"]["seconds"]["by hand"]
    group = "Without an index, of a filter that touches the row"
    yield Figure(group, "three parts", ours(rows["three parts"]) / touching, at_most=1.7)
    yield Figure(group, "five-way $or, nobody", ours(rows["five-way $or, nobody"]) / touching)
    for row in results["seeks"]:
        yield Figure("Of hand-written SQL with the same index", row["case"], share(row), at_most=1.15)
    for case in ("equality, 0.07 %", "tree of equalities", "tree of rare equalities"):
        gain = ours(rows[case]) / ours(rows[f"GIN: {case}"])
        yield Figure("Times faster than the operator without an index", f"GIN: {case}", gain, "times", at_least=20)
    group = "Planning and bookkeeping"
    counting = rows["typed: range"]["seconds"]
    yield Figure(group, "count_contacts beyond its query", 1000 * (counting["count_contacts"] - counting["conditions_sql"]), "ms")
    yield Figure(group, "create_segment beyond its count", 1000 * results["bookkeeping"]["create_segment beyond its count"], "ms", at_most=5)
    yield Figure(group, "planning a condition of 100 nodes", 1000 * results["bookkeeping"]["planning 100 nodes"], "ms", at_most=1)
    for share, most in ((0.01, 2), (0.001, 5)):
        estimates = [estimate for estimate in results["estimates"] if estimate["count"] >= share * estimate["of"]]
        worst = max(estimates, key=misjudged)
        name = f"the worst estimate of what {100 * share:g} % satisfy: {worst['case']}"
        yield Figure("Planning and bookkeeping", name, misjudged(worst), "times", at_most=most)
    memory = results["memory"]
    group = "Memory that a backend gains"
    yield Figure(group, f"{memory['evaluations']:,} evaluations of one condition", memory["one condition"], "KB", at_most=64)
    yield Figure(group, "ever other conditions, one for each contact", memory["ever other conditions"], "KB", at_most=1024)


def misjudged(estimate: dict) -> float:
    """How many times too high or too low it is."""
    ratio = estimate["estimate"] / estimate["count"]
    return max(ratio, 1 / ratio)


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
    return markdown([head, ["---"] + ["--:"] * (len(head) - 1), *body])


def figures_as_markdown(figures: list[Figure]) -> str:
    lines = [["figure", "measured", "demanded", ""], ["---", "--:", "--:", "---"]]
    for heading, group in grouped(figures).items():
        lines += [[f"**{heading}**", "", "", ""], *map(list, group)]
    return markdown(lines)


def markdown(lines: list[list[str]]) -> str:
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


def page(results: dict, figures: list[Figure], svg: str) -> str:
    about = results["about"]
    versions = ", ".join(f"{name} {about[name]}" for name in ("segments", "Postgres", "jsquery", "DuckDB") if about[name])
    return f"""# Benchmarks

[Without indexes](#without-indexes) · [With indexes](#with-indexes) · [What is demanded](#what-is-demanded) · [Run it](#run-it)

`make bench` made this page.

- **Data:** {about["contacts"]:,} contacts with 14 custom properties ({about["bytes"]:.0f} bytes of jsonb on average), and a tenth of them again with
  documents of 4 KB.
- **Machine:** {versions}; {processor()}, {platform.system()}. One process without parallel workers. Everything is in Postgres's own memory.
  If Postgres reads through the system's cache, reading takes as long as evaluating, and all shares come nearer to 1.
- **Times** are milliseconds of {about["clock"]}: medians of {about["rounds"]} rounds in which the engines take turns. In parentheses is the share
  of hand-written SQL on the same data, the fastest of several ways to write it (`->>` with casts, `@>`, comparisons of jsonb). In each row
  every engine gave the same count.
- **Columns of the tables:** `@~` is the operator. `count_contacts` is the whole function, on an audience with declared properties, and
  `conditions_sql` the query that it runs. *columns* is a table with a typed column for each property. DuckDB runs with one thread.

![Time of each engine as a share of hand-written SQL's]({svg})

## Without indexes

{as_markdown(results["scans"])}

## With indexes

The operator and hand-written SQL use the same indexes: GIN with `jsonb_path_ops`, and `property_number(properties, 'lifetime_value')`. jsquery has
a GIN index of its own, and *columns* a B-tree or GIN index for each column.

{as_markdown(results["seeks"])}

Nearly all of a look-up through GIN is GIN's own work. A tree of conditions becomes one index condition. GIN reads its keys from the rarest on, until
nothing can match without one of the keys that it has read: three of five for `(IS and enterprise) or (partner and talk and team)`. Conditions
that SQL joins with OR are a scan each. Each scan reads its rarest key and skips through the others: two of five in this example. So a
tree with a common key in each branch takes longer than `@>` with OR, and as long as the same jsonpath written by hand. A tree with a rare
key in each branch does not. A planner support function can only say that a condition must hold. A scan for each branch, joined by
BitmapOr, would take a planner hook.

## What is demanded

{figures_as_markdown(figures)}

## Run it

`make bench` takes some minutes; `SIZE=20000 make bench` shows within one minute whether it runs. The data are the same on every machine. The
conditions, and the SQL written by hand, are in [tests/bench/conditions.py](../tests/bench/conditions.py).
"""
