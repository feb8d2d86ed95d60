"""dayrate beside its peers: the same files, the same question, the same two threads, one after the other, several times.

    python compare.py DATA [--runs 5] [--engines dayrate,duckdb] [--cases "credits, consumer"] [--json FILE]

DATA is a folder made by `dayrate generate`. Each run is a process of its own; its wall time and its largest memory are
the system's word. Every answer is compared with dayrate's. Printed are medians, ratios of runs of one round, and the
ratio to the floor: a program that only decodes the columns of the case.
"""

import argparse
import csv
import datetime
import decimal
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import queries

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINES = ["dayrate", "duckdb", "chdb", "polars", "datafusion", "floor"]
PEERS = {"duckdb": queries.DUCKDB, "chdb": queries.CHDB, "datafusion": queries.DATAFUSION}
POLARS = ["credits, conversation"]


def command(engine, case, data, out):
    """The process that answers a case; None where the engine has no such case."""
    if engine == "dayrate":
        tool = os.environ.get("DAYRATE", str(ROOT / "target/release/dayrate"))
        process = [tool, "--config", f"{data}/dayrate.toml", "--threads", "2"]
        writes_itself = "{out}" in queries.DAYRATE[case]
        if not writes_itself:
            process += ["--format", "csv", "-o", out]
        return [*process, "-c", queries.DAYRATE[case].replace("{out}", f"{out}.parquet")]
    if engine == "floor":
        floor = os.environ.get("FLOOR", str(ROOT / "target/release/examples/floor"))
        return [floor, "2", queries.COLUMNS[case], f"{data}/messages"] if case in queries.COLUMNS else None
    if engine == "polars":
        return [sys.executable, __file__, "--run", "polars", case, data, out] if case in POLARS else None
    return [sys.executable, __file__, "--run", engine, case, data, out] if case in PEERS[engine] else None


def measured(process):
    """Seconds and largest memory in MiB of a process."""
    start = time.monotonic()
    child = subprocess.Popen(process, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{process}: {error.decode()[-800:]}")
    return seconds, usage.ru_maxrss / 1024


def answer(path):
    """The rows of a result, as one form: decimals without trailing zeros, days without times, NULL as nothing."""

    def cell(text):
        if text == r"\N":  # NULL, as ClickHouse writes it
            return ""
        text = text.removesuffix(" 00:00:00").removesuffix("T00:00:00")
        try:
            return str(decimal.Decimal(text).normalize())
        except decimal.InvalidOperation:
            return text

    with open(path, newline="") as lines:
        rows = list(csv.reader(lines))[1:]
    return sorted([cell(text) for text in row] for row in rows)


def same_parquet(one, other):
    """Whether two Parquet files hold the same rows, in any order, by columns of one name."""
    import duckdb

    names = [row[0] for row in duckdb.sql(f"DESCRIBE FROM '{other}'").fetchall()]
    columns = ", ".join(names)
    sides = [f"SELECT {columns} FROM '{path}'" for path in (one, other)]
    differ = duckdb.sql(f"SELECT count(*) FROM (({sides[0]} EXCEPT ALL {sides[1]}) UNION ALL ({sides[1]} EXCEPT ALL {sides[0]}))")
    return differ.fetchall()[0][0] == 0


def run(engine, case, data, out):
    """A peer at work, in its own process."""
    messages = f"{data}/messages/**/*.parquet"
    if engine == "duckdb":
        import duckdb

        duckdb.sql("SET threads = 2; SET TimeZone = 'UTC'")
        sql = queries.DUCKDB[case].replace("{messages}", messages).replace("{folder}", data).replace("{out}", f"{out}.parquet")
        if "{out}" in queries.DUCKDB[case]:
            duckdb.execute(sql)
        else:
            duckdb.sql(sql).write_csv(out)
    elif engine == "chdb":
        import chdb

        sql = queries.CHDB[case].replace("{messages}", messages).replace("{folder}", data)
        text = chdb.query(sql + " SETTINGS max_threads = 2, session_timezone = 'UTC'", "CSVWithNames")
        pathlib.Path(out).write_bytes(text.bytes())
    elif engine == "datafusion":
        import datafusion

        ctx = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(2))
        ctx.register_parquet("messages", f"{data}/messages")
        for name in ("sites", "feature_periods", "contracts"):
            ctx.register_parquet(name, f"{data}/{name}.parquet")
        ctx.sql(queries.DATAFUSION[case]).to_pandas().to_csv(out, index=False)
    elif engine == "polars":
        polars_credits(messages, data).write_csv(out)


def polars_credits(messages, data):
    """Credits by organization and month, by conversation, as lazy frames on the streaming engine.

    Polars dates a column in one zone at a time, so each zone is a branch of its own.
    """
    os.environ["POLARS_MAX_THREADS"] = "2"
    import polars as pl

    sites = pl.read_parquet(f"{data}/sites.parquet").filter(~pl.col("is_test").fill_null(False))
    features = pl.read_parquet(f"{data}/feature_periods.parquet")
    far = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)
    ever = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    read = pl.scan_parquet(messages, hive_partitioning=False).filter(
        pl.col("sent_by").str.to_lowercase().is_in(["consumer", "agent", "human", "bot"]),
        pl.col("audience").str.to_uppercase().fill_null("ALL") == "ALL",
    )
    branches = []
    for row in sites.iter_rows(named=True):
        row["gen_ai"] = features.filter(pl.col("feature") == "gen_ai", pl.col("org_id") == row["org_id"])
        row["ia"] = features.filter(
            pl.col("feature") == "intent_analyzer", pl.col("org_id") == row["org_id"],
            pl.col("site_id").is_null() | (pl.col("site_id") == row["site_id"]),
        )
        branches.append(row)
    at = pl.col("sent_at")

    def within(periods):
        on = pl.lit(False)
        for period in periods.iter_rows(named=True):
            on = on | ((at >= period["enabled_from"]) & (at < (period["enabled_to"] or far)))
        return on

    def switches(kind):
        when = pl.lit(False)
        for row in branches:
            if row[kind].height:
                when = pl.when(pl.col("site_id") == row["site_id"]).then(within(row[kind])).otherwise(when)
        return when

    zones = sites.select("site_id", "org_id", "time_zone", pl.col("valid_from").fill_null(ever), pl.col("valid_to").fill_null(far))
    joined = read.join(zones.lazy(), on="site_id").filter(at >= pl.col("valid_from"), at < pl.col("valid_to"))
    day = pl.lit(None, dtype=pl.Date)
    for zone in sites["time_zone"].unique():
        day = pl.when(pl.col("time_zone") == zone).then(at.dt.convert_time_zone(zone).dt.date()).otherwise(day)
    dars = (
        joined.select(
            "site_id", "conversation_id", "org_id", "sent_at", day.alias("day"), switches("gen_ai").alias("gen_ai"),
            pl.coalesce(pl.col("intent_analyzer"), switches("ia")).alias("ia"),
        )
        .group_by("site_id", "conversation_id", "day")
        .agg(pl.col("org_id").sort_by("sent_at").first(), pl.col("gen_ai").any(), pl.col("ia").any())
    )
    terms = pl.scan_parquet(f"{data}/contracts.parquet").filter(pl.col("scenario").is_null())
    modes = terms.filter(pl.col("surcharge_mode") == "multiply").select("org_id", "term_start", "term_end").collect()
    multiply = pl.lit(False)
    for row in modes.iter_rows(named=True):
        multiply = multiply | ((pl.col("org_id") == row["org_id"]) & (pl.col("day") >= row["term_start"]) & (pl.col("day") < row["term_end"]))
    # Credits in tenths of a hundredth, whole numbers: the rates of the data are the published ones.
    gen_ai, ia = pl.when("gen_ai").then(15).otherwise(10), pl.when("ia").then(2).otherwise(0)
    credits = pl.when(multiply).then((10 + ia) * gen_ai).otherwise(gen_ai * 10 + ia * 10)
    return (
        dars.with_columns(credits.alias("credits"), pl.col("day").dt.truncate("1mo").alias("month"))
        .group_by("org_id", "month")
        .agg(pl.len().alias("dars"), pl.col("credits").sum().cast(pl.Decimal(20, 2)) / pl.lit(100).cast(pl.Decimal(5, 0)))
        .sort("org_id", "month")
        .collect(engine="streaming")
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--cases", default=";".join(queries.DAYRATE), help="separated by semicolons")
    parser.add_argument("--json")
    given = parser.parse_args()
    data = str(pathlib.Path(given.data).resolve())
    results = {}
    for case in given.cases.split(";"):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            processes = {}
            for engine in given.engines.split(","):
                process = command(engine, case, data, f"{folder}/{engine}.csv")
                if process is not None:
                    processes[engine] = process
            runs = {engine: [] for engine in processes}
            for _ in range(given.runs):
                for engine, process in processes.items():
                    runs[engine].append(measured(process))
            print(f"\n{case}")
            for engine, taken in runs.items():
                seconds = statistics.median(second for second, _ in taken)
                memory = statistics.median(memory for _, memory in taken)
                line = f"  {engine:<11} {seconds:8.2f} s  {memory:7.0f} MiB"
                if engine != "dayrate" and "dayrate" in runs:
                    ratio = statistics.median(theirs / ours for (theirs, _), (ours, _) in zip(taken, runs["dayrate"]))
                    line += f"  {ratio:6.2f} times dayrate's time"
                    line += agreement(engine, case, folder) if engine != "floor" else ""
                print(line, flush=True)
                results.setdefault(case, {})[engine] = {"seconds": [s for s, _ in taken], "mebibytes": [m for _, m in taken]}
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(results, indent=1))


def agreement(engine, case, folder):
    """Whether the answers are the same, and why not where that is known."""
    ours, theirs = (f"{folder}/{name}.csv" for name in ("dayrate", engine))
    if os.path.exists(f"{theirs}.parquet"):
        # In a process of its own: a child begins with the memory of its parent, and would be charged for it.
        asked = [sys.executable, __file__, "--same", f"{ours}.parquet", f"{theirs}.parquet"]
        same = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip() == "True"
    else:
        same = answer(ours) == answer(theirs)
    if same:
        return ", same answer"
    return f", ANOTHER ANSWER: {queries.DIFFERS.get((engine, case), 'unexplained')}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*sys.argv[2:])
    elif sys.argv[1:2] == ["--same"]:
        print(same_parquet(*sys.argv[2:]))
    else:
        main()
