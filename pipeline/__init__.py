"""Muster: one programme, measured in many places over a long time."""

__version__ = "0.1.0"
