"""Bytes and a mapping -> canonical rows: one module a platform, one for mappings.

What belongs here: what survey platforms write and how a mapping names it. What stays out: paths,
environment, Dagster, Great Expectations, and judging whether a row is sound (`pipeline/quality`).
"""
