"""Draws one chart: `python draw.py FILE.png < chart.json`, in the environment that has matplotlib.

A chart has `kind`, `title`, `panels` and a `note` below. `bars`: horizontal ones, panels side by side on one
scale; a panel has `title` and `bars` of `label`, `value`, `text` and `tone` (`ours`, `part` of ours or
`other`). `curves`: a panel has `title`, `y`, `log` and `lines` of `label`, `points`, `steps` and `ours`;
`columns` panels stand in a row, and `x` names what they share. Knows nothing of what is drawn.
"""

import json
import sys
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import MaxNLocator, ScalarFormatter

DPI = 100
WIDTH = 9.0  # inches: 900 pixels
INK, FAINT, GREY, OURS = "#1f2328", "#57606a", "#d0d7de", "#0b6e4f"
TONES = {"ours": OURS, "part": "#8fc1ad", "other": "#9aa7b4"}
HUES = ("#9aa7b4", "#c58a3d", "#5b7fb5", "#a4607a", "#6f7d4f", "#8064a2")
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": GREY, "axes.titlesize": 10.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "grid.color": GREY, "grid.linewidth": 0.6,
}  # fmt: skip


def bars(chart: dict[str, Any]) -> Any:
    panels = chart["panels"]
    rows = max(len(panel["bars"]) for panel in panels)
    most = max(bar["value"] for panel in panels for bar in panel["bars"])
    size = (WIDTH, 1.2 + 0.29 * rows)
    figure, axes = pyplot.subplots(1, len(panels), figsize=size, sharey=True, squeeze=False)
    for axis, panel in zip(axes[0], panels, strict=True):
        shown = panel["bars"]
        colours = [TONES[bar["tone"]] for bar in shown]
        axis.barh(
            [bar["label"] for bar in shown], [bar["value"] for bar in shown], color=colours, height=0.68
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        for row, bar in enumerate(shown):
            axis.annotate(
                bar["text"], (bar["value"], row), xytext=(5, 0), textcoords="offset points", va="center",
                fontsize=9, bbox=box, fontweight="bold" if bar["tone"] == "ours" else "normal",
            )  # fmt: skip
            if bar["tone"] == "ours":  # what the others are to be seen beside
                axis.axvline(bar["value"], color=OURS, linewidth=0.8, linestyle=(0, (2, 3)), zorder=0)
        axis.set_title(panel["title"])
        axis.set_xlim(0, most * 1.15)
        axis.xaxis.set_visible(False)
        axis.spines["bottom"].set_visible(False)
        axis.tick_params(axis="y", length=0)
    axes[0][0].invert_yaxis()
    for label, bar in zip(axes[0][0].get_yticklabels(), panels[0]["bars"], strict=True):
        label.set_fontweight("bold" if bar["tone"] == "ours" else "normal")
    return figure


def curves(chart: dict[str, Any]) -> Any:
    panels, columns = chart["panels"], chart["columns"]
    rows = -(-len(panels) // columns)
    size = (WIDTH, 0.7 + 2.3 * rows)
    figure, axes = pyplot.subplots(rows, columns, figsize=size, sharex="col", squeeze=False)
    for number, panel in enumerate(panels):
        axis = axes[number // columns][number % columns]
        hues = iter(HUES * len(panel["lines"]))
        for line in panel["lines"]:
            colour = OURS if line["ours"] else next(hues)
            wide, order = (2.2, 3) if line["ours"] else (1.2, 2)
            style = "steps-post" if line.get("steps") else "default"
            axis.plot(
                *zip(*line["points"], strict=True), label=line["label"], color=colour, linewidth=wide,
                zorder=order, drawstyle=style,
            )  # fmt: skip
        axis.set_title(panel["title"])
        axis.grid(axis="y")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        if panel.get("log"):
            axis.set_yscale("log", base=2)
            axis.yaxis.set_major_formatter(ScalarFormatter())
        else:
            axis.set_ylim(bottom=0)
        if panel.get("y"):
            axis.set_ylabel(panel["y"])
        if number // columns == rows - 1:
            axis.set_xlabel(chart["x"])
        if len(panel["lines"]) > 1:
            axis.legend(fontsize=8, frameon=False, ncols=2 if len(panel["lines"]) > 3 else 1)
    return figure


def main(file: str) -> None:
    chart = json.load(sys.stdin)
    pyplot.rcParams.update(STYLE)
    figure = {"bars": bars, "curves": curves}[chart["kind"]](chart)
    figure.suptitle(chart["title"], x=0.012, ha="left", fontsize=11.5, fontweight="bold")
    if chart.get("note"):
        figure.text(0.012, 0.012, chart["note"], fontsize=8, color=FAINT, ha="left", va="bottom")
    figure.tight_layout(rect=(0, 0.04 if chart.get("note") else 0, 1, 1))
    figure.savefig(
        file, dpi=DPI, facecolor="white", pil_kwargs={"optimize": True}, metadata={"Software": None}
    )


if __name__ == "__main__":
    main(sys.argv[1])
