"""Tables for handing on: which groups they are about, and their rows.

What stays out: what may be printed (`pipeline/privacy/disclosure`), and writing it down
(`pipeline/storage`).
"""
