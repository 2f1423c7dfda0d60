"""The only code that writes the home folder (landing excepted) and that executes SQL.

What belongs here: paths, atomic writes, Parquet, DuckDB, keys. What stays out: Dagster, Great
Expectations, and what the frames and bytes handed over mean.
"""
