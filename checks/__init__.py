"""Contracts on submissions: declared as data, carried out by Great Expectations on profiles.

What belongs here: the contracts, the one adapter that runs them, their Dagster checks. What stays
out: rows (a contract sees counts and shares only), and what a verdict leads to
(`pipeline/quality/verdicts.py`).
"""
