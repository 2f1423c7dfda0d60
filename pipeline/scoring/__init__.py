"""Instruments -> scores: an instrument's key applied to answers, and a score's band.

What belongs here: raw scores by the published key. What stays out: whether a response counts
(`pipeline/quality`), any statistic over officers (`pipeline/evaluation`), and standard scores made
from the data themselves: standardising within a wave erases every change.
"""
