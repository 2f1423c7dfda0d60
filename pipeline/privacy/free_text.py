"""Free text with everything covered that identifies somebody by its form, or by being on file.

What belongs here: the patterns, and putting `[name]` or `[phone]` in the place of what was found.
What stays out: names and numbers that a file's own columns hold (`people.py`), and reading, judging
and keeping texts. It is a net, not a proof: a steward reads every text before anybody else does.

No language model is used: what a form does not give away, such as a nickname or `the only woman on
C relief`, is for the steward to cover. The patterns are compiled when the first text comes.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from pipeline.privacy.people import NOBODY, People, Span
from pipeline.vocabulary import Covered

_DIGEST_BYTES: Final = 16
_CONTROLS: Final = {code: " " for code in range(128) if unicodedata.category(chr(code)) == "Cc"}


def redacted(text: str, people: People = NOBODY) -> str:
    """The text, tidied, with words like `[name]` for all that identifies.

    >>> redacted("Ring Sgt Jones on 07700 900123, or PC 4711")
    'Ring Sgt [name] on [phone], or PC [collar number]'
    """
    plain = tidied(text)
    return _joined_up(with_covered(plain, covered_in(plain, people)))


def covered_in(plain: str, people: People = NOBODY) -> list[Span]:
    """What is covered of a tidied text, in order; no two pieces overlap."""
    return _without_overlaps([*_by_form(plain), *people.found_in(plain)])


def with_covered(text: str, spans: Iterable[Span]) -> str:
    """The text with each span, none of which overlaps another, replaced by what it is."""
    parts, end = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        parts += [text[end : span.start], f"[{span.what}]"]
        end = span.end
    return "".join([*parts, text[end:]])


def tidied(text: str) -> str:
    """Text in its usual letters, without signs that are not seen or that steer a terminal.

    An identifier with one of those in its middle would look whole to a reader and to no pattern.
    """
    if text.isascii():
        shown = text.translate(_CONTROLS)
    else:
        usual = unicodedata.normalize("NFKC", text).replace("\u2019", "'")
        shown = "".join(_sign(sign) for sign in usual)
    # One space at most: forms allow for one, and a Windows line ends in two signs.
    return " ".join(shown.split())


def _sign(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Pd":
        return "-"
    if category in {"Cf", "Co", "Cs", "Cn"}:
        return ""
    return " " if category in {"Cc", "Zl", "Zp"} else sign


def text_digest(text: str, key: bytes) -> str:
    """A keyed digest by which an approval knows the text it was given for.

    Keyed, since short answers could be guessed from a plain hash of them.
    """
    return hmac.digest(key, f"comment\n{text}".encode(), "sha256")[:_DIGEST_BYTES].hex()


def _by_form(text: str) -> Iterator[Span]:
    """What is an address, a number, a name or a day by how it is written."""
    for form in (
        form for sign, forms in _forms_by_sign().items() if sign.search(text) for form in forms
    ):
        for match in form.pattern.finditer(text):
            if form.spares is None or not form.spares.search(match[0]):
                for group in form.groups:
                    if match[group]:
                        yield Span(*match.span(group), form.what)


def _without_overlaps(spans: Sequence[Span]) -> list[Span]:
    """Spans of which none touches another: those that overlap become one, named as the longest."""
    whole: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if whole and span.start < whole[-1].end:
            before = whole.pop()
            what = span.what if span.length > longest else before.what
            longest = max(longest, span.length)
            whole.append(Span(before.start, max(before.end, span.end), what))
        else:
            whole.append(span)
            longest = span.length
    return whole


def _joined_up(text: str) -> str:
    """`[name] [name]` as `[name]`: how many names somebody has says something of them too."""
    return text if text.count("[") < 2 else _SAME_AGAIN.sub(r"\1", text)


_DIGIT: Final = re.compile(r"\d")
_POINT: Final = re.compile(r"[.:]")
_AT: Final = re.compile(r"@|\bat\b", re.IGNORECASE)

_SAME_AGAIN: Final = re.compile(
    rf"(\[(?:{'|'.join(re.escape(what) for what in Covered)})\])(?:[\s,.'-]{{0,3}}\1)+"
)


@dataclass(frozen=True, slots=True)
class _Form:
    """How something that identifies is written; `groups` are what is covered of it."""

    what: Covered
    pattern: re.Pattern[str]
    groups: tuple[int, ...] = (0,)
    spares: re.Pattern[str] | None = None
    """What is not meant although it is written so."""
    sign: re.Pattern[str] = _DIGIT
    """What no text with this form is without: most texts have no sign of most forms, and a sign is
    looked for once for all forms that have it."""


_MONTH: Final = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY: Final = (
    rf"(?:\d{{1,2}}\s?[/.-]\s?\d{{1,2}}\s?[/.-]\s?(?:\d{{4}}|\d{{2}})|\d{{4}}-\d{{1,2}}-\d{{1,2}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?\s?(?:of\s)?{_MONTH}\b(?:,?\s?(?:\d{{4}}|\d{{2}}\b))?|"
    rf"{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s\d{{4}})?)"
)
_RANKS_SHORT: Final = (
    r"pcso|wpc|pc|tdc|dc|ds|ps|wps|sgt|det|di|dci|dsupt|dcs|ci|ch\.?\s?insp|insp|ch\.?\s?supt|supt|"
    r"acc|dcc|cc|sc|ssgt|con|cpl|cdr|cmdr"
)
_RANKS: Final = (
    rf"(?:(?:t|a|temp|acting|temporary|special|det|detective|police|woman|chief|deputy|assistant)"
    rf"[\s./]{{1,2}}){{0,3}}"
    rf"(?:{_RANKS_SHORT}|constable|sergeant|sarge|skipper|inspector|superintendent|commander|"
    rf"commissioner)"
)
_TITLES: Final = r"mr|mrs|ms|miss|mx|dr|prof|professor|rev|reverend|sir|dame|lord|lady|father|canon"
_NAME: Final = r"[A-Z](?-i:[a-z'\u00df-\u00ff]|(?<=[ODM])'?[A-Z]|-[A-Z])[\w'-]*"
_BEFORE_A_NAME: Final = r"(?:van|von|der|den|de|di|da|du|la|le|al|el|bin|ap|ter|ten)"
_CAPITAL_NAME: Final = (
    rf"(?-i:(?:{_BEFORE_A_NAME}\s){{0,2}}{_NAME}(?:\s(?:{_BEFORE_A_NAME}\s){{0,2}}{_NAME})?|"
    rf"(?:[A-Z](?:\.\s?|\s)){{1,3}}{_NAME}|[A-Z][A-Z'-]{{2,}}\b)"
)
_AFTER_A_RANK: Final = (
    r"(?:exams?|boards?|training|course|role|roles|level|levels|rank|ranks|posts?|promotion|process|"
    r"federation|association|only|who|and|or|in|on|at|is|was|for|to|the|my|our|we|i|they|he|she|if|"
    r"but|so|when|then|this|that|it|not|just|also|very|all|please|supervision|session|team|officers?|"
    r"constables?|sergeants?|inspectors?)"
)
_COLLAR_WORDS: Final = (
    r"(?:collar|warrant|shoulder|epaulette|epaulet|badge|lapel)(?:\s?(?:card|number|numbers|num|no|"
    r"nr))?|(?:force|staff|payroll|pay|officer|personnel|employee|service|id|identity)\s?"
    r"(?:number|num|no|nr|id)"
)
_REFERENCE_WORDS: Final = (
    r"crime|cris|cad|log|incident|occurrence|niche|urn|custody|case|investigation|storm|crimint|"
    r"athena"
)
_SHORT_WORDS: Final = (
    "all|and|any|are|but|can|day|did|for|got|had|has|her|him|his|hrs|may|men|min|new|not|now|off|one|"
    "our|out|per|she|the|too|two|was|who|why|you|yrs"
)
"""Words that stand after a number and end no mark of a vehicle."""
_ENDINGS: Final = r"uk|com|org|net|gov|info|io|eu|co|biz|me|ac|edu|int"
_NO_UNITS: Final = (
    r"(?i)(?:\d(?:am|pm|km|kg|mm|cm|ml|mg|gb|mb|tb|kb|hz|st|nd|rd|th|hr|hrs|mph|kph|kw|ft|in|yr|wk|"
    r"pt|yo|mm|pp|kn|nm|kv|bn|ii|iv|vi|ix))$"
)


@cache
def _forms_by_sign() -> dict[re.Pattern[str], list[_Form]]:
    found: dict[re.Pattern[str], list[_Form]] = {}
    for form in _forms():
        found.setdefault(form.sign, []).append(form)
    return found


@cache
def _forms() -> tuple[_Form, ...]:
    addressed = re.compile(
        rf"\b(?:{_RANKS}|{_TITLES}|my name|i am called|i'm called|call me|signed|regards|name:)",
        re.IGNORECASE,
    )

    def form(
        what: Covered,
        pattern: str,
        *groups: int,
        spares: str | None = None,
        exact: bool = False,
        sign: re.Pattern[str] = _DIGIT,
    ) -> _Form:
        return _Form(
            what,
            re.compile(pattern, 0 if exact else re.IGNORECASE),
            groups or (0,),
            re.compile(spares) if spares else None,
            sign,
        )

    return (
        # Addresses of computers. Possessive, and never begun within a word: a text of one long word
        # would take seconds else.
        form(
            Covered.EMAIL,
            r"(?<![\w.+'-])[\w.+'-]++(?:@|\s@\s|\s?[(\[]at[)\]]\s?)[a-z0-9-]+(?:\s?\.\s?[a-z0-9-]+)*",
            sign=_AT,
        ),
        form(
            Covered.EMAIL,
            r"(?<![\w.+'-])(?:[\w+'-]++(?:\.|\sdot\s)){0,4}[\w+'-]++\sat\s"
            rf"(?:[a-z0-9-]++(?:\s?\.\s?|\sdot\s)){{1,5}}(?:{_ENDINGS})\b",
            # `I looked at bbc.co.uk` is no address: the part before has a sign of one, or what
            # comes after is where people have theirs.
            spares=r"(?i)^[a-z'-]+\sat\s(?!.*(?:police|pnn|gmail|hotmail|outlook|yahoo|icloud|nhs|"
            r"proton|\sdot\s))",
            sign=_AT,
        ),
        form(Covered.WEB_ADDRESS, r"\bhttps?://\S+|\bwww\.\S+", sign=_POINT),
        form(
            Covered.WEB_ADDRESS,
            rf"(?<![\w-])(?<!\w\.)(?:[a-z0-9-]++\.)+(?:{_ENDINGS})\b(?:/\S*)?",
            sign=_POINT,
        ),
        form(Covered.WEB_ADDRESS, r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)"),
        form(
            Covered.WEB_ADDRESS,
            r"(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})?(?![\w:])",
            sign=_POINT,
        ),
        form(Covered.ACCOUNT, r"(?<![\w.])@[a-z_]\w{2,}", sign=_AT),
        # Telephones: the UK's with its spaces, any other with its country.
        form(
            Covered.PHONE,
            r"(?<!\w)(?:\+|00)\s?\d{1,3}[\s().-]{0,2}(?:\(0\)[\s.-]?)?\d(?:[\s().-]{0,2}\d){6,11}(?!\d)",
        ),
        form(Covered.PHONE, r"(?<![\w/])\(?0(?:[\s().-]{0,2}\d){9,10}(?!\d)"),
        form(Covered.PHONE, r"(?<![\w/])7\d{3}\s?\d{3}\s?\d{3}(?!\d)"),
        form(
            Covered.PHONE,
            r"\b(?:ext(?:ension|n)?\.?|dial|bleep)\s?(?:no\.?\s?)?(?:is\s)?(\d{3,7})\b",
            1,
        ),
        # The state's and the bank's numbers.
        form(Covered.NATIONAL_INSURANCE, r"\b[a-z]{2}[\s-]?(?:\d{2}[\s-]?){3}[a-d]\b"),
        form(
            Covered.BANK,
            r"\b(?-i:[A-Z]{2})\d{2}(?:\s?(?-i:[A-Z0-9]{4})){3,7}(?:\s?(?-i:[A-Z0-9]{1,3}))?\b",
        ),
        form(Covered.BANK, r"\b\d{2}[-\s]\d{2}[-\s]\d{2}\s{1,3}\d{8}\b"),
        form(Covered.NUMBER, r"(?<![\w/])\d(?:[\s-]?\d){12,18}(?!\w)"),
        form(Covered.NUMBER, r"(?<![\w/.,])\d{7,}(?![\w/])"),
        # Places and cars.
        form(
            Covered.POSTCODE,
            r"\b(?:gir\s?0aa|[a-z]{1,2}\d[a-z\d]?\s?\d[abd-hjlnp-uw-z]{2})\b",
            spares=r"(?i)\s\d(?:st|nd|rd|th)$",
        ),
        form(
            Covered.ADDRESS,
            r"\b\d{1,4}[a-z]?,?\s(?-i:[A-Z][a-z'-]+)(?:\s(?-i:[A-Z][a-z'-]+))?\s(?:street|st|road|rd|"
            r"avenue|ave|lane|close|drive|way|court|crescent|terrace|place|gardens|grove|row|"
            r"square|mews)\b",
        ),
        form(Covered.VEHICLE, rf"\b[a-z]{{2}}\d{{2}}(?:-|\s(?!(?:{_SHORT_WORDS})\b))?[a-z]{{3}}\b"),
        form(
            Covered.VEHICLE,
            rf"\b[A-Z]{{2}}\s\d{{2}}\s(?!(?i:{_SHORT_WORDS})\b)[A-Z]{{3}}\b",
            exact=True,
        ),
        form(
            Covered.VEHICLE,
            r"\b[A-Z](?:[A-Z]\d{2}|\d{1,3})\s(?!AND|ARE|BUT|CAN|DID|FOR|HAD|HAS|NOT|OFF|OUT|THE|WAS|"
            r"WHO)[A-Z]{3}\b",
            exact=True,
        ),
        form(Covered.VEHICLE, r"\b(?:[A-Z]\d{1,3}[A-Z]{3}|[A-Z]{3}\s?\d{1,3}[A-Z])\b", exact=True),
        form(
            Covered.VEHICLE,
            r"\b(?:reg(?:istration)?|vrm|index|plate)(?:\s(?:mark|number|no|plate))?\.?\s?(?:is|was|:)?"
            r"\s?((?-i:[A-Z]{1,3}\s?\d{1,4}(?:\s?[A-Z]{1,3})?|\d{1,4}\s?[A-Z]{1,3}|"
            r"[A-Z]\d{1,3}\s?[A-Z]{3}))\b",
            1,
        ),
        # Crimes and incidents, as forces number them.
        form(Covered.REFERENCE, r"\b\d{2}[a-z]{0,3}\s?/\s?\d{3,7}[a-z]?\s?/\s?(?:20)?\d{2}\b"),
        form(Covered.REFERENCE, r"\b\d{4,8}\s?/\s?(?:20)?\d{2}\b"),
        form(
            Covered.REFERENCE, r"\b(?:cri?|cf|xf|no|in)/(?:[a-z0-9]{2,6}/)?\d{3,8}/(?:20)?\d{2}\b"
        ),
        form(Covered.REFERENCE, r"\b[a-z]{2,4}[-/]\d{2,8}[-/]\d{3,7}\b"),
        form(Covered.REFERENCE, r"\b\d{2}\*\d{4,8}\b"),
        form(Covered.REFERENCE, r"\b[a-z]{2}\d{6,9}[a-z]?/\d{2}\b"),
        form(
            Covered.REFERENCE,
            rf"\b(?:{_REFERENCE_WORDS})(?:\s(?:report|log))?\s?(?:ref(?:erence)?|number|num|no|nr|id)?"
            rf"\.?\s?(?:is|was|:|#)?\s?((?=[\w/*-]*\d{{3}})[a-z]{{0,4}}[-/]?\d[a-z0-9/*-]*"
            rf"(?:\sof\s{_DAY})?)",
            1,
            spares=r"(?i)\s(?:19|20)\d\d$",
        ),
        form(
            Covered.REFERENCE,
            r"\bref(?:erence)?(?:\s(?:number|num|no|nr))?\.?\s?(?:is|was|:|#)?\s"
            r"?((?=[\w/*-]*\d{3})[a-z]{0,4}[-/]?\d[a-z0-9/*-]*)",
            1,
            spares=r"(?i)\s(?:19|20)\d\d$",
        ),
        # Officers' numbers.
        form(
            Covered.COLLAR_NUMBER,
            rf"\b(?:{_COLLAR_WORDS})\.?\s?(?:is|was|:|=|#|-)?\s?#?"
            r"((?-i:[A-Z]|[a-z]){0,4}[-\s]?\d{1,7}(?:-\d{1,5})?(?:[a-z]{1,3})?)\b",
            1,
        ),
        form(Covered.COLLAR_NUMBER, rf"\b(?:{_RANKS})[\s.#-]{{0,2}}(\d{{2,6}}[a-z]{{0,2}})\b", 1),
        form(
            Covered.COLLAR_NUMBER,
            r"\b(?:[C-LN-Z]\d{3,6}|[A-Z]{2,3}\d{3,6}|[A-Z]{1,3}-\d{3,6}|\d{2,5}[A-Z]{2})\b",
            exact=True,
            spares=_NO_UNITS,
        ),
        form(Covered.COLLAR_NUMBER, r"\b(\d{2,6})\s(?:" + _RANKS + r")\b", 1),
        # Names that a rank, a title or a number stands before, or with which people introduce
        # themselves.
        form(
            Covered.NAME,
            rf"\b(?:{_RANKS})\.?,?\s(?:\d{{2,6}}[a-z]{{0,2}}\s)?(?!{_AFTER_A_RANK}\b)({_CAPITAL_NAME})",
            1,
            sign=addressed,
        ),
        form(Covered.NAME, rf"\b(?:{_TITLES})\.?\s({_CAPITAL_NAME})", 1, sign=addressed),
        # Nobody writes these titles in small letters but before a name.
        form(
            Covered.NAME,
            rf"\b(?:mr|mrs)\.?\s(?!{_AFTER_A_RANK}\b)([^\W\d_][\w'-]+)",
            1,
            sign=addressed,
        ),
        form(Covered.NAME, rf"\b\d{{3,5}}\s(?-i:{_NAME}),?\s(?:{_RANKS})\b"),
        form(
            Covered.NAME,
            rf"\b(?:my name(?:'s|\sis)|i am called|i'm called|call me|signed|regards|name:)[,:]?\s"
            rf"({_CAPITAL_NAME})",
            1,
            sign=addressed,
        ),
        form(
            Covered.NAME,
            r"\bmy name(?:'s|\sis)\s((?!(?:not?|nobody|never)\b)[^\W\d][\w'-]*"
            r"(?:\s[^\W\d][\w'-]*)?)",
            1,
            sign=addressed,
        ),
        # Days: what happened on one is known to those who were there.
        form(Covered.DATE, rf"(?<![\w/.-])(?:{_DAY})(?![\w/])"),
        form(
            Covered.DATE,
            r"\b(?:dob|d\.o\.b\.?|date of birth|born)\b\W{0,3}(?:(?:on|in|is)\s)?"
            r"(\d[\d/. -]{3,9}\d)",
            1,
        ),
    )
