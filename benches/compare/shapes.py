"""What a message costs in data of other shapes, in processes of dayrate, next to the base case of the same round.

    python shapes.py DATA WORK [--runs 3] [--shapes base,one_file]

DATA is a folder made by `dayrate generate`; WORK is where the shapes are written (once). Every shape holds as many
messages as DATA, apart from those that say otherwise, and the ratio is one of seconds per message.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

from compare import ROOT, measured

SQL = (
    "SELECT org_id, date_trunc('month', day)::DATE AS month, count(*) AS dars, sum(credits) AS credits "
    "FROM rated_dars(relationship => '{relationship}') GROUP BY 1, 2 ORDER BY 1, 2"
)

# What becomes of a message, as the columns to replace, and the order of the rows ("" leaves that of the files).
SHAPES = {
    "base": ("", ""),
    "one site has 90 % of the messages": ("CASE WHEN hash(conversation_id) % 10 > 0 THEN 'site-001' ELSE site_id END AS site_id", ""),
    "a million sites": ("'site-' || lpad((hash(conversation_id) % 1000000)::VARCHAR, 7, '0') AS site_id", ""),
    "conversations of one message": ("uuid()::VARCHAR AS conversation_id, NULL::VARCHAR AS consumer_id", ""),
    "half of the messages in one conversation": (
        "CASE WHEN hash(message_id) % 2 = 0 THEN 'the-one' ELSE conversation_id END AS conversation_id, "
        "CASE WHEN hash(message_id) % 2 = 0 THEN 'site-001' ELSE site_id END AS site_id",
        "",
    ),
    "10,000 files": ("", ""),
    "one file with one row group": ("", ""),
    "ids are integers": ("(hash(conversation_id) >> 1)::BIGINT AS conversation_id, (hash(consumer_id) >> 1)::BIGINT AS consumer_id", ""),
    "ids of 200 letters": ("repeat(conversation_id, 6)[:200] AS conversation_id, repeat(consumer_id, 6)[:200] AS consumer_id", ""),
    "rows in no order": ("", "ORDER BY hash(message_id)"),
}


def written(shape, data, work):
    """The configuration of a shape, whose messages are written if they are not there yet."""
    folder = pathlib.Path(work) / shape.replace(" ", "_").replace(",", "").replace("%", "percent")
    if shape == "base":
        return f"{data}/dayrate.toml"
    config = folder / "dayrate.toml"
    if config.exists():
        return str(config)
    messages = folder / "messages"
    messages.mkdir(parents=True, exist_ok=True)
    replaced, order = SHAPES[shape]
    replace = f"REPLACE ({replaced})" if replaced else ""
    rows = f"SELECT * {replace} FROM read_parquet('{data}/messages/**/*.parquet', hive_partitioning = false) {order}"
    import duckdb

    db = duckdb.connect()
    db.execute("SET preserve_insertion_order = true; SET TimeZone = 'UTC'")
    if shape == "10,000 files":
        count = db.sql(f"SELECT count(*) FROM ({rows})").fetchall()[0][0]
        reader = db.sql(rows).to_arrow_reader(-(-count // 10_000))
        import pyarrow.parquet

        for number, batch in enumerate(reader):
            pyarrow.parquet.write_table(pyarrow.Table.from_batches([batch]), messages / f"{number:05}.parquet", compression="zstd")
    else:
        group = 1_000_000_000 if shape == "one file with one row group" else 122_880
        db.execute(f"COPY ({rows}) TO '{messages}/all.parquet' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {group})")
    sites = f"{data}/sites.parquet"
    if shape == "a million sites":
        sites = f"{folder}/sites.parquet"
        db.execute(
            "COPY (SELECT 'site-' || lpad(n::VARCHAR, 7, '0') AS site_id, 'org-' || lpad((n % 50)::VARCHAR, 3, '0') AS org_id, "
            "CASE n % 3 WHEN 0 THEN 'America/New_York' WHEN 1 THEN 'Europe/Rome' ELSE 'Asia/Tokyo' END AS time_zone "
            f"FROM range(1000000) AS t(n)) TO '{sites}' (FORMAT parquet)"
        )
    config.write_text(
        f'[relations]\nmessages = "messages"\nsites = "{sites}"\n'
        f'feature_periods = "{data}/feature_periods.parquet"\ncontracts = "{data}/contracts.parquet"\n'
    )
    return str(config)


def configuration(shape, data, work):
    """As `written`, in a process of its own: a child begins with the memory of its parent, and would be charged for it."""
    asked = [sys.executable, __file__, "--write", shape, data, work]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def main():
    if sys.argv[1:2] == ["--write"]:
        print(written(*sys.argv[2:]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("work")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--shapes", default=";".join(SHAPES), help="separated by semicolons")
    given = parser.parse_args()
    data, work = (str(pathlib.Path(folder).resolve()) for folder in (given.data, given.work))
    tool = os.environ.get("DAYRATE", str(ROOT / "target/release/dayrate"))
    for relationship in ("conversation", "consumer"):
        processes = {
            shape: [tool, "--config", configuration(shape, data, work), "--threads", "2", "-o", "/dev/null", "--format", "csv", "-c",
                    SQL.format(relationship=relationship)]
            for shape in given.shapes.split(";")
        }
        runs = {shape: [] for shape in processes}
        for _ in range(given.runs):
            for shape, process in processes.items():
                runs[shape].append(measured(process))
        print(f"\ncredits, {relationship}")
        for shape, taken in runs.items():
            seconds, memory = (statistics.median(column) for column in zip(*taken))
            ratio = statistics.median(mine / base for (mine, _), (base, _) in zip(taken, runs["base"])) if "base" in runs else 0
            print(f"  {shape:<42} {seconds:7.2f} s  {memory:6.0f} MiB  {ratio:5.2f} times the base case", flush=True)


if __name__ == "__main__":
    main()
