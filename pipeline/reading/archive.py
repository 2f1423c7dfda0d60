"""Zip archives: what lies in one, taken out within limits.

What belongs here: which archives are refused, and unpacking no more than was declared and allowed.
What stays out: what the unpacked bytes are. Nothing is ever unpacked onto a disk, and no name of
what lies inside is repeated: it may name people.
"""

import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Final

from pipeline.programme import Limits
from pipeline.reading.records import Unreadable

MARKS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
)
_LITTER: Final = re.compile(
    r"(?:^|/)(?:__MACOSX/|\.[^/]*$|thumbs\.db$|desktop\.ini$)", re.IGNORECASE
)
_CLIMBS: Final = re.compile(r"^/|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)")
_ENCRYPTED: Final = 0x1
_WORKBOOK_PARTS: Final = (b"[Content_Types].xml", b"xl/")


def opened(content: bytes) -> zipfile.ZipFile:
    """The archive that bytes are; raises Unreadable where its directory is damaged."""
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (*_DAMAGE, NotImplementedError):
        raise _damaged(content) from None


def only_file(archive: zipfile.ZipFile, limits: Limits) -> bytes:
    """The bytes of the one file in an archive; what systems add of their own does not count."""
    entries = archive.infolist()
    if any(_CLIMBS.search(entry.filename.replace("\\", "/")) for entry in entries):
        raise Unreadable(
            "the archive holds a path that leads out of its folder; pack the export itself anew"
        )
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        raise Unreadable("the archive holds a link and not a file; pack the export itself")
    files = [
        entry
        for entry in entries
        if not entry.filename.endswith("/") and not _LITTER.search(entry.filename)
    ]
    if not files:
        raise Unreadable("the archive holds no file; ask for the export again")
    if len(files) > 1:
        raise Unreadable(
            f"the archive holds {len(files)} files; unpack it and put each export into landing "
            "by itself"
        )
    return unpacked(archive, files, limits)[0]


def unpacked(
    archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], limits: Limits
) -> list[bytes]:
    """The bytes of some entries; raises Unreadable before more is unpacked than the limits allow.

    An entry that holds more than it declares is cut off there and fails its checksum.
    """
    entries = list(entries)
    left = limits.unpacked_bytes
    if sum(entry.file_size for entry in entries) > left:
        raise _too_large(limits)
    contents = []
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise Unreadable("the archive is protected by a password; pack the export without one")
        try:
            with archive.open(entry) as file:
                content = file.read(left + 1)
                whole = len(content) > left or not file.read(1)
        except (NotImplementedError, RuntimeError):
            raise Unreadable(
                "the archive is packed in a way that is not supported; pack it as an ordinary .zip"
            ) from None
        except _DAMAGE:
            raise _damaged(entry.filename.encode("utf-8", "replace")) from None
        if not whole or len(content) > left:
            raise _too_large(limits)
        left -= len(content)
        contents.append(content)
    return contents


def _too_large(limits: Limits) -> Unreadable:
    return Unreadable(
        f"unpacked, the file is larger than {limits.unpacked_megabytes} MB; send it in parts, or "
        "raise limits.unpacked_megabytes in programme.yaml"
    )


def _damaged(content: bytes) -> Unreadable:
    if any(part in content for part in _WORKBOOK_PARTS):
        return Unreadable(
            "the workbook is damaged or cut short; open it in a spreadsheet, save it again as "
            ".xlsx and send that"
        )
    return Unreadable("the archive is damaged or cut short; pack the export again and send that")
