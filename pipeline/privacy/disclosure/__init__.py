"""Disclosure control: what may be printed of groups of people so that no small one is given away.

What belongs here: rounding, thresholds, suppression, what an attacker can work out, and what
earlier releases allow. What stays out: which groups an evaluation has (`pipeline/publishing`), and
who is in them by name.
"""
