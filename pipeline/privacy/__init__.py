"""Keeping people from being traced: pseudonyms before the first write, and what else identifies.

What stays out: paths, environment, Dagster, Great Expectations, and logging of any value.
"""
