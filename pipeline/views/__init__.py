"""Views of the warehouse: the questions that analysts ask most, each with its query.

What belongs here: a view as data, with its question, its columns and its SQL. What stays out:
executing SQL (`pipeline/storage/warehouse.py`), tables that hold rows (`pipeline/tables`).
"""

from typing import Final

from pipeline.views.change import CHANGE
from pipeline.views.data import DATA, ITEM_RESPONSES
from pipeline.views.follow_up import FOLLOW_UP
from pipeline.views.view import View, can_be_made, view_ddl

QUESTIONS: Final[tuple[View, ...]] = (*FOLLOW_UP, *CHANGE, *DATA)
"""The views of the schema `questions`, in the order in which they are listed."""

VIEWS: Final[tuple[View, ...]] = (ITEM_RESPONSES, *QUESTIONS)

__all__ = ["ITEM_RESPONSES", "QUESTIONS", "VIEWS", "View", "can_be_made", "view_ddl"]
