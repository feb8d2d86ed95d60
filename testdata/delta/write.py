"""Writes a small Delta table with the `deltalake` package, as another writer would.

    python write.py          needs deltalake and pyarrow

Version 0 has the messages of two days, partitioned by day; version 1 adds a third day; version 2 removes every message of
the site `gone`, which rewrites a file and leaves the old one lying there. `expected.csv` has the rows of each version.
"""

import csv
import json
import shutil
from datetime import date, datetime, timezone
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

HERE = Path(__file__).parent
TABLE = HERE / "messages"
# When each version says that it was committed.
COMMITTED = ["2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z"]


def messages(day, sites):
    rows = [
        {
            "site_id": site,
            "conversation_id": f"c{n}",
            "sent_at": datetime(2026, 10, day, 12, n, tzinfo=timezone.utc),
            "sent_by": ["consumer", "agent", "bot"][n],
            "price": None if n == 0 else pa.scalar(f"0.{n}0", pa.string()).as_py(),
            "day": date(2026, 10, day),
        }
        for site in sites
        for n in range(3)
    ]
    table = pa.Table.from_pylist(rows)
    price = table["price"].cast(pa.decimal128(10, 2))
    table = table.set_column(table.schema.get_field_index("price"), "price", price)
    return table.cast(table.schema.set(table.schema.get_field_index("sent_at"), pa.field("sent_at", pa.timestamp("us", "UTC"))))


shutil.rmtree(TABLE, ignore_errors=True)
first = pa.concat_tables([messages(29, ["007", "gone"]), messages(30, ["007"])])
write_deltalake(TABLE, first, partition_by=["day"])
write_deltalake(TABLE, messages(31, ["007", "008"]), mode="append")
DeltaTable(TABLE).delete("site_id = 'gone'")

# The log gets fixed times, so that a run on another day writes the same table.
for version, committed in enumerate(COMMITTED):
    log = TABLE / "_delta_log" / f"{version:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "commitInfo" in action:
            moment = datetime.fromisoformat(committed.replace("Z", "+00:00"))
            action["commitInfo"]["timestamp"] = int(moment.timestamp() * 1000)
    log.write_text("".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions))

with open(HERE / "expected.csv", "w", newline="", encoding="utf-8") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["version", "site_id", "day", "messages"])
    for version in range(3):
        counts = {}
        for row in DeltaTable(TABLE, version=version).to_pyarrow_table().to_pylist():
            key = row["site_id"], row["day"].isoformat()
            counts[key] = counts.get(key, 0) + 1
        out.writerows([version, *key, count] for key, count in sorted(counts.items()))
