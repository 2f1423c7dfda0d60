"""The stages of the way of the data as Dagster assets, one module a stage.

What belongs here: load, one domain call, write, metadata. What stays out: checks, Great
Expectations, and any rule or figure.
"""
