"""A programme of two waves with one simulated force: a source of four answers a row, a roster."""

PROGRAMME = """
programme: small
title: Simulated rows for tests
instruments: [phq4]
primary: {instrument: phq4, subscale: anxiety, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_10, due_after_days: 140}
organisations:
  - {organisation: simulated-force-01, name: Simulated Force 01, kind: police_force}
cohorts:
  - {organisation: simulated-force-01, cohort: all, starts_on: 2025-01-06}
"""
MAPPING = """
organisation: simulated-force-01
source: answers
kind: questionnaire
files: "answers*"
delivery: incremental
participant: Number
wave: {column: Wave, values: {Start: baseline, End: session_10}}
instruments: {phq4: {columns: "Q{item}"}}
columns: {completed_on: Done}
"""
ROSTER = """
organisation: simulated-force-01
source: roster
kind: roster
files: "roster*"
participant: Number
columns: {session_group: Group, enrolled_on: Enrolled}
"""
