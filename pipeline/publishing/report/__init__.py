"""The report of a release: one HTML page that needs nothing else, made from release tables alone.

What belongs here: which figures stand in which sentence, chart and table. What stays out: which
figures may be printed (`pipeline/privacy/disclosure`), and writing the page down
(`pipeline/storage/releases.py`).
"""
