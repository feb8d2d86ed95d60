"""Writes the same 500 messages as different tools write them.

    python write.py          needs pyarrow, duckdb and polars

All files hold the same rows in the same order; what differs is the encoding of text and the unit and zone label of
`sent_at`, or the format of the file. `expected.csv` counts their DARs with Python's own zone data.
"""

import csv
import gzip
import io
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq

HERE = Path(__file__).parent
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# Site, zone, and a local midnight around which its messages lie: clock changes and uneven offsets among them.
SITES = [
    ("site-a", "America/New_York", "2025-03-09T05:00:00Z"),
    ("site-b", "Europe/Rome", "2025-10-25T22:00:00Z"),
    ("site-c", "Asia/Kathmandu", "2025-05-31T18:15:00Z"),
    ("site-d", "Pacific/Apia", "2025-06-01T11:00:00Z"),
    ("site-e", "America/St_Johns", "2025-11-02T02:30:00Z"),
]
CHANNELS = ["WEB", "APP", "SMS", "WHATSAPP", None]
# Milliseconds from midnight: on it, just beside it, and hours away.
AROUND = [0, -1, 1, -999, 1000, -3_600_000, 3_600_000, -40_000_000, 40_000_000, 86_399_999, 86_400_000, -86_400_000]


def rows():
    """The messages, by arithmetic alone: every run of every Python gives the same."""
    for n in range(500):
        site, _, midnight = SITES[n % 5]
        conversation = n * 7 % 60
        sender = ["consumer", "agent", "bot", "consumer", "agent", "system"][n * 11 // 5 % 6]
        note = sender == "agent" and n % 9 == 0
        # Every third conversation names its consumer on the consumer's own rows only.
        named = sender == "consumer" or conversation % 3 != 0
        at = datetime.fromisoformat(midnight.replace("Z", "+00:00")) + timedelta(milliseconds=AROUND[(n * 5 // 3 + n // 60) % 12])
        yield {
            "site_id": site,
            "conversation_id": f"conversation-{conversation:02}",
            "sent_at": (at - EPOCH) // timedelta(milliseconds=1),
            "sent_by": sender,
            "consumer_id": f"consumer-{conversation % 17:02}" if named else None,
            "message_id": f"{n:03}",
            "audience": "AGENTS_AND_MANAGERS" if note else "ALL",
            "channel": CHANNELS[conversation % 5],
            "intent_analyzer": [True, False, None][conversation % 3],
        }


def table(text=pa.string(), unit="us", zone="UTC"):
    """The messages with this type for text and this unit and zone label for instants."""
    all_rows = list(rows())
    per_milli = {"ms": 1, "us": 1000, "ns": 1_000_000}[unit]
    columns = {name: [row[name] for row in all_rows] for name in all_rows[0]}
    columns["sent_at"] = pa.array([at * per_milli for at in columns["sent_at"]], pa.timestamp(unit, tz=zone))
    columns["intent_analyzer"] = pa.array(columns["intent_analyzer"], pa.bool_())
    for name, values in columns.items():
        if isinstance(values, list):
            plain = pa.array(values, pa.string())
            columns[name] = plain.dictionary_encode() if text == "dictionary" else plain.cast(text)
    return pa.table(columns)


def write_duckdb(relation, file):
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("relation", relation)
    connection.execute(f"COPY (SELECT * FROM relation) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


def write_pyarrow(**options):
    return lambda relation, file: pq.write_table(relation, file, **options)


# Name: the messages as that tool holds them, and how it writes them.
WRITERS = {
    "plain": (table(), write_pyarrow(store_schema=False, compression="zstd")),
    "pyarrow_dictionary_ms": (table("dictionary", "ms"), write_pyarrow()),
    "pyarrow_large_us_rome": (table(pa.large_string(), "us", "Europe/Rome"), write_pyarrow(use_dictionary=False)),
    "pyarrow_view_ns_offset": (table(pa.string_view(), "ns", "+05:45"), write_pyarrow(data_page_version="2.0")),
    "nanoseconds": (table(unit="ns"), write_pyarrow(store_schema=False, compression="gzip")),
    "spark_int96": (table(), write_pyarrow(use_deprecated_int96_timestamps=True, flavor="spark", store_schema=False)),
    "duckdb": (table(), write_duckdb),
}

for name, (relation, write) in WRITERS.items():
    write(relation, HERE / f"{name}.parquet")


def write_duckdb_csv(relation, file):
    connection = duckdb.connect()
    connection.execute("SET threads = 1; SET timezone = 'Asia/Kathmandu'")
    connection.register("relation", relation)
    connection.execute(f"COPY (SELECT * FROM relation) TO '{file}' (FORMAT csv, HEADER, COMPRESSION gzip)")


def write_polars_ndjson(relation, file):
    out = io.BytesIO()
    pl.from_arrow(relation).write_ndjson(out)
    file.write_bytes(gzip.compress(out.getvalue(), mtime=0))


def write_pyarrow_csv(relation, file):
    with pa.output_stream(str(file), compression="zstd") as out:
        pyarrow.csv.write_csv(relation, out)


# The same as rows: text of three tools, and the Arrow file and stream.
ROWS = {
    "duckdb.csv.gz": (table(), write_duckdb_csv),
    "pyarrow.csv.zst": (table(unit="ms"), write_pyarrow_csv),
    "polars.ndjson.gz": (table(unit="us"), write_polars_ndjson),
    "pyarrow.arrow": (table("dictionary", "ms"), lambda relation, file: pyarrow.feather.write_feather(relation, file, compression="lz4")),
    "polars.arrows": (table(unit="ns"), lambda relation, file: pl.from_arrow(relation).write_ipc_stream(file, compression="zstd")),
}
for name, (relation, write) in ROWS.items():
    write(relation, HERE / name)

# One folder, one relation, several writers: each has a hundred rows.
MIXED = ["plain", "pyarrow_dictionary_ms", "pyarrow_large_us_rome", "nanoseconds", "duckdb"]
for folder, names in {"mixed": MIXED, "mixed_int96": MIXED[:-1] + ["spark_int96"]}.items():
    (HERE / folder).mkdir(exist_ok=True)
    for part, name in enumerate(names):
        relation, write = WRITERS[name]
        write(relation.slice(part * 100, 100), HERE / folder / f"part-{part}-{name}.parquet")

pq.write_table(
    pa.table({"site_id": [site[0] for site in SITES], "org_id": ["org"] * 5, "time_zone": [site[1] for site in SITES]}),
    HERE / "sites.parquet", store_schema=False, compression="zstd")

# The DARs: billable rows by site, relationship and local day.
ZONES = {site: ZoneInfo(zone) for site, zone, _ in SITES}
billable, consumers = [], {}
for row in rows():
    if row["sent_by"] != "system" and row["audience"] == "ALL":
        row["day"] = (EPOCH + timedelta(milliseconds=row["sent_at"])).astimezone(ZONES[row["site_id"]]).date()
        row["place"] = (row["site_id"], row["conversation_id"], row["day"])
        billable.append(row)
        if row["consumer_id"]:
            consumers[row["place"]] = min(row["consumer_id"], consumers.get(row["place"], row["consumer_id"]))
dars = Counter()
for row in billable:
    consumer = row["consumer_id"] or consumers.get(row["place"])
    dars[row["site_id"], row["day"].isoformat(), consumer or "", "" if consumer else row["conversation_id"]] += 1
with open(HERE / "expected.csv", "w", newline="", encoding="utf-8") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["site_id", "day", "consumer_id", "conversation_id", "messages"])
    out.writerows([*key, count] for key, count in sorted(dars.items()))
