"""Files as they really arrive: broken, odd, turned around by spreadsheets. One case each.

A case is a name, the bytes, and the exact sentence or the exact rows that come of them. A row is
written as its number, whose it is and what it says: `2 PC1 0123 2026-01-05 !completed_on` holds
four answers (`-` unanswered, `?` not an answer), a day, and the fields that were not understood.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pytest
from odd_files import CHECKSUM, FLAGS, METHOD, SIZE, archive, book, changed, with_sheet

from pipeline.programme import Limits, Programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.cells import UNRECOGNISED
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable

ANSWERS = """
organisation: cumbria
source: phq
kind: questionnaire
files: "*"
participant: id
wave: {constant: baseline}
instruments: {phq4: {columns: "Q{item}"}}
"""
DATED = ANSWERS + 'columns: {completed_on: day}\ndate_format: "%d/%m/%Y"\n'
BY_ITSELF = DATED.replace('"%d/%m/%Y"', "auto")
TIMED = ANSWERS + "columns: {duration_seconds: seconds}\n"
CHOICES = ANSWERS.replace('{columns: "Q{item}"}', '{columns: "Q{item}", coding: labels}')
QUESTIONS = ANSWERS.replace("Q{item}", "Over two weeks: {item}")
ROSTER = """
organisation: cumbria
source: roster
kind: roster
files: "*"
participant: Collar no
columns: {service_years: Service, enrolled_on: Joined}
date_format: "%d/%m/%Y"
"""

HEAD = "id,Q1,Q2,Q3,Q4\n"
TWO = HEAD + "PC1,0,1,2,3\nPC2,3,2,1,0\n"
ZOE = HEAD + "Zoë,0,1,2,3\n"
SHEET = [["id", "Q1", "Q2", "Q3", "Q4"], ["PC1", 0, 1, 2, 3], ["PC2", 3, 2, 1, 0]]
BOTH = ("2 PC1 0123", "3 PC2 3210")
OTHER_SHEET = [["note"], ["Zebedee"]]
EMPTY = "the file is empty; ask for the export again"
NO_ROWS = "the file has headings but no rows; ask for the export again"
NEITHER = "the file is neither text nor a workbook; export it as CSV or XLSX"
NO_ENCODING = (
    "the file is neither UTF-8, UTF-16 nor windows-1252 text; export it again as CSV or XLSX"
)
DAMAGED_BOOK = (
    "the workbook is damaged or cut short; open it in a spreadsheet, save it again as .xlsx and "
    "send that"
)
DAMAGED_ARCHIVE = "the archive is damaged or cut short; pack the export again and send that"
CLIMBING = "the archive holds a path that leads out of its folder; pack the export itself anew"
NESTED = "the archive holds another archive; unpack both and put the export itself there"
TOO_LARGE = (
    "unpacked, the file is larger than 1 MB; send it in parts, or raise limits.unpacked_megabytes "
    "in programme.yaml"
)
TWO_SHEETS = (
    "the workbook has 2 sheets with content; name the one that counts as `sheet` in the mapping, "
    "or send it by itself"
)
PROTECTED = "the archive is protected by a password; pack the export without one"
OTHER_PROGRAM = "the file is a document of another program; save the sheet as .xlsx and send that"
WEB_PAGE = (
    "the file is a web page whatever its name says; open it in a spreadsheet, save it as .xlsx and "
    "send that, or export it again"
)
PACKED = "the file is packed, and not as .zip; unpack it and put the export there"


def dated(*days: str, separator: str = ",") -> str:
    rows = [f"PC{n},0,1,2,3,{day}" for n, day in enumerate(days, start=1)]
    text = "\n".join(["id,Q1,Q2,Q3,Q4,day", *rows, ""])
    return text.replace(",", separator)


def dated_sheet(*days: str | float | datetime) -> list[list[str | float | datetime | None]]:
    return [
        ["id", "Q1", "Q2", "Q3", "Q4", "day"],
        *(["PC", 0, 1, 2, 3, day] for day in days),
    ]


def open_order(row: int) -> str:
    return (
        f"day and month cannot be told apart in column `day` (row {row} is the first); say which "
        "comes first with date_format in the mapping, such as %d/%m/%Y"
    )


def other_order(row: int) -> str:
    return (
        f"row {row} of column `day` is a date only with day and month the other way round than "
        "date_format %d/%m/%Y has them; correct date_format in the mapping, or ask for the column "
        "in one order"
    )


def unclosed(row: int) -> str:
    return (
        f"a quote that opens after row {row} never closes properly; the file may be cut short, so "
        "ask for the export again"
    )


def too_many(what: str, found: str, limit: str) -> str:
    return (
        f"the file has {found} {what.replace('workbook_', '')}, and at most {limit} are taken in; "
        f"send it in parts, or raise limits.{what} in programme.yaml"
    )


DEFAULTS = Limits()


@dataclass(frozen=True)
class Case:
    name: str
    content: bytes | str
    expected: str | tuple[str, ...]
    mapping: str = ANSWERS
    limits: Limits = DEFAULTS


ENCODINGS = (
    Case("utf-8", ZOE, ("2 Zoë 0123",)),
    Case("utf-8 with its mark", b"\xef\xbb\xbf" + ZOE.encode(), ("2 Zoë 0123",)),
    Case("utf-16 little-endian", b"\xff\xfe" + ZOE.encode("utf-16-le"), ("2 Zoë 0123",)),
    Case("utf-16 big-endian", b"\xfe\xff" + ZOE.encode("utf-16-be"), ("2 Zoë 0123",)),
    Case("utf-16 little-endian without its mark", ZOE.encode("utf-16-le"), ("2 Zoë 0123",)),
    Case("utf-16 big-endian without its mark", ZOE.encode("utf-16-be"), ("2 Zoë 0123",)),
    Case("utf-32", ZOE.encode("utf-32"), ("2 Zoë 0123",)),
    Case("windows-1252", ZOE.encode("cp1252"), ("2 Zoë 0123",)),
    Case(
        "windows-1252 quotation marks", (HEAD + "“Z”,0,1,2,3\n").encode("cp1252"), ("2 “Z” 0123",)
    ),
    Case("utf-16 cut inside a sign", b"\xff\xfe" + ZOE.encode("utf-16-le")[:-1], NO_ENCODING),
    Case("bytes that no encoding has", HEAD.encode() + b"\x81\x8d,0,1,2,3\n", NO_ENCODING),
    Case(
        "two files of two encodings in one",
        ZOE.encode() + "Chloë,0,1,2,3\n".encode("cp1252"),
        "line 3 of the file is not in the encoding of the others; the file may be cut short or "
        "joined from two, so ask for the export again",
    ),
)

LINE_ENDS = (
    Case("windows", TWO.replace("\n", "\r\n"), BOTH),
    Case("an old mac", TWO.replace("\n", "\r"), BOTH),
    Case("windows, converted twice", TWO.replace("\n", "\r\r\n"), BOTH),
    Case("one of each", HEAD + "PC1,0,1,2,3\rPC2,3,2,1,0\r\nPC3,,,,1", (*BOTH, "4 PC3 ---1")),
    Case("a return alone in quotes is no row", HEAD + '"PC\r1",0,1,2,3\n', ("2 PC\r1 0123",)),
    Case(
        "a return alone in quotes beside one that ends a row",
        HEAD + '"PC\r1",0,1,2,3\rPC2,3,2,1,0\n',
        ("2 PC\r1 0123", "3 PC2 3210"),
    ),
    Case("none after the last row", TWO.rstrip("\n"), BOTH),
)

DELIMITERS = (
    Case("semicolon", TWO.replace(",", ";"), BOTH),
    Case("tab", TWO.replace(",", "\t"), BOTH),
    Case("bar", TWO.replace(",", "|"), BOTH),
    Case("said in the first line", "sep=;\n" + TWO.replace(",", ";"), BOTH),
    Case("said in the first line, with commas", "SEP=,\r\n" + TWO, BOTH),
    Case(
        "other signs inside a quoted heading",
        'id;Q1;Q2;Q3;Q4;"why, when, where, how, and with whom"\nPC1;0;1;2;3;no\n',
        ("2 PC1 0123",),
    ),
    Case(
        "other signs inside a quoted heading of several lines",
        '"id";"why, when,\nwhere, how, and\nwith whom";Q1;Q2;Q3;Q4\nPC1;no;0;1;2;3\n',
        ("2 PC1 0123",),
    ),
    Case(
        "a title above the headings",
        "Survey of 2026\n" + TWO.replace(",", ";"),
        "row 2 has 5 cells and the rows above it have one; delete the text above the headings",
    ),
    Case("answers with a decimal comma", "id;Q1;Q2;Q3;Q4\nPC1;0,0;1,0;2;3\n", ("2 PC1 0123",)),
    Case("half an answer", "id;Q1;Q2;Q3;Q4\nPC1;0,5;1;2;3\n", ("2 PC1 ?123",)),
    Case(
        "seconds with a decimal comma",
        "id;Q1;Q2;Q3;Q4;seconds\nPC1;0;1;2;3;612,4\n",
        ("2 PC1 0123 612",),
        TIMED,
    ),
    Case(
        "a comma that may part thousands",
        "id;Q1;Q2;Q3;Q4;seconds\nPC1;0;1;2;3;1,250\n",
        ("2 PC1 0123 - !duration_seconds",),
        TIMED,
    ),
)

HEADINGS = (
    Case("one twice: the first counts", "id,Q1,Q1,Q2,Q3,Q4\nPC1,0,9,1,2,3\n", ("2 PC1 0123",)),
    Case(
        "one called as the second of two would be",
        "id,Q1,Q1,Q1#2,Q2,Q3,Q4\nPC1,0,9,9,1,2,3\n",
        ("2 PC1 0123",),
    ),
    Case(
        "one called as an empty one would be",
        ",#1,id,Q1,Q2,Q3,Q4\n9,9,PC1,0,1,2,3\n",
        ("2 PC1 0123",),
    ),
    Case("empty ones", "id,,Q1,Q2,,Q3,Q4\nPC1,x,0,1,y,2,3\n", ("2 PC1 0123",)),
    Case("of several lines", '"\nid\n",Q1,Q2,"Q3\r\n",Q4\nPC1,0,1,2,3\n', ("2 PC1 0123",)),
    Case(
        "with non-breaking and unseen spaces",
        "\u00a0id\u200b,Over\u00a0two weeks: 1,Over two\u00a0 weeks: 2,"
        "\ufeffOver two weeks: 3,Over two weeks:\u00a04\nPC1,0,1,2,3\n",
        ("2 PC1 0123",),
        QUESTIONS,
    ),
    Case(
        "with HTML",
        "id,<p>Over two weeks: 1</p>,<b>Over</b> two weeks:<br/>2,"
        'Over&nbsp;two weeks: 3,"<span style=""color: red"">Over</span> two weeks: 4"\n'
        "PC1,0,1,2,3\n",
        ("2 PC1 0123",),
        QUESTIONS,
    ),
    Case(
        "with signs that are no HTML",
        "<id> & co,Q1,Q2,Q3,Q4\nPC1,0,1,2,3\n",
        ("2 PC1 0123",),
        ANSWERS.replace("participant: id", 'participant: "<id> & co"'),
    ),
    Case(
        "in other capitals",
        TWO.replace("id", "ID"),
        "the file has no column `id`; send the usual export, or correct the mapping of source phq",
    ),
    Case(
        "none at all",
        "PC1,0,1,2,3\n",
        "the file has no column `id` and 4 more that the mapping "
        "names; send the usual export, or correct the mapping of source phq",
    ),
    Case(
        "none of them filled",
        "\n,,,,\n , ,\u00a0,,\n",
        "the file has no column `id` and 4 more that "
        "the mapping names; send the usual export, or correct the mapping of source phq",
    ),
)

ROWS = (
    Case("short ones", HEAD + "PC1,0,1\nPC2\n", ("2 PC1 01--", "3 PC2 ----")),
    Case("one longer by empty cells", HEAD + "PC1,0,1,2,3,,\nPC2,3,2,1,0\n", BOTH),
    Case("one longer by spaces", HEAD + "PC1,0,1,2,3\nPC2,3,2,1,0, ,\u00a0\n", BOTH),
    Case(
        "one longer by a cell",
        HEAD + "PC1,0,1,2,3\nPC2,3,2,1,0,Zebedee\n",
        "row 3 has 6 cells where the first row has 5; a delimiter inside an answer needs quotes "
        "around it",
    ),
    Case(
        "one longer by a cell behind an empty one",
        HEAD + "PC1,0,1,2,3,,Zebedee\n",
        "row 2 has 7 cells where the first row has 5; a delimiter inside an answer needs quotes "
        "around it",
    ),
    Case("blank ones on top", "\n\n" + TWO, ("4 PC1 0123", "5 PC2 3210")),
    Case("blank ones on top with delimiters", ",,,,\n" + TWO, ("3 PC1 0123", "4 PC2 3210")),
    Case(
        "blank ones between",
        HEAD + "PC1,0,1,2,3\n\n,,,,\nPC2,3,2,1,0\n",
        ("2 PC1 0123", "5 PC2 3210"),
    ),
    Case("blank ones below", TWO + "\n,,,,\n , ,,,\n\n", BOTH),
    Case(
        "columns without heading or content", "id,Q1,Q2,Q3,Q4,,\nPC1,0,1,2,3,,\n", ("2 PC1 0123",)
    ),
    Case("a quote that never closes", TWO + '"PC3,1,1,1,1\n', unclosed(3)),
    Case("a quote that closes in the wrong place", HEAD + '"PC1"x,0,1,2,3\n', unclosed(1)),
    Case("cut short inside a doubled quote", HEAD + '"PC ""1', unclosed(1)),
    Case(
        "a quote inside a cell", HEAD + 'PC"1,0,1,2,3\nPC2,3,2,1,0\n', ('2 PC"1 0123', "3 PC2 3210")
    ),
    Case("inches", HEAD + '6" PC,0,1,2,3\n5" PC,3,2,1,0\n', ('2 6" PC 0123', '3 5" PC 3210')),
    Case(
        "quotes around everything",
        '"id","Q1","Q2","Q3","Q4"\n"PC1","0","1","2","3"\n',
        ("2 PC1 0123",),
    ),
    Case("cut short inside a row", TWO + "PC3,1", (*BOTH, "4 PC3 1---")),
)

NOTHING = (
    Case("no byte", b"", EMPTY),
    Case("spaces and line ends", " \r\n\t\n", EMPTY),
    Case("a mark of its encoding alone", b"\xef\xbb\xbf", EMPTY),
    Case("a mark and a line end", b"\xff\xfe\n\0", EMPTY),
    Case("a delimiter said and nothing else", "sep=;\n\n", EMPTY),
    Case("headings", HEAD, NO_ROWS),
    Case("headings and blank rows", HEAD + ",,,,\n\n", NO_ROWS),
)

OTHER_KINDS = (
    Case("a document to print", b"%PDF-1.7\n%\xe2\xe3\n", NEITHER),
    Case("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", NEITHER),
    Case("rich text", r"{\rtf1\ansi id,Q1}", NEITHER),
    Case("XML", "<?xml version='1.0'?><rows/>", NEITHER),
    Case("JSON", '{"responses": []}', NEITHER),
    Case("text with a zero in it", HEAD.encode() + b"PC\0,0,1,2,3\n", NEITHER),
    Case(
        "a web page called .xls", "\n<!DOCTYPE html><table><tr><td>id</td></tr></table>", WEB_PAGE
    ),
    Case("a table of a web page", "<TABLE><tr><td>id", WEB_PAGE),
    Case(
        "an old workbook",
        bytes.fromhex("D0CF11E0A1B11AE1") + bytes(500),
        "the file is an old workbook (.xls); save it as .xlsx and send that",
    ),
    Case(
        "a workbook with a password",
        bytes.fromhex("D0CF11E0A1B11AE1") + bytes(500) + "EncryptedPackage".encode("utf-16-le"),
        "the workbook is protected by a password; save it without one and send that",
    ),
    Case("gzip", gzip.compress(TWO.encode()), PACKED),
    Case("7z", b"7z\xbc\xaf\x27\x1c" + bytes(40), PACKED),
    Case(
        "a binary workbook",
        archive({"[Content_Types].xml": b"", "xl/workbook.bin": b""}),
        "the file is a binary workbook (.xlsb); save it as .xlsx and send that",
    ),
    Case(
        "an OpenDocument sheet", archive({"mimetype": b"", "content.xml": b"<x/>"}), OTHER_PROGRAM
    ),
    Case(
        "a letter",
        archive({"[Content_Types].xml": b"", "word/document.xml": b"<x/>"}),
        OTHER_PROGRAM,
    ),
)

DAYS = (
    Case(
        "British",
        dated("13/01/2026", "05/01/2026"),
        ("2 PC1 0123 2026-01-13", "3 PC2 0123 2026-01-05"),
        DATED,
    ),
    Case("without zeros", dated("5/1/2026"), ("2 PC1 0123 2026-01-05",), DATED),
    Case("a year of two digits", dated("05/01/26"), ("2 PC1 0123 - !completed_on",), DATED),
    Case("a day that is none", dated("31/02/2026"), ("2 PC1 0123 - !completed_on",), DATED),
    Case("words", dated("last week"), ("2 PC1 0123 - !completed_on",), DATED),
    Case(
        "as the spreadsheet counts days",
        dated("46027", "46027.375"),
        ("2 PC1 0123 2026-01-05", "3 PC2 0123 2026-01-05"),
        DATED,
    ),
    Case(
        "a number that counts no day of ours",
        dated("10000"),
        ("2 PC1 0123 - !completed_on",),
        DATED,
    ),
    Case("true dates as text", dated("2026-01-13"), ("2 PC1 0123 2026-01-13",), DATED),
    Case(
        "American where British is said", dated("01/05/2026", "01/13/2026"), other_order(3), DATED
    ),
    Case(
        "one American among British",
        dated("13/01/2026", "05/01/2026", "1/14/2026"),
        other_order(4),
        DATED,
    ),
    Case(
        "British where American is said",
        dated("13/01/2026"),
        other_order(2).replace("%d/%m/%Y", "%m/%d/%Y"),
        DATED.replace("%d/%m/%Y", "%m/%d/%Y"),
    ),
    Case(
        "nothing said, by the file day first",
        dated("05/01/2026", "13.01.26"),
        ("2 PC1 0123 2026-01-05", "3 PC2 0123 2026-01-13"),
        BY_ITSELF,
    ),
    Case(
        "nothing said, by the file month first",
        dated("01/05/2026 09:30", "1/13/26 10:00"),
        ("2 PC1 0123 2026-01-05", "3 PC2 0123 2026-01-13"),
        BY_ITSELF,
    ),
    Case(
        "nothing said and nothing to tell by",
        dated("", "05/01/2026", "06/01/2026"),
        open_order(3),
        BY_ITSELF,
    ),
    Case(
        "nothing said and both in one file",
        dated("13/01/2026", "01/13/2026"),
        "row 2 of column `day` has the day first and row 3 of column `day` the month; ask for the "
        "export before it was opened in a spreadsheet, or for dates such as 2026-09-30",
        BY_ITSELF,
    ),
    Case(
        "nothing said and the same either way",
        dated("05/05/2026"),
        ("2 PC1 0123 2026-05-05",),
        BY_ITSELF,
    ),
    Case(
        "nothing said and months in words",
        dated("5-Jan-2026", "13 January 2026"),
        ("2 PC1 0123 2026-01-05", "3 PC2 0123 2026-01-13"),
        BY_ITSELF,
    ),
    Case(
        "nothing said and true dates",
        dated("2026-01-05", "46027"),
        ("2 PC1 0123 2026-01-05", "3 PC2 0123 2026-01-05"),
        BY_ITSELF,
    ),
    Case(
        "nothing said and no date",
        dated("13/13/2026", "soon"),
        ("2 PC1 0123 - !completed_on", "3 PC2 0123 - !completed_on"),
        BY_ITSELF,
    ),
    Case(
        "true dates of a workbook",
        book(dated_sheet(datetime(2026, 1, 5), datetime(2026, 1, 13))),
        ("2 PC 0123 2026-01-05", "3 PC 0123 2026-01-13"),
        DATED,
    ),
    Case(
        "numbers of a workbook that count days",
        book(dated_sheet(46027, 46035.5)),
        ("2 PC 0123 2026-01-05", "3 PC 0123 2026-01-13"),
        DATED,
    ),
    Case(
        "true dates that a spreadsheet of the other order made, and what it could not",
        book(dated_sheet(datetime(2026, 5, 1), "13/01/2026", datetime(2026, 6, 1))),
        "column `day` holds true dates and, from row 3 on, dates as text that a spreadsheet did "
        "not take for dates; it may have turned day and month around in the others, so ask for the "
        "export before it was opened there",
        DATED,
    ),
    Case(
        "true dates beside text that both could be either",
        book(dated_sheet(datetime(2026, 1, 25), "13/01/2026", "05/01/2026")),
        ("2 PC 0123 2026-01-25", "3 PC 0123 2026-01-13", "4 PC 0123 2026-01-05"),
        DATED,
    ),
)

BANDS = (
    Case("25-Jun for 25-6 as an answer", HEAD + "PC1,25-Jun,1,2,3\n", ("2 PC1 ?123",)),
    Case(
        "25-Jun for 25-6 among choices",
        HEAD + "PC1,25-Jun,not at all,Nearly every day,\n",
        ("2 PC1 ?03-",),
        CHOICES,
    ),
    Case(
        "a true date for 25-6 in a workbook",
        book([SHEET[0], ["PC1", datetime(2026, 6, 25), 1, 2, 3]]),
        ("2 PC1 ?123",),
    ),
    Case(
        "10-May for 5-10 years of service",
        'Collar no,Service,Joined\n1001,10-May,05/01/2026\n1002,7,13/01/2026\n1003,"2,5",\n',
        (
            "2 1001 - 2026-01-05 !service_years",
            "3 1002 5_to_9_years 2026-01-13",
            "4 1003 2_to_4_years - !enrolled_on",
        ),
        ROSTER,
    ),
)

NUMBERS = (
    Case(
        "1.2E+06",
        HEAD + "1.2E+06,0,1,2,3\n1.20E+06,3,2,1,0\n",
        ("2 - 0123 !participant", "3 - 3210 !participant"),
    ),
    Case("1,2E+06", "id;Q1;Q2;Q3;Q4\n1,2E+06;0;1;2;3\n", ("2 - 0123 !participant",)),
    Case("4711.0", HEAD + "4711.0,0,1,2,3\n", ("2 4711.0 0123",)),
    Case("zeros in front", HEAD + "0047,0,1,2,3\n", ("2 0047 0123",)),
    Case(
        "a long number of a workbook", book([SHEET[0], [1200000, 0, 1, 2, 3]]), ("2 1200000 0123",)
    ),
    Case("a total below", TWO + "Total,3,3,3,3\n", (*BOTH, "4 - 3333 !row")),
    Case(
        "a total with a colon, in capitals",
        TWO + " GRAND TOTAL: ,3,3,3,3\n",
        (*BOTH, "4 - 3333 !row"),
    ),
    Case("sums without a word", TWO + ",3,3,3,3\n", (*BOTH, "4 - 3333")),
    Case("a total in a workbook", book([*SHEET, ["Sum", 3, 3, 3, 3]]), (*BOTH, "4 - 3333 !row")),
    Case("headings again", TWO + TWO, (*BOTH, "4 - ???? !row", "5 PC1 0123", "6 PC2 3210")),
)

FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="900000"><c r="AAA900000"><v>1</v></c></row>'
WORKBOOKS = (
    Case("plain", book(SHEET), BOTH),
    Case("blank rows on top", book([[], [], *SHEET]), ("4 PC1 0123", "5 PC2 3210")),
    Case("an empty column on the left", book([[None, *row] for row in SHEET]), BOTH),
    Case(
        "truths and numbers with decimals",
        book([SHEET[0], ["PC1", 0.0, 1.5, True, "3"]]),
        ("2 PC1 0??3",),
    ),
    Case("empty", book([]), "the workbook is empty; ask for the export again"),
    Case("two sheets with content", book(OTHER_SHEET, SHEET), TWO_SHEETS),
    Case("the first sheet empty", book([], SHEET, []), BOTH),
    Case("a sheet of spaces beside it", book([[" "]], SHEET), BOTH),
    Case("a hidden sheet beside it", book(OTHER_SHEET, SHEET, hidden=[0]), BOTH),
    Case("a chart beside it", book(SHEET, chart=True), BOTH),
    Case(
        "a sheet that the mapping names",
        book(OTHER_SHEET, SHEET, names=["Notes", "All answers"]),
        BOTH,
        ANSWERS + "sheet: all  Answers\n",
    ),
    Case(
        "no sheet that the mapping names",
        book(OTHER_SHEET, SHEET, names=["Zebedee", "Dougal"]),
        "the workbook has no sheet `Answers`; send the usual export, or correct `sheet` in the "
        "mapping",
        ANSWERS + "sheet: Answers\n",
    ),
    Case(
        "an empty sheet that the mapping names",
        book([], SHEET, names=["Answers", "Dougal"]),
        "the sheet `Answers` of the workbook is empty; ask for the export again",
        ANSWERS + "sheet: Answers\n",
    ),
    Case("a sheet named and the file is text", TWO, BOTH, ANSWERS + "sheet: Answers\n"),
    Case("formatted to the last row and column", book(SHEET, far_format=True), BOTH),
    Case("cut short", book(SHEET)[:700], DAMAGED_BOOK),
    Case(
        "without its sheet",
        archive({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
        DAMAGED_BOOK,
    ),
    Case(
        "two cells far apart",
        with_sheet(book(SHEET), FAR),
        too_many("workbook_cells", "632,700,000", "20,000,000"),
    ),
    Case(
        "a cell in the last row, in other words",
        with_sheet(book(SHEET), "<row r='1048576'><c t='n'><v>1</v></c></row>"),
        too_many("rows", "1,048,576", "1,000,000"),
    ),
    Case(
        "more than the limit when unpacked",
        book([["x" * 30_000 + str(n)] for n in range(40)]),
        TOO_LARGE,
        limits=Limits(unpacked_megabytes=1),
    ),
    Case(
        "more columns than the limit",
        book([[*SHEET[0], "more"]]),
        too_many("columns", "6", "5"),
        limits=Limits(columns=5),
    ),
    Case(
        "more rows than the limit", book(SHEET), too_many("rows", "3", "2"), limits=Limits(rows=2)
    ),
)

ONE_FILE = archive({"answers.csv": TWO.encode()})
ARCHIVES = (
    Case("of one file", ONE_FILE, BOTH),
    Case("of one file, not packed", archive({"answers.csv": TWO.encode()}, method=0), BOTH),
    Case("of a workbook", archive({"a/b/answers.xlsx": book(SHEET)}), BOTH),
    Case(
        "with what systems add",
        archive(
            {
                "a/": b"",
                "a/x.csv": TWO.encode(),
                "__MACOSX/a/._x.csv": b"x",
                "a/.DS_Store": b"x",
                "Thumbs.db": b"x",
            }
        ),
        BOTH,
    ),
    Case(
        "of two files",
        archive({"x.csv": TWO.encode(), "y.csv": TWO.encode()}),
        "the archive holds 2 files; unpack it and put each export into landing by itself",
    ),
    Case("of nothing", archive({}), "the archive holds no file; ask for the export again"),
    Case(
        "of a folder", archive({"a/": b""}), "the archive holds no file; ask for the export again"
    ),
    Case("of a file without a name", archive({"": TWO.encode()}), BOTH),
    Case("of an empty file", archive({"x.csv": b""}), EMPTY),
    Case("of an archive", archive({"x.zip": ONE_FILE}), NESTED),
    Case("of an archive that is called otherwise", archive({"x.csv": ONE_FILE}), NESTED),
    Case("of another kind of file", archive({"x.csv": b"%PDF-1.7\n"}), NEITHER),
    Case("with a path that climbs", archive({"../x.csv": TWO.encode()}), CLIMBING),
    Case(
        "with a path that climbs backwards", archive({"a\\..\\..\\x.csv": TWO.encode()}), CLIMBING
    ),
    Case("with a path from the root", archive({"/etc/x.csv": TWO.encode()}), CLIMBING),
    Case("with a path on another drive", archive({"C:\\x.csv": TWO.encode()}), CLIMBING),
    Case(
        "with a link",
        archive({"x.csv": b"/etc/passwd"}, mode=0o120777),
        "the archive holds a link and not a file; pack the export itself",
    ),
    Case("with a password", changed(ONE_FILE, FLAGS, 1), PROTECTED),
    Case(
        "packed in an unknown way",
        changed(ONE_FILE, METHOD, 99),
        "the archive is packed in a way that is not supported; pack it as an ordinary .zip",
    ),
    Case("with another checksum", changed(ONE_FILE, CHECKSUM, 1), DAMAGED_ARCHIVE),
    Case("cut short", ONE_FILE[:60], DAMAGED_ARCHIVE),
    Case(
        "that unpacks to too much",
        archive({"x.csv": b"0" * 2_000_000}),
        TOO_LARGE,
        limits=Limits(unpacked_megabytes=1),
    ),
    Case(
        "that unpacks to more than it says",
        changed(archive({"x.csv": b"0" * 2_000_000}), SIZE, 1000),
        DAMAGED_ARCHIVE,
        limits=Limits(unpacked_megabytes=1),
    ),
)

LIMITS = (
    Case("as many rows as the limit", TWO, BOTH, limits=Limits(rows=3)),
    Case(
        "a row more than the limit",
        TWO + "PC3,1,1,1,1\n",
        too_many("rows", "more than 3", "3"),
        limits=Limits(rows=3),
    ),
    Case(
        "lines in a cell are no rows",
        HEAD + '"PC\n\n\n1",0,1,2,3\n',
        ("2 PC\n\n\n1 0123",),
        limits=Limits(rows=2),
    ),
    Case("as many columns as the limit", TWO, BOTH, limits=Limits(columns=5)),
    Case(
        "a column more than the limit", TWO, too_many("columns", "5", "4"), limits=Limits(columns=4)
    ),
)

CORPUS = {
    f"{theme}: {case.name}": case
    for theme, cases in {
        "encoding": ENCODINGS,
        "line ends": LINE_ENDS,
        "delimiter": DELIMITERS,
        "headings": HEADINGS,
        "rows": ROWS,
        "nothing but": NOTHING,
        "no export": OTHER_KINDS,
        "days": DAYS,
        "bands": BANDS,
        "numbers": NUMBERS,
        "workbook": WORKBOOKS,
        "archive": ARCHIVES,
        "limits": LIMITS,
    }.items()
    for case in cases
}


def shown(row: dict[str, object], mapping: Mapping) -> str:
    """A canonical row in the notation of the table."""
    words = [str(row["row_number"]), str(row["identifier"] or "-")]
    if mapping.instruments:
        items = [row[f"item_{n}"] for n in range(1, 5)]
        signs = {None: "-", UNRECOGNISED: "?"}
        words.append("".join(str(signs.get(item, item)) for item in items))
    asked = {"service_years": "service_band"}
    words += [str(row[asked.get(name, name)] or "-") for name in mapping.columns]
    marks = row["unrecognised"]
    assert isinstance(marks, list)
    return " ".join([*words, *(f"!{mark}" for mark in marks)])


def rows_of(found: Reading, mapping: Mapping) -> tuple[str, ...]:
    rows = pl.concat([block.rows for block in found.blocks])
    assert found.rows_in_file == found.rows_blank + rows.height
    return tuple(shown(row, mapping) for row in rows.iter_rows(named=True))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_each_file_is_read_exactly_or_refused_in_one_sentence(
    case: Case, mapped: Callable[[str], Mapping], programme: Programme
) -> None:
    content = case.content.encode() if isinstance(case.content, str) else case.content
    mapping = mapped(case.mapping)
    here = programme.model_copy(update={"limits": case.limits})
    if isinstance(case.expected, tuple):
        assert rows_of(read(content, mapping, here), mapping) == case.expected
        return
    with pytest.raises(Unreadable) as refused:
        read(content, mapping, here)
    assert str(refused.value) == case.expected
    # A chained error would carry what the parser quotes of the file.
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_corpus_is_whole() -> None:
    refused = [case for case in CORPUS.values() if isinstance(case.expected, str)]
    assert len(CORPUS) == 168
    assert len(refused) == 71


def test_no_sentence_quotes_what_a_file_holds() -> None:
    for name, case in CORPUS.items():
        if isinstance(case.expected, str):
            assert "Zebedee" not in case.expected, name
            assert "\n" not in case.expected, name
            assert not case.expected.endswith("."), name
