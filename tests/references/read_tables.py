"""Reads tables of sweep with pandas and DuckDB, and compares what they read.

    pip install pandas duckdb && python3 read_tables.py path/to/sweep

Runs a small sweep with results of every type in a temporary folder, writes its table as CSV and as JSON Lines, and reads
both files with both tools. It ends with "all alike", or with what differs.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import pandas as pd

SWEEP = r"""
command = ["sh", "job.sh", "{{ x }}"]
[[zip]]
x = [0, 1, 2, 3]
label = ['a,"b"', "zwei\nZeilen", "ümläut ☃", "plain"]
half = [0.5, 0.1, 1e-7, 1e300]
"""

JOB = r"""
case $1 in
0) echo '{"n": 7, "energy": -0.5, "ok": true, "text": "yes"}';;
1) echo '{"n": 8, "energy": NaN, "ok": false, "text": "012"}';;
2) echo '{"n": 9007199254740993, "energy": Infinity, "ok": true}';;
*) exit 3;;
esac
"""


def main():
    sweep = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "a.toml").write_text(SWEEP, encoding="utf-8")
        (folder / "job.sh").write_text(JOB)
        subprocess.run([sweep, "run", "a.toml"], cwd=folder, capture_output=True)
        for name in ["t.csv", "t.jsonl"]:
            subprocess.run([sweep, "collect", "--all", "--out", name], cwd=folder, check=True, capture_output=True)
        csv, jsonl = str(folder / "t.csv"), str(folder / "t.jsonl")
        frames = {
            "pandas, CSV": pd.read_csv(csv, dtype={"n": "Int64", "text": "string"}),
            "pandas, JSON Lines": pd.read_json(jsonl, lines=True, dtype={"n": "Int64", "text": "string"},
                                               precise_float=True),
            "DuckDB, CSV": duckdb.sql(f"select * from read_csv('{csv}', types={{'text': 'VARCHAR'}})").df(),
            # A column with numbers and the texts for NaN and infinity has the type JSON.
            "DuckDB, JSON Lines": duckdb.sql(
                f"select * replace (cast(energy ->> '$' as double) as energy) from read_json('{jsonl}')").df(),
        }
        columns = None
        for name, frame in frames.items():
            print(f"{name}: {len(frame)} rows, {len(frame.columns)} columns; n {frame['n'].tolist()}, "
                  f"energy {frame['energy'].tolist()}, ok {frame['ok'].tolist()}, text {frame['text'].tolist()}")
            columns = columns or list(frame.columns)
            assert list(frame.columns) == columns, (name, list(frame.columns))
            assert frame["label"].tolist() == ['a,"b"', "zwei\nZeilen", "ümläut ☃", "plain"], name
            assert frame["half"].tolist() == [0.5, 0.1, 1e-7, 1e300], name
            assert [int(n) for n in frame["n"].tolist()[:2]] == [7, 8], name
            # pandas reads JSON integers as doubles: beyond 2^53 they are rounded. The others do not.
            assert int(frame["n"].tolist()[2]) == 2**53 + (0 if name == "pandas, JSON Lines" else 1), name
            energy = pd.to_numeric(frame["energy"]).tolist()
            assert energy[0] == -0.5 and energy[1] != energy[1] and energy[2] == float("inf"), (name, energy)
            assert [bool(ok) for ok in frame["ok"].tolist()[:3]] == [True, False, True], name
            assert frame["text"].tolist()[:2] == ["yes", "012"], (name, frame["text"].tolist())
            assert frame["status"].tolist() == ["succeeded"] * 3 + ["failed"], name
            assert frame["seed"].tolist() == frames["pandas, CSV"]["seed"].tolist(), name
    print("all alike")


main()
