"""Reliability against R's factanal and against plain loops, and where there is none."""

import csv
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline import tables
from pipeline.evaluation.answers import answers_by_instrument, sums_by_subscale
from pipeline.evaluation.reliability import reliabilities, reliability
from pipeline.programme import Programme, parse_programme

REFERENCE = Path(__file__).parent / "reference" / "reliability.json"
SHARED = Path(__file__).parents[2] / "../shared/reference/statistics"
