"""The commands of `muster`: one module a command or group of them, and what they share.

What stays out: logic, and what the `muster` command begins with (`pipeline/cli.py`). Imports that
take long stand inside the commands, so that help is quick.
"""
