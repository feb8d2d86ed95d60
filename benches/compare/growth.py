"""Time and memory as the data grow, as a table and a plot.

    python growth.py FOLDER [--sizes 2M,20M,200M] [--runs 3] [--memory-limit 512M] [--plot growth.svg]

FOLDER gets a generated year of each size (once). Cases are those of `queries.py`; each run is a process of its own.
"""

import argparse
import os
import pathlib
import statistics
import subprocess

import queries
from compare import ROOT, command, measured

CASES = ["credits, conversation", "credits, consumer", "invoice of the year"]


def messages(size):
    """How many messages `2M` is."""
    return int(size.removesuffix("M")) * 1_000_000


def table(results, sizes):
    """The measured medians as Markdown."""
    lines = ["| | " + " | ".join(f"{size} messages" for size in sizes) + " |", "|---|" + "---|" * len(sizes)]
    for case, taken in results.items():
        cells = [f"{taken[size][0]:.2f} s, {taken[size][1]:,.0f} MiB" for size in sizes]
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plot(results, sizes, path):
    """Seconds above, memory below, both axes by powers of ten, so that cost in step with the data is a straight line."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "dayrate"
    from matplotlib import pyplot

    figure, sides = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    counts = [messages(size) for size in sizes]
    for side, place, label in zip(sides, (0, 1), ("wall time, s", "peak memory, MiB")):
        for case, taken in results.items():
            side.plot(counts, [taken[size][place] for size in sizes], marker="o", label=case)
        side.set(xscale="log", yscale="log", xlabel="messages", ylabel=label)
        side.grid(True, which="major", alpha=0.3)
    sides[0].legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--sizes", default="2M,20M,200M")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cases", default=";".join(CASES), help="separated by semicolons")
    parser.add_argument("--memory-limit", help="as the option of dayrate")
    parser.add_argument("--plot")
    given = parser.parse_args()
    tool = os.environ.get("DAYRATE", str(ROOT / "target/release/dayrate"))
    sizes, results = given.sizes.split(","), {}
    for size in sizes:
        data = pathlib.Path(given.folder).resolve() / size
        if not data.exists():
            subprocess.run([tool, "generate", "--messages", size, "--out", str(data)], check=True)
        for case in given.cases.split(";"):
            out = f"{data}.out"
            process = command("dayrate", case, str(data), out)
            if given.memory_limit:
                process[1:1] = ["--memory-limit", given.memory_limit]
            taken = [measured(process) for _ in range(given.runs)]
            results.setdefault(case, {})[size] = tuple(statistics.median(column) for column in zip(*taken))
            print(f"{case}, {size}: {results[case][size]}", flush=True)
            for left in (out, f"{out}.parquet"):
                pathlib.Path(left).unlink(missing_ok=True)
    print(table(results, sizes))
    if given.plot:
        plot(results, sizes, given.plot)


if __name__ == "__main__":
    main()
