"""Questions about files and rejected rows, asked once more with plain loops."""

from collections import defaultdict

from pipeline import tables


def test_rejected_rows_are_counted_once_for_each_rule_and_column(answer, rows):
    submissions = {s["submission_id"]: s for s in rows(tables.SUBMISSIONS)}
    broken = defaultdict(list)
    for row in rows(tables.QUARANTINE):
        sent = submissions[row["submission_id"]]
        what = (row["severity"], row["rule"], row["column_name"], row["status"])
        broken[(sent["organisation"], sent["source"], *what)].append(row)
    names = ("organisation", "source", "severity", "rule", "column_name", "status")
    found = answer("why_rows_were_rejected")
    assert {tuple(row[name] for name in names) for row in found} == set(broken)
    for row in found:
        cases = broken[tuple(row[name] for name in names)]
        assert row["n_rows"] == len({(c["submission_id"], c["row_number"]) for c in cases})
        assert row["n_submissions"] == len({c["submission_id"] for c in cases})
    keys = [(r["organisation"], r["source"], r["severity"], -r["n_rows"]) for r in found]
    assert keys == sorted(keys)
    assert any(row["n_rows"] < len(broken[tuple(row[n] for n in names)]) for row in found)


def test_files_behind_a_snapshot_are_those_of_which_rows_count(answer, rows):
    expected = [
        (s["organisation"], s["source"], s["received_at"], s["sha256"])
        for s in rows(tables.SUBMISSIONS)
        if s["verdict"] in {"accepted", "accepted_with_warnings"} and s["rows_accepted"]
    ]
    found = answer("files_behind_this_snapshot")
    names = ("organisation", "source", "received_at", "sha256")
    assert [tuple(row[name] for name in names) for row in found] == sorted(expected)
    assert 0 < len(found) < len(rows(tables.SUBMISSIONS))
