"""What officers are told about who can see their answers, and how well they are hidden.

What belongs here: a page for participants of one organisation. What stays out: measuring
(`pipeline/privacy/intruder.py`), files, and anything meant for analysts.
"""
