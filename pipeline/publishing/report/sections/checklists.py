"""Two reporting guidelines filled in: STROBE for the study, TIDieR for the programme.

Items are in own words with the guidelines' numbers. What the programme file and the release do not
say is left for the evaluators: nothing is made up here.
"""

from pipeline.publishing.report.blocks import Checklist, Section
from pipeline.publishing.report.context import Context
from pipeline.publishing.report.passages import Fixed, Passage, passage
from pipeline.publishing.report.sections.common import in_midst

OPEN = passage("To be filled in by the evaluators.")


def checklists(context: Context) -> Section:
    return Section(
        "checklists", passage("Reporting checklists"), [_strobe(context), _tidier(context)]
    )


def _strobe(context: Context) -> Checklist:
    primary = context.programme.primary
    waves = context.waves
    return Checklist(
        "STROBE: what a report of a cohort study should say",
        "von Elm and others, 2007; items in our own words",
        [
            (
                "1",
                "Design named in title and summary",
                passage("Cohort, measured repeatedly; title by the evaluators."),
            ),
            ("2", "Background and reasons", OPEN),
            (
                "3",
                "Aims and hypotheses stated beforehand",
                passage(
                    "Named before data were seen: ",
                    in_midst(primary.subscale),
                    " from ",
                    in_midst(primary.from_wave),
                    " to ",
                    in_midst(primary.to_wave),
                    ". Everything else is secondary.",
                ),
            ),
            ("4", "Design, early in the paper", passage("See “Methods and limits”.")),
            (
                "5",
                "Setting, places and dates",
                passage(
                    "Organisations: “What is left out, and why”. Dates of recruitment: to be "
                    "filled in by the evaluators."
                ),
            ),
            (
                "6",
                "Who could take part and how they were followed up",
                passage(
                    "Everybody on an organisation's roster, followed to ",
                    in_midst(waves[-1]),
                    ". Criteria for being on it: to be filled in by the evaluators.",
                ),
            ),
            (
                "7",
                "Outcomes, exposures and other variables defined",
                passage("See “Methods and limits”."),
            ),
            (
                "8",
                "How each was measured",
                passage(*_instruments(context), ", answered by officers themselves."),
            ),
            (
                "9",
                "What was done about bias",
                passage("Dropout: “Who stayed” and “Could dropout explain it?”."),
            ),
            ("10", "How the size of the study came about", OPEN),
            ("11", "How scores were grouped", passage("Bands: “Low, moderate and high scores”.")),
            (
                "12",
                "Statistical methods, missing data and sensitivity",
                passage("See “Methods and limits” and “Could dropout explain it?”."),
            ),
            ("13", "Numbers at each stage, with a diagram", passage("See “Who took part”.")),
            (
                "14",
                "Who they were, how long they were followed, what is missing",
                passage("See “Who took part” and “Groups of officers side by side”."),
            ),
            ("15", "Outcomes over time", passage("See “How scores moved”.")),
            (
                "16",
                "Estimates with their precision",
                passage("See “What was found” and “How scores moved”."),
            ),
            (
                "17",
                "Other analyses",
                passage("See “Organisations side by side” and “Could dropout explain it?”."),
            ),
            ("18", "Main results against the aims", passage("See “What was found”.")),
            ("19", "Limits", passage("See “Methods and limits”; more by the evaluators.")),
            ("20", "Interpretation", OPEN),
            (
                "21",
                "Whether it holds elsewhere",
                passage("See “Organisations side by side”; judgement by the evaluators."),
            ),
            ("22", "Funding and the funders' part", OPEN),
        ],
    )


def _instruments(context: Context) -> Passage:
    found: list[str | Fixed] = []
    for place, name in enumerate(context.programme.instruments):
        found += [", "] if place else []
        found.append(Fixed(context.programme.instrument(name).title))
    return tuple(found)


def _tidier(context: Context) -> Checklist:
    programme = context.programme
    planned = programme.sessions.planned
    how_much = (
        passage(
            "Planned: ",
            Fixed(str(planned)),
            " sessions, ",
            Fixed(str(programme.sessions.days_between)),
            " days apart.",
        )
        if planned
        else OPEN
    )
    return Checklist(
        "TIDieR: what a description of a programme should say",
        "Hoffmann and others, 2014; items in our own words",
        [
            ("1", "Name", passage(Fixed(programme.title), ".")),
            ("2", "Why it should work", OPEN),
            ("3", "Materials", OPEN),
            ("4", "Procedures", OPEN),
            ("5", "Who gives it, and their training", OPEN),
            ("6", "In which form", OPEN),
            ("7", "Where", OPEN),
            ("8", "When and how much", how_much),
            ("9", "What may be adapted", OPEN),
            ("10", "What was changed on the way", OPEN),
            ("11", "How attendance and quality were to be kept up", OPEN),
            ("12", "How far it was given as planned", _attended(context)),
        ],
    )


def _attended(context: Context) -> Passage:
    if context.printed.has("dose_response"):
        return passage(
            "Sessions attended: table “dose response” of the release. Quality of sessions: to be "
            "filled in by the evaluators."
        )
    return OPEN
