#!/usr/bin/env python3
"""Draws what segment_overlap() and segment_statistics() say about the segments of the demo, for light and for dark pages.

    docs/plots/draw.py FOLDER [PSQL…]      after `make demo`: docs/plots/draw.py /tmp scripts/server psql demo

PSQL is the command that reaches the demo's database. requirements.txt names what Python needs. The pictures in this folder
are of the demo's first 20,000 contacts: tests/docs/plots makes them.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.dates import YearLocator, date2num
from matplotlib.ticker import FuncFormatter

SEGMENT = "Win back"
PROPERTIES = ["tags", "plan", "lifetime_value", "last_purchase_date"]

OVERLAP = """
SELECT jsonb_agg(jsonb_build_object('contacts', o.contacts, 'segments', names) ORDER BY o.contacts DESC, names)
  FROM segment_overlap(ARRAY(SELECT id FROM segments.segment WHERE audience = 'contacts')) o,
       LATERAL (SELECT ARRAY(SELECT s.name FROM segments.segment s WHERE s.id = ANY (o.combination) ORDER BY s.name)) n(names)"""

STATISTICS = f"""
SELECT jsonb_agg(to_jsonb(s)) FROM segment_statistics('{SEGMENT}', '{{{",".join(PROPERTIES)}}}') s"""


@dataclass(frozen=True)
class Theme:
    """Colours that can be told apart by readers who do not see all colours, on the background of GitHub's pages."""

    suffix: str
    text: str
    muted: str
    faint: str
    accent: str
    contrast: str


LIGHT = Theme("", "#1f2328", "#59636e", "#d1d9e0", "#0969da", "#bc4c00")
DARK = Theme("-dark", "#f0f6fc", "#9198a1", "#3d444d", "#4493f8", "#f0883e")


def main() -> None:
    folder, psql = Path(sys.argv[1]), sys.argv[2:] or ["psql"]
    overlap, statistics = (ask(psql, query) for query in (OVERLAP, STATISTICS))
    for theme in (LIGHT, DARK):
        save(draw_overlap(overlap, theme), folder / f"overlap{theme.suffix}.svg")
        save(draw_statistics(statistics, theme), folder / f"statistics{theme.suffix}.svg")


def ask(psql: list[str], query: str) -> list[dict]:
    command = [*psql, "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", query]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def draw_overlap(combinations: list[dict], theme: Theme) -> plt.Figure:
    """A bar for each of the largest combinations, and below it a dot for each of its segments."""
    totals: dict[str, int] = {}
    for combination in combinations:
        for name in combination["segments"]:
            totals[name] = totals.get(name, 0) + combination["contacts"]
    names = sorted(totals, key=totals.get)
    shown = combinations[:12]

    figure = new_figure(theme, 9, 4.6)
    bars = figure.add_axes((0.40, 0.44, 0.58, 0.42))
    bars.bar(range(len(shown)), [c["contacts"] for c in shown], width=0.62, color=theme.accent)
    for place, combination in enumerate(shown):
        bars.annotate(f"{combination['contacts']:,}", (place, combination["contacts"]), (0, 4), textcoords="offset points", ha="center", size=9)
    bars.set(xlim=(-0.6, len(shown) - 0.4), xticks=[], yticks=[])
    figure.text(0.40, 0.93, "Contacts in exactly these segments", weight="bold", size=11)

    dots = figure.add_axes((0.40, 0.04, 0.58, 0.36))
    for row in range(0, len(names), 2):
        dots.axhspan(row - 0.5, row + 0.5, color=theme.faint, alpha=0.35, linewidth=0)
    for place, combination in enumerate(shown):
        rows = sorted(names.index(name) for name in combination["segments"])
        dots.plot([place] * len(names), range(len(names)), "o", color=theme.faint, markersize=8)
        dots.plot([place] * len(rows), rows, "o-", color=theme.accent, markersize=8, linewidth=2)
    dots.set(xlim=(-0.6, len(shown) - 0.4), ylim=(-0.5, len(names) - 0.5), xticks=[], yticks=[])

    members = figure.add_axes((0.02, 0.04, 0.37, 0.36))
    for row, name in enumerate(names):
        members.text(0.98, row, f"{name}  ", ha="right", va="center", size=10)
    members.set(xlim=(0, 1), ylim=(-0.5, len(names) - 0.5), xticks=[], yticks=[])
    return figure


def draw_statistics(statistics: list[dict], theme: Theme) -> plt.Figure:
    """For each property, its most frequent values as bars, or where its quantiles lie."""
    figure = new_figure(theme, 9, 5.8)
    places = {
        "tags": (0.11, 0.39, 0.36, 0.43),
        "plan": (0.11, 0.04, 0.36, 0.21),
        "lifetime_value": (0.60, 0.57, 0.37, 0.25),
        "last_purchase_date": (0.60, 0.10, 0.37, 0.25),
    }
    for row in statistics:
        axes = figure.add_axes(places[row["property"]])
        present = f"{row['present']:.0%} of members have it, {row['audience_present']:.0%} of all"
        axes.set_title(row["property"], loc="left", weight="bold", size=11, pad=22)
        axes.annotate(present, (0, 1), (0, 9), xycoords="axes fraction", textcoords="offset points", size=9, color=theme.muted)
        draw = draw_quantiles if "quantile" in row["member_values"][0] else draw_values
        draw(axes, row, theme)
    figure.text(0.02, 0.945, f"Members of “{SEGMENT}”", weight="bold", size=12, color=theme.accent)
    figure.text(0.285, 0.945, "beside all contacts", weight="bold", size=12, color=theme.contrast)
    return figure


def draw_values(axes: Axes, row: dict, theme: Theme) -> None:
    values = row["member_values"]
    for place, value in enumerate(values):
        share, of_all = value["share"], value["share"] / value["lift"]
        axes.barh(place, share, height=0.62, color=theme.accent, alpha=0.85)
        axes.plot([of_all, of_all], [place - 0.42, place + 0.42], color=theme.contrast, linewidth=2.5, solid_capstyle="butt")
        axes.annotate(f"{share:.0%}", (max(share, of_all), place), (6, 0), textcoords="offset points", va="center", size=9)
        is_telling = not 0.67 < value["lift"] < 1.5
        weight, colour = ("bold", theme.text) if is_telling else ("normal", theme.muted)
        axes.annotate(f"lift {value['lift']:.1f}", (1, place), xycoords=("axes fraction", "data"), ha="right", va="center", size=9, color=colour, weight=weight)
    axes.set(ylim=(len(values) - 0.5, -0.5), xlim=(0, 1.6 * max(value["share"] for value in values)), xticks=[])
    axes.set_yticks(range(len(values)), [value["value"] for value in values])


def draw_quantiles(axes: Axes, row: dict, theme: Theme) -> None:
    """From the first to the last tenth a line, the middle half thick, the median a dot."""
    number = (lambda value: date2num(date.fromisoformat(value))) if row["type"] == "date" else float
    for place, (values, colour) in enumerate(((row["member_values"], theme.accent), (row["audience_values"], theme.contrast))):
        at = {quantile["quantile"]: number(quantile["value"]) for quantile in values}
        median = next(quantile["value"] for quantile in values if quantile["quantile"] == 0.5)
        axes.plot([at[0.1], at[0.9]], [place, place], color=colour, linewidth=2, solid_capstyle="round")
        axes.plot([at[0.25], at[0.75]], [place, place], color=colour, linewidth=10, alpha=0.55, solid_capstyle="butt")
        axes.plot([at[0.5]], [place], "o", color=colour, markersize=8)
        axes.annotate(str(median), (at[0.5], place), (0, 11), textcoords="offset points", ha="center", size=9)
    axes.set(ylim=(1.6, -0.6))
    axes.set_yticks([0, 1], ["members", "all"])
    axes.spines["bottom"].set_visible(True)
    axes.tick_params(axis="x", length=3, color=theme.muted, labelcolor=theme.muted)
    if row["type"] == "date":
        axes.xaxis.set_major_locator(YearLocator())
        axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%Y"))
    else:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.minorticks_off()


def new_figure(theme: Theme, width: float, height: float) -> plt.Figure:
    """Places are given as shares of the figure, so that they do not depend on how wide a text is."""
    plt.rcParams.update({
        "svg.fonttype": "none", "svg.hashsalt": "segments", "font.size": 10,
        "text.color": theme.text, "xtick.color": theme.text, "ytick.color": theme.text, "axes.edgecolor": theme.faint, "axes.facecolor": "none",
        "axes.spines.left": False, "axes.spines.right": False, "axes.spines.top": False, "axes.spines.bottom": False,
        "xtick.bottom": True, "ytick.left": False,
    })
    return plt.figure(figsize=(width, height), facecolor="none")


def save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    # The reader's own font rather than matplotlib's.
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif", path.read_text())
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


if __name__ == "__main__":
    main()
