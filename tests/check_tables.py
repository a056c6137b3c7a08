"""Opens the three tables of one run with pyarrow, pandas, DuckDB and Polars, and checks that they say the same.

usage: check_tables.py OUT
"""
import csv
import json
import sys
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow.parquet

out = Path(sys.argv[1])
rows = [json.loads(line) for line in (out / "table.jsonl").open(encoding="utf-8")]
sources = [row["source"] for row in rows]

table = pyarrow.parquet.read_table(out / "table.parquet")
fields = {field.name: field for field in table.schema}
types = {name: str(fields[name].type) for name in ("source", "piece", "ambitus_low", "key_aarden_essen_r")}
assert types == {"source": "string", "piece": "int64", "ambitus_low": "int64", "key_aarden_essen_r": "double"}, types
for name, field in fields.items():
    assert {b"unit", b"by", b"summary"} <= set(field.metadata), name
assert fields["ambitus_low"].metadata[b"unit"] == b"MIDI key"
assert fields["ambitus_low"].metadata[b"by"].startswith(b"ambitus@")
assert table["source"].to_pylist() == sources

low = [((row["findings"].get("ambitus") or {}).get("range") or [None])[0] for row in rows]
assert table["ambitus_low"].to_pylist() == low
parquet = str(out / "table.parquet")
assert polars.read_parquet(parquet)["ambitus_low"].to_list() == low
assert [value for (value,) in duckdb.sql(f"select ambitus_low from '{parquet}'").fetchall()] == low
frame = pandas.read_parquet(parquet)
assert [None if pandas.isna(value) else int(value) for value in frame["ambitus_low"]] == low

with (out / "table.csv").open(newline="", encoding="utf-8") as file:
    lines = list(csv.DictReader(file))
assert list(lines[0]) == list(fields)
assert [int(line["ambitus_low"]) if line["ambitus_low"] else None for line in lines] == low
correlations = table["key_aarden_essen_r"].to_pylist()
assert [float(line["key_aarden_essen_r"]) if line["key_aarden_essen_r"] else None for line in lines] == correlations
assert (out / "table.csv").read_bytes().count(b"\r\n") == len(rows) + 1
print(f"{len(rows)} rows, {len(fields)} columns")
