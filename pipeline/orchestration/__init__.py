"""How Dagster runs the way of the data: partitions, resources, jobs, and errors without values.

What belongs here: everything of Dagster's that is not an asset or a check. What stays out: assets
and checks themselves, which import this room and are never imported by it.
"""
