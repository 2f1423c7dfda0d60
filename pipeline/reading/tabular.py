"""The bytes of a file -> records of text: which kind of file it is, told by its first bytes.

What belongs here: telling kinds of file apart, and the sentence for those that are no export. What
stays out: each kind itself (`delimited.py`, `workbook.py`, `archive.py`) and what a column means.
Nothing raised in reading quotes a cell: a cell may hold a name.
"""

from typing import Final

from pipeline.programme import Limits
from pipeline.reading import archive, spss, workbook
from pipeline.reading.delimited import read_delimited
from pipeline.reading.records import Records, Unreadable, distinct

__all__ = ["Records", "Unreadable", "distinct", "read_records"]

_OLE: Final = bytes.fromhex("D0CF11E0A1B11AE1")
_PROTECTED: Final = "EncryptedPackage".encode("utf-16-le")
_PACKED: Final = (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ\x00")
_WEB_PAGE: Final = (b"<!doctype html", b"<html", b"<table", b"<head", b"<body")
_NEITHER: Final = (b"%PDF", b"{\\rtf", b"<?xml", b'{"', b"[{")


def read_records(content: bytes, limits: Limits | None = None, sheet: str | None = None) -> Records:
    """Records of a CSV, TSV, XLSX or SAV file, or of the only one in a zip archive.

    `sheet` is the sheet of a workbook that counts; without it there may be one with content.
    """
    limits = limits or Limits()
    if not content or content.isspace():
        raise Unreadable("the file is empty; ask for the export again")
    if content.startswith(archive.MARKS):
        with archive.opened(content) as packed:
            if workbook.is_workbook(packed):
                return workbook.read_workbook(packed, limits, sheet)
            content = archive.only_file(packed, limits)
        if content.startswith(archive.MARKS):
            with archive.opened(content) as packed:
                if workbook.is_workbook(packed):
                    return workbook.read_workbook(packed, limits, sheet)
            raise Unreadable(
                "the archive holds another archive; unpack both and put the export itself there"
            )
        return read_records(content, limits, sheet)
    if content.startswith(spss.MARKS):
        return spss.records(content, limits)
    _refuse_other_kinds(content)
    return read_delimited(content, limits)


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(_OLE):
        if _PROTECTED in content:
            raise Unreadable(
                "the workbook is protected by a password; save it without one and send that"
            )
        raise Unreadable("the file is an old workbook (.xls); save it as .xlsx and send that")
    if content.startswith(_PACKED):
        raise Unreadable("the file is packed, and not as .zip; unpack it and put the export there")
    start = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.lower().startswith(_WEB_PAGE):
        raise Unreadable(
            "the file is a web page whatever its name says; open it in a spreadsheet, save it as "
            ".xlsx and send that, or export it again"
        )
    if start.startswith(_NEITHER):
        raise Unreadable("the file is neither text nor a workbook; export it as CSV or XLSX")
