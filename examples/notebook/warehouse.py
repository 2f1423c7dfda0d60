"""A walk through the warehouse of Muster, for analysts: open it, ask, draw.

Run it with `marimo run examples/notebook/warehouse.py`; `MUSTER_HOME` names the home folder. It
only reads. What may not be concluded from what it draws is in `docs/analysts.md`.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Muster: a walk through the warehouse")


with app.setup:
    import os
    from pathlib import Path

    import altair as alt
    import duckdb
    import marimo as mo


@app.cell
def _():
    home = Path(os.environ.get("MUSTER_HOME", "muster-home"))
    path = home / "warehouse.duckdb"
    mo.stop(
        not path.is_file(),
        mo.callout(
            mo.md(
                f"""
                **There is no warehouse at `{path}`.** `muster run` makes one of the exports in
                `landing/`; `muster demo` makes one of simulated exports. If it lies elsewhere, set
                `MUSTER_HOME` to its folder and start the notebook again.
                """
            ),
            kind="warn",
        ),
    )
    return (path,)


@app.cell
def _(path):
    # Read-only, so that nobody is kept out; a run replaces the file and this one stays as it was.
    warehouse = duckdb.connect(path, read_only=True)

    def ask(sql, *parameters):
        """The rows of one query, as a Polars frame."""
        return warehouse.sql(sql, params=list(parameters)).pl()

    return (ask,)


@app.cell
def _(ask):
    build = ask("SELECT programme, as_of, models_pending, version FROM meta.build").row(
        0, named=True
    )
    pending = " Models are still at work: some charts below are empty." * build["models_pending"]
    mo.md(
        f"""
        # A walk through the warehouse

        Programme **{build["programme"]}**, as of **{build["as_of"]}**, Muster {build["version"]}.
        {pending}

        Rows are pseudonymised answers about health: look, and hand nothing on. What may be handed
        on is a release.
        """
    )


@app.cell
def _(ask):
    subscales = ask(
        "SELECT instrument || ': ' || subscale AS name FROM meta.instruments "
        "ORDER BY instrument, place"
    )["name"].to_list()
    primary = ask(
        "SELECT instrument || ': ' || subscale FROM meta.instruments WHERE primary_subscale"
    ).item()
    chosen = mo.ui.dropdown(subscales, value=primary, label="Subscale")
    chosen
    return (chosen,)


@app.cell
def _(ask, chosen):
    instrument, subscale = chosen.value.split(": ")
    better = ask(
        "SELECT better FROM meta.instruments WHERE instrument = ? AND subscale = ?",
        instrument,
        subscale,
    ).item()
    waves = ask("SELECT wave FROM meta.waves ORDER BY place")["wave"].to_list()
    return better, instrument, subscale, waves


@app.cell
def _(ask):
    mo.vstack(
        [
            mo.md("## What can be asked"),
            mo.ui.table(
                ask("SELECT view, question, caution FROM meta.questions"),
                selection=None,
                page_size=20,
                wrapped_columns=["question", "caution"],
            ),
        ]
    )


@app.cell
def _(ask, waves):
    answered = ask(
        "SELECT wave, status, n, share FROM questions.what_became_of_the_enrolled "
        "WHERE organisation = 'all' AND arm = 'all' AND denominator = 'enrolled'"
    )
    statuses = answered["status"].unique(maintain_order=True).to_list()
    flow = (
        alt.Chart(answered, width=620, height=240)
        .mark_bar()
        .encode(
            x=alt.X("n:Q", title="officers").stack("zero"),
            y=alt.Y("wave:N", sort=waves, title=None),
            color=alt.Color("status:N", sort=statuses),
            order=alt.Order("status:N"),
            tooltip=["wave", "status", "n", alt.Tooltip("share:Q", format=".0%")],
        )
    )
    mo.vstack(
        [
            mo.md(
                """
                ## What became of everybody who enrolled

                Every bar is the same officers; only `completed` and `completed_out_of_window` have
                scores.
                """
            ),
            flow,
        ]
    )


@app.cell
def _(ask):
    retained = ask(
        "SELECT arm, time, after, retained, ci_low, ci_high "
        "FROM questions.how_many_still_take_part "
        "WHERE organisation = 'all' AND denominator = 'enrolled' AND arm <> 'all'"
    )
    base = alt.Chart(retained, width=620, height=260).encode(
        x=alt.X("time:O", title="waves since enrolment", axis=alt.Axis(labelAngle=0)),
        color=alt.Color("arm:N"),
    )
    curve = base.mark_area(opacity=0.2, interpolate="step-after").encode(
        y=alt.Y("ci_low:Q", title="still taking part").scale(domain=[0, 1]), y2="ci_high:Q"
    ) + base.mark_line(interpolate="step-after", point=True).encode(
        y="retained:Q", tooltip=["arm", "after", alt.Tooltip("retained:Q", format=".0%")]
    )
    mo.vstack([mo.md("## How many still take part"), curve])


@app.cell
def _(ask, better, instrument, subscale, waves):
    level = ask(
        "SELECT arm, wave, estimate, ci_low, ci_high, n FROM evaluation.trajectory "
        "WHERE instrument = ? AND subscale = ? AND arm <> 'all' "
        "AND from_wave = (SELECT wave FROM meta.waves WHERE place = 1)",
        instrument,
        subscale,
    )
    points = alt.Chart(level, width=620, height=280).encode(
        x=alt.X("wave:N", sort=waves, title=None, axis=alt.Axis(labelAngle=0)),
        color="arm:N",
        xOffset="arm:N",
    )
    levels = points.mark_rule().encode(
        y=alt.Y("ci_low:Q", title="score").scale(zero=False), y2="ci_high:Q"
    ) + points.mark_point(filled=True, size=60).encode(
        y="estimate:Q", tooltip=["arm", "wave", alt.Tooltip("estimate:Q", format=".1f"), "n"]
    )
    mo.vstack(
        [
            mo.md(
                f"""
                ## Level at each wave: {subscale}

                By the mixed model, which those who left early are part of; {better} is better. Bars
                are 95% intervals, clustered. A change is not an effect.
                """
            ),
            levels,
        ]
    )


@app.cell
def _(ask, better, instrument, subscale):
    change = ask(
        "SELECT organisation, to_wave, n, mean_change, ci_low, ci_high, note "
        "FROM questions.change_by_organisation "
        "WHERE instrument = ? AND subscale = ? AND to_wave = ("
        "  SELECT any_value(to_wave) FROM questions.primary_change) AND ci_low IS NOT NULL",
        instrument,
        subscale,
    )
    order = change["organisation"].to_list()
    each = alt.Chart(change, width=520, height=alt.Step(20)).encode(
        y=alt.Y("organisation:N", sort=order, title=None)
    )
    forest = (
        alt.Chart().mark_rule(strokeDash=[4, 4]).encode(x=alt.datum(0))
        + each.mark_rule().encode(
            x=alt.X("ci_low:Q", title="change in points").scale(zero=False), x2="ci_high:Q"
        )
        + each.mark_point(filled=True, size=60).encode(
            x="mean_change:Q",
            tooltip=["organisation", "n", alt.Tooltip("mean_change:Q", format=".1f"), "note"],
        )
    )
    mo.vstack(
        [
            mo.md(
                f"""
                ## Change by organisation: {subscale}

                Of officers who answered both waves; {better} is better. No league table: the
                furthest of a dozen lies far by chance too.
                """
            ),
            forest,
        ]
    )


@app.cell
def _(ask):
    mo.vstack(
        [
            mo.md(
                """
                ## Who left, and does it matter

                Where those who left began otherwise, the change of those who stayed is not
                everybody's.
                """
            ),
            mo.ui.table(
                ask(
                    "SELECT subscale, n_left, n_stayed, round(mean_left, 1) AS mean_left, "
                    "round(mean_stayed, 1) AS mean_stayed, "
                    "round(standardised_difference, 2) AS difference, flag, leavers_began "
                    "FROM questions.did_leavers_differ "
                    "WHERE organisation = 'all' AND denominator = 'enrolled'"
                ),
                selection=None,
            ),
        ]
    )


@app.cell
def _(ask):
    methods = ask(
        "SELECT method, estimate, ci_low, ci_high, outcome, note "
        "FROM questions.does_dropout_explain_it WHERE named_beforehand AND ci_low IS NOT NULL"
    )
    in_order = methods["method"].to_list()
    by_method = alt.Chart(methods, width=520, height=alt.Step(26)).encode(
        y=alt.Y("method:N", sort=in_order, title=None)
    )
    panel = (
        alt.Chart().mark_rule(strokeDash=[4, 4]).encode(x=alt.datum(0))
        + by_method.mark_rule().encode(
            x=alt.X("ci_low:Q", title="change named beforehand, in points"), x2="ci_high:Q"
        )
        + by_method.mark_point(filled=True, size=60).encode(
            x="estimate:Q",
            tooltip=["method", alt.Tooltip("estimate:Q", format=".2f"), "outcome", "note"],
        )
    )
    mo.vstack([mo.md("### The change named beforehand, by how dropout is treated"), panel])


@app.cell
def _(ask):
    mo.vstack(
        [
            mo.md(
                """
                ## Your own question

                `ask("SELECT ...")` gives a Polars frame. Copy this file, and go on from here.
                """
            ),
            mo.ui.table(ask("FROM questions.primary_change LIMIT 3"), selection=None),
        ]
    )


if __name__ == "__main__":
    app.run()
