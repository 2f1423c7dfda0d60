"""The files: the same each time, valid, complete, and wrong exactly where the truth says so."""

import csv
import io
import json
import zipfile
from collections import Counter
from datetime import date
from functools import cache

import polars as pl
import pytest

from pipeline.programme import Programme, parse_programme
from pipeline.quality.answers import with_counts
from pipeline.quality.rules import ROW_RULES, RULES, Circumstances
from pipeline.reading import canonical
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.simulation import Layout, SimulationPlan, simulate
from pipeline.simulation.population import SUBSCALES, draw_population, expected_change
from pipeline.vocabulary import Kind, Severity

AS_OF = date(2026, 11, 23)
PLAN = SimulationPlan(as_of=AS_OF)
ROW_NUMBERED = ("organisation", "source", "row_number", "wave", "rule")


@cache
def _files(plan: SimulationPlan) -> dict[str, bytes]:
    files = [(str(file.path), file.content) for file in simulate(plan)]
    assert len(dict(files)) == len(files)
    return dict(files)


@cache
def _programme(plan: SimulationPlan) -> Programme:
    return parse_programme(_files(plan)["programme.yaml"].decode())


@cache
def _mappings(plan: SimulationPlan) -> dict[str, Mapping]:
    """Landing file -> the mapping that takes it in."""
    files, taken = _files(plan), {}
    for path, content in files.items():
        if not path.startswith("sources/"):
            continue
        mapping = parse_mapping(content.decode(), path, _programme(plan))
        assert path == f"sources/{mapping.organisation}/{mapping.source}.yaml"
        folder = f"landing/{mapping.organisation}/"
        takes = [p for p in files if p.startswith(folder) and mapping.takes_in(p[len(folder) :])]
        assert len(takes) == 1
        assert takes[0] not in taken
        taken[takes[0]] = mapping
    return taken


@cache
def _readings(plan: SimulationPlan) -> dict[str, canonical.Reading]:
    programme, files = _programme(plan), _files(plan)
    return {
        path: canonical.read(files[path], mapping, programme)
        for path, mapping in _mappings(plan).items()
    }


def _table(plan: SimulationPlan, name: str) -> pl.DataFrame:
    return pl.read_csv(_files(plan)[f"truth/{name}.csv"], try_parse_dates=True)


@cache
def _rows(plan: SimulationPlan) -> pl.DataFrame:
    """Every canonical row of every file with what identifies it and what it would break."""
    programme, frames = _programme(plan), []
    for path, mapping in _mappings(plan).items():
        for block in _readings(plan)[path].blocks:
            circumstances = Circumstances(programme, AS_OF, block.instrument)
            rows = block.rows.with_columns(pl.col("identifier").alias("participant_id"))
            if block.instrument is not None:
                rows = with_counts(rows, block.instrument)
            broken = [
                pl.when(rule.breaks(circumstances)).then(pl.lit(rule.name))
                for rule in ROW_RULES
                if mapping.kind in rule.kinds and rule.breaks is not None
            ]
            items = [name for name in rows.columns if name.startswith("item_")]
            optional = [
                pl.col(name)
                if name in rows.columns
                else pl.lit(None, pl.Date if name.endswith("_on") else pl.String).alias(name)
                for name in ("wave", "completed_on", "enrolled_on", "departed_on")
            ]
            answers = (
                [pl.concat_list(items).cast(pl.List(pl.Int16))]
                if items
                else [pl.lit(None, pl.List(pl.Int16))]
            )
            frames.append(
                rows.select(
                    pl.lit(mapping.organisation).alias("organisation"),
                    pl.lit(mapping.source).alias("source"),
                    pl.lit(mapping.kind.value).alias("kind"),
                    "row_number",
                    "identifier",
                    "home_force",
                    *optional,
                    answers[0].alias("items"),
                    pl.concat_list(broken).list.drop_nulls().alias("broken"),
                )
            )
    return pl.concat(frames)


def test_the_same_plan_gives_the_same_bytes_and_another_seed_others() -> None:
    plan = SimulationPlan(as_of=AS_OF, organisations=5, participants=120)
    first = _files(plan)
    assert dict(first) == {str(file.path): file.content for file in simulate(plan)}
    other = {
        str(f.path): f.content
        for f in simulate(SimulationPlan(as_of=AS_OF, organisations=5, participants=120, seed=2))
    }
    assert (
        other["landing/simulated-force-01/roster.csv"]
        != first["landing/simulated-force-01/roster.csv"]
    )


def test_every_landing_file_has_one_valid_mapping() -> None:
    landing = {path for path in _files(PLAN) if path.startswith("landing/")}
    assert set(_mappings(PLAN)) == landing
    kinds = Counter(mapping.kind for mapping in _mappings(PLAN).values())
    assert kinds[Kind.ROSTER] == kinds[Kind.ATTENDANCE] == kinds[Kind.DEPARTURES] == 11
    layouts = {o.layout for o in draw_population(PLAN).organisations}
    assert layouts == set(Layout)


def test_the_row_counts_of_every_file_are_those_of_the_people_and_faults() -> None:
    people = draw_population(PLAN)
    faults = _table(PLAN, "faults")
    beside = {
        ("roster", "participant_key_missing"),
        ("roster", "participant_key_lost_digits"),
        ("roster", "totals_or_headings"),
        ("roster", "arm_unknown"),
        ("roster", "duplicate_enrolment"),
    }
    for organisation in people.organisations:
        own = people.rows_of(organisation)
        name = organisation.organisation
        sources = {
            mapping.source: _readings(PLAN)[path]
            for path, mapping in _mappings(PLAN).items()
            if mapping.organisation == name
        }
        answered = people.answered[own]
        of_organisation = faults.filter(organisation=name)
        if organisation.has_registers:
            shared = people.officers.filter(unit_place=organisation.place).height
            extra = sum(
                (row["source"], row["rule"]) in beside for row in of_organisation.to_dicts()
            )
            assert sources["roster"].rows_in_file == organisation.size + shared + extra
        if organisation.layout == Layout.WIDE_CSV:
            assert sources["proqol5"].rows_in_file == answered.any(axis=1).sum()
        else:
            extra = of_organisation.filter(
                pl.col("rule").is_in(["preview_or_test_row", "duplicate_response"])
            ).height
            rows = sum(r.rows_in_file for s, r in sources.items() if s.startswith("proqol5"))
            assert rows == answered.sum() + extra


NOT_PLANTED = {
    # An officer who left is not told of twice in one file, and no officer really went elsewhere.
    "departed_before_enrolment",
    "transfers_contradict",
    # Neither row would count, and one of the two officers really enrolled.
    "number_of_two_officers",
    # All rows of a group would have to change, and with them the calendar.
    "session_on_two_days",
    # Officers of this plan give their numbers.
    "code_elements_missing",
    "code_incomplete",
    "code_shared",
}


def test_the_catalogue_of_faults_covers_every_rule() -> None:
    planted = Counter(_table(PLAN, "faults")["rule"])
    assert set(planted) == set(RULES) - NOT_PLANTED
    assert min(planted.values()) >= 2


def test_rows_break_the_rule_that_the_truth_names_and_no_other() -> None:
    by_itself = [rule.name for rule in ROW_RULES]
    found = _rows(PLAN).explode("broken", empty_as_null=True).drop_nulls("broken")
    found = found.rename({"broken": "rule"}).select(ROW_NUMBERED)
    planted = _table(PLAN, "faults").filter(pl.col("rule").is_in(by_itself)).select(ROW_NUMBERED)
    assert Counter(found.iter_rows()) == Counter(planted.iter_rows())
    assert found.height > 100


def test_rules_on_several_rows_and_files_are_broken_where_the_truth_says() -> None:
    rows = _rows(PLAN).with_row_index()
    faults = _table(PLAN, "faults")
    planted = faults.select(*ROW_NUMBERED)
    joined = rows.join(
        planted.filter(pl.col("rule") != "wave_unknown"),
        on=["organisation", "source", "row_number", "wave"],
        how="left",
        nulls_equal=True,
    ).filter(pl.col("broken").list.len() == 0)
    people = _table(PLAN, "people")
    with_roster = set(_rows(PLAN).filter(kind="roster")["organisation"])
    refused = [rule.name for rule in ROW_RULES if rule.severity == Severity.REJECT]
    listed = rows.filter(
        pl.col("kind") == "roster", pl.col("broken").list.set_intersection(refused).list.len() == 0
    )
    roster = set(listed["identifier"])
    known = people.select(
        pl.col("officer_number").alias("identifier"),
        pl.col("enrolled_on").alias("since"),
        pl.col("departed_on").alias("until"),
    )
    answers = joined.filter(kind="questionnaire").join(known, on="identifier", how="left")
    early = (pl.col("since") - pl.col("completed_on")).dt.total_days()
    expected = {
        "participant_not_enrolled": ~pl.col("identifier").is_in(list(roster))
        & pl.col("organisation").is_in(list(with_roster)),
        "completed_after_departure": pl.col("completed_on") > pl.col("until"),
        "completed_before_enrolment": early > 28,
        "completed_shortly_before_enrolment": early.is_between(1, 28),
    }
    for rule, breaks in expected.items():
        found = set(answers.filter(breaks.fill_null(False))["index"])
        assert found == set(answers.filter(rule=rule)["index"]), rule
        assert found
    strangers = joined.filter(
        pl.col("kind").is_in(["attendance", "departures"])
        & ~pl.col("identifier").is_in(list(roster))
    )
    assert set(strangers["rule"]) == {"participant_not_enrolled"}
    # Of two complete responses the later one loses; dates are after one another.
    pairs = answers.filter(
        pl.len().over("organisation", "identifier", "wave") > 1,
        pl.col("rule").is_null() | (pl.col("rule") == "duplicate_response"),
    ).sort("identifier", "wave", "completed_on")
    assert pairs["rule"].to_list() == [None, "duplicate_response"] * (pairs.height // 2)
    assert pairs["items"].list.drop_nulls().list.len().min() == 30
    duplicates = answers.filter(rule="duplicate_response").height
    assert pairs.height == 2 * duplicates > 0


def test_unreadable_minutes_and_cancellations_change_nothing_else_in_a_register() -> None:
    """Minutes are spoilt where somebody came, cancellations where the session was held."""
    faults = _table(PLAN, "faults")
    found: Counter[str] = Counter()
    for path, mapping in _mappings(PLAN).items():
        if mapping.kind != Kind.ATTENDANCE:
            continue
        register = pl.concat(block.rows for block in _readings(PLAN)[path].blocks)
        here = faults.filter(organisation=mapping.organisation, source=mapping.source)
        planted = register.join(
            here.select(pl.col("row_number").cast(pl.Int32), "rule"), on="row_number"
        )
        unreadable = planted.filter(rule="minutes_not_recognised")
        assert unreadable["attended"].to_list() == [True] * unreadable.height
        assert unreadable["minutes"].null_count() == unreadable.height
        unclear = planted.filter(rule="cancelled_not_recognised")
        assert unclear["cancelled"].to_list() == [False] * unclear.height
        assert unclear["attended"].null_count() == 0
        found.update({"minutes": unreadable.height, "cancelled": unclear.height})
    assert min(found["minutes"], found["cancelled"]) > 1


def test_no_contract_would_hold_a_file_back() -> None:
    for plan in (PLAN, SimulationPlan(as_of=AS_OF, organisations=5, participants=60)):
        rejected = _table(plan, "faults").filter(severity=Severity.REJECT.value)
        for path, mapping in _mappings(plan).items():
            rows = sum(block.rows.height for block in _readings(plan)[path].blocks)
            here = rejected.filter(organisation=mapping.organisation, source=mapping.source)
            assert here.height < 0.1 * rows


def test_every_officer_of_a_unit_has_a_known_home_force() -> None:
    assert _rows(PLAN)["home_force"].null_count() == 0
    units = _rows(PLAN).filter(pl.col("organisation").str.contains("vru"))
    assert not units["home_force"].str.contains("vru").any()


def test_an_officer_of_force_and_unit_has_one_number_and_one_set_of_answers() -> None:
    twice = _table(PLAN, "people").filter(pl.col("also_reported_by").is_not_null())
    for number in twice["officer_number"]:
        rows = _rows(PLAN).filter(identifier=number)
        rosters = rows.filter(kind="roster")
        assert rosters["organisation"].n_unique() == 2
        assert rows["home_force"].n_unique() == 1
        first = rosters.sort("enrolled_on", "organisation").row(0, named=True)
        person = twice.row(by_predicate=pl.col("officer_number") == number, named=True)
        assert first["organisation"] == person["organisation"]
        answers = rows.filter(kind="questionnaire")
        assert not answers["organisation"].str.contains("vru").any()


def test_realised_changes_are_those_of_the_accepted_rows() -> None:
    """Recomputed in plain Python from the files as they were read."""
    from pipeline.reference import instruments

    proqol = instruments()["proqol5"]
    rows = _rows(PLAN).filter(kind="questionnaire")
    severity = {
        row[:4]: row[5]
        for row in _table(PLAN, "faults").select(*ROW_NUMBERED, "severity").iter_rows()
    }
    people = {row["officer_number"]: row for row in _table(PLAN, "people").iter_rows(named=True)}
    scores: dict[tuple[str, str, str], int] = {}
    for row in rows.iter_rows(named=True):
        place = (row["organisation"], row["source"], row["row_number"], row["wave"])
        if severity.get(place) == "reject":
            continue
        for subscale in SUBSCALES:
            answers = [
                6 - row["items"][i - 1] if i in proqol.reversed else row["items"][i - 1]
                for i in proqol.by_subscale[subscale].items
                if row["items"][i - 1] is not None
            ]
            if len(answers) == 10:
                scores[row["identifier"], row["wave"], subscale] = sum(answers)
    changes: dict[tuple[str, str, str, str], list[int]] = {}
    for (number, wave, subscale), score in scores.items():
        before = scores.get((number, "baseline", subscale))
        if wave == "baseline" or before is None:
            continue
        person = people[number]
        for organisation in (person["organisation"], "all"):
            for arm in (person["arm"], "all"):
                key = (organisation, arm, wave, subscale)
                changes.setdefault(key, []).append(score - before)
    written = list(csv.DictReader(io.StringIO(_files(PLAN)["truth/changes.csv"].decode())))
    assert {
        (row["organisation"], row["arm"], row["to_wave"], row["subscale"]): (
            int(row["n"]),
            float(row["mean_change"]),
        )
        for row in written
    } == {key: (len(found), sum(found) / len(found)) for key, found in changes.items()}


def test_expected_changes_are_written_with_the_shift_of_each_organisation() -> None:
    expected = json.loads(_files(PLAN)["truth/expected.json"])
    general = {
        (row["arm"], row["to_wave"], row["subscale"]): row["expected_change"]
        for row in expected["in_general"]
    }
    primary = general["programme", "session_10", "burnout"]
    assert primary == expected_change("burnout", "baseline", "session_10")
    for row in expected["organisations"]:
        if (row["arm"], row["to_wave"], row["subscale"]) == ("programme", "session_10", "burnout"):
            # Ten items; the limits of the answers swallow some of it.
            share = (row["expected_change"] - primary) / (10 * row["shift_per_burnout_item"])
            assert 0.75 < share < 1


def test_a_workbook_carries_no_clock() -> None:
    books = [path for path in _files(PLAN) if path.endswith(".xlsx")]
    assert books
    for path in books:
        with zipfile.ZipFile(io.BytesIO(_files(PLAN)[path])) as book:
            assert {entry.date_time[0] for entry in book.infolist()} == {1980}
            core = book.read("docProps/core.xml").decode()
            assert core.count("2026-11-23T00:00:00Z") == core.count("dcterms:W3CDTF") == 2


def test_header_records_of_qualtrics_hold_line_breaks_and_no_item_wording() -> None:
    content = _files(PLAN)["landing/simulated-force-01/proqol5_baseline.csv"].decode()
    ids, texts, imports, *rows = csv.reader(io.StringIO(content))
    assert ids[:3] == ["StartDate", "EndDate", "Status"]
    assert ids[17] == "Q4_1"
    assert texts[17].endswith("\n - Question 1")
    assert imports[17] == '{"ImportId":"QID4_1"}'
    assert all(len(row) == len(ids) for row in rows)


def test_one_roster_is_windows_1252() -> None:
    content = _files(PLAN)["landing/simulated-force-02/roster.csv"]
    with pytest.raises(UnicodeDecodeError):
        content.decode("utf-8")
    assert content.decode("cp1252").startswith("Officer n°,")


def test_identifiers_lie_in_wait_where_nobody_asked_for_them() -> None:
    people = _table(PLAN, "people")
    named = people.filter("named_in_file")
    assert named.height == 1
    files = [path for path in _files(PLAN) if named["name"].item() in path]
    assert len(files) == 1
    comments = _files(PLAN)[files[0]].decode()
    assert any(f"This is {name}" in comments for name in people["name"])
    wide = _files(PLAN)["landing/simulated-force-04/proqol5.csv"].decode()
    assert "@simulated.invalid" in wide
    read = {(m.organisation, m.source): m for m in _mappings(PLAN).values()}
    assert "Remarks" not in read["simulated-force-04", "proqol5"].columns.values()


def test_comments_name_and_number_people_and_some_say_nothing_of_anybody() -> None:
    asked = {(m.organisation, m.source) for m in _mappings(PLAN).values() if m.comments}
    assert {organisation for organisation, _ in asked} == {
        f"simulated-force-{place:02}" for place in (2, 3, 6, 9)
    }
    found = [
        (set(kept.texts["text"]), dict(kept.people))
        for reading in _readings(PLAN).values()
        if (kept := reading.comments) is not None
    ]
    texts = set().union(*(said for said, _ in found))
    assert {"Nights make it hard to get to the sessions"} < texts
    people = _table(PLAN, "people")
    for kind in ("name", "officer_number"):
        assert any(word in text for word in people[kind] for text in texts)
    assert any("@SIMULATED.INVALID" in text for text in texts)
    assert any("07700 900" in text for text in texts)
    assert all(columns for _, columns in found), "names stand in columns of the same files"


def test_without_faults_every_row_is_sound() -> None:
    plan = SimulationPlan(as_of=AS_OF, organisations=5, participants=150, faults=False)
    assert _rows(plan)["broken"].list.len().sum() == 0
    assert _table(plan, "faults").is_empty()


def test_without_dropout_nobody_departs_and_the_baseline_is_everybodys() -> None:
    plan = SimulationPlan(
        as_of=AS_OF, organisations=3, participants=120, dropout=False, faults=False
    )
    assert not [path for path in _files(plan) if "departures" in path]
    baseline = _rows(plan).filter(kind="questionnaire", wave="baseline")
    assert baseline.height == 120


def test_layouts_and_waves_are_those_of_the_plan() -> None:
    plan = SimulationPlan(
        as_of=AS_OF,
        organisations=4,
        participants=80,
        layouts=(Layout.WIDE_CSV,),
        waves=("baseline", "session_10"),
    )
    assert set(_rows(plan)["wave"].drop_nulls()) == {"baseline", "session_10"}
    header = _files(plan)["landing/simulated-force-02/proqol5.csv"].decode().splitlines()[0]
    assert header.split(",")[-1] == "Q30_s10"


def test_large_organisations_send_no_workbooks() -> None:
    plan = SimulationPlan(
        as_of=AS_OF, organisations=2, participants=900, layouts=(Layout.MICROSOFT_FORMS,)
    )
    suffixes = {path.rsplit(".", 1)[1] for path in _files(plan) if "proqol5." in path}
    assert {"csv", "xlsx", "yaml"} >= suffixes
    organisations = draw_population(plan).organisations
    assert {o.layout for o in organisations} == {Layout.QUALTRICS_LABELS, Layout.MICROSOFT_FORMS}
