"""Whether rows can count: named rules, what they let pass, and the profile of a submission.

What belongs here: judgement on pseudonymised frames, as values. What stays out: paths, Dagster,
Great Expectations, and any decision about a whole submission (`checks/`).
"""
