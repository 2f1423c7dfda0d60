"""The steward's web desk: what failed and why, and putting what a steward decides on record.

What belongs here: signing in, pages, and what keeps them safe. What stays out: what may be decided
(`pipeline/review*.py`), reading and writing files (`pipeline/storage`), Dagster, and Great
Expectations.
"""
