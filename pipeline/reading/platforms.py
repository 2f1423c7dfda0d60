"""Survey platforms told by their headings.

What stays out: reading what a platform wrote (a module each, beside this one).
"""

from collections.abc import Mapping as Dictionary

from pipeline.reading.records import Records
from pipeline.vocabulary import Platform


def platform_of(records: Records) -> Platform:
    """The platform whose headings a file has; CSV where no other's are found."""
    first, second, third = (records.header(place) for place in range(3))
    names = {name.lower() for name in first}

    def has(*wanted: str) -> bool:
        return {*wanted} <= names

    tests: Dictionary[Platform, bool] = {
        Platform.SPSS: any(records.labels) or records.form == "an SPSS file",
        Platform.QUALTRICS: any(cell.startswith('{"ImportId"') for cell in third)
        or has("recordeddate", "responseid")
        or (first[:1] == ["V1"] and "ResponseID" in second),
        Platform.MICROSOFT_FORMS: first[:1] in (["ID"], ["Id"])
        and has("start time", "completion time"),
        Platform.SURVEYMONKEY: has("respondent id", "collector id") or first[0] == "RespondentID",
        Platform.LIMESURVEY: has("submitdate", "lastpage") or has("date submitted", "last page"),
        Platform.REDCAP: any(name.startswith("redcap_") for name in names)
        or (first[0] == "record_id" and any(name.endswith("_complete") for name in names)),
        Platform.SMARTSURVEY: has("userid", "userno"),
        Platform.JISC: bool({"unique response number", "urn"} & names),
        Platform.GOOGLE_FORMS: first[0] == "Timestamp",
    }
    return next((platform for platform, is_it in tests.items() if is_it), Platform.CSV)
