"""The sections of a report, one module each: tables in, blocks out.

What stays out: markup (`page.py`) and how charts look (`charts.py`).
"""
