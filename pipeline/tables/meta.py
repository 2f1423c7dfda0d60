"""The table of the schema `meta`: what a snapshot was made from."""

from pipeline.tables.columns import (
    text,
)
from pipeline.tables.table import Column, Table, Type

BUILD = Table(
    "meta",
    "build",
    "one snapshot",
    "What this snapshot was made from.",
    ("fingerprint",),
    (
        text("fingerprint", "Hash of submissions, configuration, dates and code.", nullable=False),
        text("programme", "Programme evaluated.", nullable=False),
        Column("as_of", Type.DAY, "Day for which statuses are worked out.", nullable=False),
        Column("known_at", Type.DAY, "Last day of receipt that counts; NULL for everything."),
        text(
            "changed_since",
            "`withdrawals` if officers were erased after the day that it speaks of, so that it is "
            "not what was known then; else NULL.",
        ),
        Column(
            "models_pending",
            Type.TRUTH,
            "The run is still at work on the models: trajectory, arm_contrast, icc, design and "
            "robustness are empty until it replaces this snapshot by the next.",
            nullable=False,
        ),
        text("version", "Version of Muster.", nullable=False),
    ),
)
