"""The two jobs: take in what is new, and bring statuses up to date when only days have passed."""

import dagster as dg

TAKE_IN = dg.define_asset_job(
    "take_in",
    selection=dg.AssetSelection.all(),
    description="Take in new submissions and bring ledger, tables and warehouse up to date.",
)
BRING_UP_TO_DATE = dg.define_asset_job(
    "bring_up_to_date",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets("intake"),
    description="Work out everything after intake anew: days have passed or settings changed.",
)
