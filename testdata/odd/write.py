"""Makes the Parquet relations of this folder from the CSV files beside it.

    python write.py          needs pyarrow

sent_at has nanoseconds, because one case lies a single nanosecond before midnight.
"""

import csv
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
INSTANT = pa.timestamp("us", tz="UTC")
MESSAGES = {"sent_at": pa.timestamp("ns", tz="UTC"), "intent_analyzer": pa.bool_()}
SITES = {"valid_from": INSTANT, "valid_to": INSTANT, "is_test": pa.bool_()}
SWITCHES = {"enabled_from": INSTANT, "enabled_to": INSTANT}


def nanoseconds(text):
    """'2025-03-10T03:59:59.999999999Z' as nanoseconds since 1970."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0") or 0)


def value(text, kind):
    if text == "":
        return None
    if pa.types.is_timestamp(kind):
        return nanoseconds(text) // (1 if kind.unit == "ns" else 1000)
    return text == "true" if pa.types.is_boolean(kind) else text


def read(name):
    with open(HERE / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def table(rows, kinds):
    """Rows of text as a table: columns are text unless `kinds` says otherwise."""
    columns = {}
    for name in rows[0]:
        kind = kinds.get(name, pa.string())
        columns[name] = pa.array([value(row[name], kind) for row in rows], kind)
    return pa.table(columns)


def write(name, relation):
    pq.write_table(relation, HERE / name, compression="zstd", store_schema=False)


def case_15():
    """200 messages of one consumer on one day, a minute apart, in turns."""
    for minute in range(200):
        sender = "agent" if minute % 2 else "consumer"
        at = f"2025-06-02T{8 + minute // 60:02}:{minute % 60:02}:00Z"
        yield {"site_id": "case-15", "conversation_id": "c15", "sent_at": at, "sent_by": sender,
               "consumer_id": "u15", "message_id": str(minute + 1), "audience": "ALL", "channel": "WEB",
               "intent_analyzer": "", "queue": "support"}


messages = table(read("messages.csv") + list(case_15()), MESSAGES)
sites = read("sites.csv")
write("messages.parquet", messages)
write("rejected.parquet", table(read("rejected.csv"), MESSAGES))
write("sites.parquet", table(sites, SITES))
write("feature_periods.parquet", table(read("feature_periods.csv"), SWITCHES))

# Inputs that must end in an error: each is right but for one thing.
naive = messages.column("sent_at").cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.timestamp("us"))
write("messages_without_zone.parquet", messages.set_column(2, "sent_at", naive))
for name, wrong in {
    "misspelt_zone": {"time_zone": "Europe/Roma"},
    "null_zone": {"time_zone": ""},
    "offset_zone": {"time_zone": "+02:00"},
    "empty_range": {"valid_from": "2025-01-01T00:00:00Z", "valid_to": "2025-01-01T00:00:00Z"},
}.items():
    changed = [row | wrong if row["site_id"] == "case-16" else row for row in sites]
    write(f"sites_{name}.parquet", table(changed, SITES))
overlap = {"site_id": "case-30", "org_id": "odd", "time_zone": "Asia/Seoul",
           "valid_from": "2025-06-01T00:00:00Z", "valid_to": "2025-06-02T00:00:00Z", "is_test": ""}
write("sites_overlap.parquet", table(sites + [overlap], SITES))
