"""Writes small Delta tables as other writers leave them: rows deleted by a vector, columns renamed.

    python write.py          needs pyarrow

The `deltalake` package writes neither, so their logs are written here by hand, as the protocol has them. Each table holds
the messages c0 to c5 of the site 007, one a minute; of them are left

    deleted_inline   c1, c3, c5: the vector stands in the log itself
    deleted_file     c1, c3, c5: the vector is a file beside the rows
    renamed          all: `site_id` was called `site` before, and `note` is a column that was dropped (mapping by name)
    renamed_deleted  c1, c3, c5 of `renamed`
    numbered         all: the columns of the files have other names, and are found by number (mapping by id)
    unknown          none can be read: a feature of readers that nobody knows
"""

import base64
import json
import shutil
import struct
import uuid
import zlib
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
COMMITTED = 1793520000000  # 2026-11-01T08:00:00Z
NAMES = ["site_id", "conversation_id", "sent_at", "sent_by"]
DELETED = [0, 2, 4]
B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    return base64.b85encode(data).decode().translate(str.maketrans(B85, Z85))


def bitmap(rows):
    """A set of row numbers: one 64-bit bitmap of one 32-bit bitmap of one container that is a list."""
    portable = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + b"".join(struct.pack("<H", row) for row in rows)
    data = struct.pack("<IQI", 1681511377, 1, 0) + portable
    return data + b"\0" * (-len(data) % 4)


def inline(rows, _):
    data = bitmap(rows)
    return {"storageType": "i", "pathOrInlineDv": z85(data), "sizeInBytes": len(data), "cardinality": len(rows)}


def beside(rows, table):
    data = bitmap(rows)
    name = uuid.UUID("61c4d1a9-bd4d-4b8e-a3cb-6d2c8f8a8f21")
    block = struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    (table / f"deletion_vector_{name}.bin").write_bytes(b"\x01" + block)
    return {"storageType": "u", "pathOrInlineDv": z85(name.bytes), "offset": 1, "sizeInBytes": len(data), "cardinality": len(rows)}


def rows():
    at = [datetime(2026, 10, 29, 12, n, tzinfo=timezone.utc) for n in range(6)]
    return [
        pa.array(["007"] * 6),
        pa.array([f"c{n}" for n in range(6)]),
        pa.array(at, pa.timestamp("us", "UTC")),
        pa.array(["consumer", "agent", "bot"] * 2),
    ]


def write(name, *, physical=None, mode=None, vector=None, features=(), note=False):
    table = HERE / name
    shutil.rmtree(table, ignore_errors=True)
    (table / "_delta_log").mkdir(parents=True)
    physical = physical or NAMES
    columns, names = rows(), list(physical)
    if note:
        columns, names = [*columns, pa.array(["gone"] * 6)], [*names, "note"]
    fields = [
        pa.field(name, column.type, metadata={"PARQUET:field_id": str(number)} if mode else None)
        for number, (name, column) in enumerate(zip(names, columns), 1)
    ]
    path = "part-00000.snappy.parquet"
    # Several row groups: whoever skips one must still know which rows are left.
    pq.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)), table / path, row_group_size=2)

    def metadata(number):
        mapped = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical[number - 1]}
        return mapped if mode else {}

    types = ["string", "string", "timestamp", "string"]
    schema = [
        {"name": name, "type": kind, "nullable": True, "metadata": metadata(number)}
        for number, (name, kind) in enumerate(zip(NAMES, types), 1)
    ]
    features = [*features, *(["deletionVectors"] if vector else []), *(["columnMapping"] if mode else [])]
    configuration = {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "5"} if mode else {}
    add = {
        "path": path,
        "partitionValues": {},
        "size": (table / path).stat().st_size,
        "modificationTime": COMMITTED,
        "dataChange": True,
        "stats": json.dumps({"numRecords": 6}),
    }
    commits = [
        [
            {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}},
            {
                "metaData": {
                    "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
                    "format": {"provider": "parquet", "options": {}},
                    "schemaString": json.dumps({"type": "struct", "fields": schema}),
                    "partitionColumns": [],
                    "configuration": configuration,
                    "createdTime": COMMITTED,
                }
            },
            {"add": add},
        ]
    ]
    if vector:
        remove = {"path": path, "deletionTimestamp": COMMITTED, "dataChange": True, "size": add["size"]}
        commits.append([{"remove": remove}, {"add": {**add, "deletionVector": vector(DELETED, table)}}])
    for version, actions in enumerate(commits):
        info = {"commitInfo": {"timestamp": COMMITTED, "operation": "WRITE"}}
        text = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in [info, *actions])
        (table / "_delta_log" / f"{version:020}.json").write_text(text)


RENAMED = ["site", *NAMES[1:]]
NUMBERED = ["col-a", "col-b", "col-c", "col-d"]
write("deleted_inline", vector=inline)
write("deleted_file", vector=beside)
write("renamed", mode="name", physical=RENAMED, note=True)
write("renamed_deleted", mode="name", physical=RENAMED, note=True, vector=beside)
write("numbered", mode="id", physical=NUMBERED)
write("unknown", features=["rowsByMoonlight"])
