"""Scores and ledger -> published figures: one statistical method a module, a pure function each.

What belongs here: estimates with their uncertainty, and notes that say why a figure is missing.
What stays out: reading and storing, disclosure control (`pipeline/privacy`), and the clock.
"""
