"""Hypothesis tries the same examples each time, so that a failure can be seen again."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
