"""Every published table: grain, columns, types, units and meaning, in one place.

DDL, comments, the data dictionary and the frames that rooms hand to each other are all made from
here, so a column cannot mean two things. What stays out: IO, and how a figure is computed.
"""

from pipeline.tables.core import (
    ATTENDANCE,
    COMMENTS,
    LINK_ERRORS,
    LINK_RATES,
    MEMBERSHIPS,
    ORGANISATIONS,
    PARTICIPANT_ALIAS,
    PARTICIPANT_WAVES,
    PARTICIPANTS,
    RESPONSES,
    SCORES,
)
from pipeline.tables.evaluation import (
    ARM_CONTRAST,
    DESIGN,
    ICC,
    PAIRED_CHANGE,
    PILOT_RECONCILIATION,
    ROBUSTNESS,
    TRAJECTORY,
    WAVE_SUMMARY,
)
from pipeline.tables.follow_up import (
    ATTRITION,
    ATTRITION_MODEL,
    DOSE_RESPONSE,
    FOLLOW_UP_DUE,
    PARTICIPANT_FLOW,
    RETENTION,
    RETENTION_COMPARISON,
)
from pipeline.tables.meta import (
    BUILD,
)
from pipeline.tables.quality import (
    CHECKS,
    COMMENT_COUNTS,
    DECISIONS,
    LINK_REVIEW,
    QUARANTINE,
    SUBMISSIONS,
)
from pipeline.tables.research import (
    RESEARCH_BUILD,
    RESEARCH_GENERALISED,
    RESEARCH_OFFICERS,
    RESEARCH_SCORES,
)
from pipeline.tables.table import Column, Table, Type, comments, ddl

RESEARCH_TABLES: tuple[Table, ...] = (
    RESEARCH_OFFICERS,
    RESEARCH_SCORES,
    RESEARCH_GENERALISED,
    RESEARCH_BUILD,
)
"""Tables of `research_view.duckdb`: who may read that file may not read the warehouse."""

TABLES: tuple[Table, ...] = (
    ORGANISATIONS,
    PARTICIPANTS,
    MEMBERSHIPS,
    PARTICIPANT_ALIAS,
    LINK_RATES,
    LINK_ERRORS,
    RESPONSES,
    SCORES,
    ATTENDANCE,
    PARTICIPANT_WAVES,
    COMMENTS,
    SUBMISSIONS,
    QUARANTINE,
    LINK_REVIEW,
    DECISIONS,
    COMMENT_COUNTS,
    CHECKS,
    WAVE_SUMMARY,
    PAIRED_CHANGE,
    PARTICIPANT_FLOW,
    RETENTION,
    RETENTION_COMPARISON,
    ATTRITION,
    ATTRITION_MODEL,
    DOSE_RESPONSE,
    FOLLOW_UP_DUE,
    PILOT_RECONCILIATION,
    ROBUSTNESS,
    TRAJECTORY,
    ARM_CONTRAST,
    ICC,
    DESIGN,
    BUILD,
)

__all__ = [
    "ARM_CONTRAST",
    "ATTENDANCE",
    "ATTRITION",
    "ATTRITION_MODEL",
    "BUILD",
    "CHECKS",
    "COMMENTS",
    "COMMENT_COUNTS",
    "DECISIONS",
    "DESIGN",
    "DOSE_RESPONSE",
    "FOLLOW_UP_DUE",
    "ICC",
    "LINK_ERRORS",
    "LINK_RATES",
    "LINK_REVIEW",
    "MEMBERSHIPS",
    "ORGANISATIONS",
    "PAIRED_CHANGE",
    "PARTICIPANTS",
    "PARTICIPANT_ALIAS",
    "PARTICIPANT_FLOW",
    "PARTICIPANT_WAVES",
    "PILOT_RECONCILIATION",
    "QUARANTINE",
    "RESEARCH_BUILD",
    "RESEARCH_GENERALISED",
    "RESEARCH_OFFICERS",
    "RESEARCH_SCORES",
    "RESEARCH_TABLES",
    "RESPONSES",
    "RETENTION",
    "RETENTION_COMPARISON",
    "ROBUSTNESS",
    "SCORES",
    "SUBMISSIONS",
    "TABLES",
    "TRAJECTORY",
    "WAVE_SUMMARY",
    "Column",
    "Table",
    "Type",
    "comments",
    "ddl",
]
