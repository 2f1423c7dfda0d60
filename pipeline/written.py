"""What a person wrote in YAML -> plain values, and the line and sentence for what is wrong with it.

What belongs here: text that is no YAML, keys that stand twice, and pydantic's findings in words.
What stays out: what a file may say (`pipeline/programme.py`, `pipeline/reading/mapping.py`).

Every plain value is text as it was written: YAML would make a truth of `Yes`, and a number of
`0123`, and a cell that says the same would not be found any more. Models take numbers, truths and
days from text.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

Place = tuple[int | str, ...]

CHOSEN_FORM = ("<text>", "<list>", "<entries>")
"""What unions call their forms; a place in the file does not mention them."""


class UnusableConfiguration(Exception):
    """A programme, mapping or key that Muster cannot work with; the message is one sentence."""


def wrong(problem: str, *place: int | str) -> PydanticCustomError:
    """What a model's own check raises; `place` is relative to the model, the sentence unstopped."""
    return PydanticCustomError("wrong", "{problem}", {"problem": problem, "place": place})


def meant(said: str, known: Collection[str]) -> str:
    """The end of a sentence about a word that is not known: what was meant, or what there is."""
    near = get_close_matches(said.lower(), [*known], n=1, cutoff=0.7)
    return f"perhaps `{near[0]}` is meant" if near else f"it may be {_listed([*known])}"


def perhaps(said: str, known: Collection[str]) -> str:
    """Like `meant`, for lists too long to print: nothing where no known word is near."""
    told = meant(said, known)
    return f"; {told}" if told.startswith("perhaps") else ""


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)


# ------------------------------------------------------------------ text


class _AsWritten(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Scalars stay text; only what is left blank, `~` and `null` are nothing."""


_AsWritten.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

_TAB = "a tab stands where only spaces may; indent with spaces"
_IN_WORDS = (
    (("tab character",), _TAB),
    (("mapping values",), "text with a colon and a space in it needs quotes around it"),
    (("alias", "alphabetic", "anchor"), 'text that begins with * or & needs quotes, as in "*.csv"'),
    (("cannot start any token",), 'text that begins with %, @ or ` needs quotes, as in "%d/%m/%Y"'),
    (("a constructor for the tag",), "text that begins with ! needs quotes around it"),
    (("end of stream",), "a quote that opens here never closes"),
    (("expected ',' or",), "a bracket or brace that opens here never closes"),
    (("escape",), "a backslash needs single quotes around the text, as in 'a\\b'"),
    (("another document",), "a file holds one document; take out the line `---`"),
    (
        ("special characters", "control characters"),
        "a sign that cannot be seen stands here; delete it",
    ),
)
"""What the parser says of YAML that is none, and what people did."""


@dataclass(frozen=True, slots=True)
class Written:
    """One file that a person wrote. `said` holds dictionaries, lists, text and None."""

    name: str
    said: Any
    _root: yaml.Node | None

    @classmethod
    def of(cls, text: str, name: str) -> "Written":
        """Raises UnusableConfiguration where the text is no YAML or says one thing twice."""
        try:
            loader = _AsWritten(text)
            root = loader.get_single_node()
            if root is not None:
                _check(root, name, ())
            return cls(name, loader.construct_document(root) if root else None, root)
        except yaml.YAMLError as error:
            line, problem = _line_and_words(error, text)
            raise _unusable(name, line, f"this is not valid YAML; {problem}") from None

    def unusable(self, place: Place, problem: str) -> UnusableConfiguration:
        """The error for a place in the file; `problem` is the sentence without its full stop."""
        return _unusable(self.name, self._line_of(place), problem)

    def refused(self, error: ValidationError, model: type[BaseModel]) -> UnusableConfiguration:
        """The error for what pydantic found that helps most.

        A misspelt field is both missing and unknown; that it is unknown shows the misspelling.
        """
        problems = error.errors(include_url=False)
        first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
        place = tuple(part for part in first["loc"] if part not in CHOSEN_FORM)
        if place[-1:] == ("[key]",):
            place = place[:-1]
        told = _told(first, place, model)
        place += tuple(first.get("ctx", {}).get("place", ()))
        # A check may name the field itself, as in "columns: …".
        field, colon, rest = told.partition(": ")
        if first["type"] == "value_error" and colon and field in _fields_of(model, place):
            place, told = (*place, field), rest
        where = ".".join(str(part) for part in place)
        return self.unusable(place, f"{where}: {told}" if where else told)

    def _line_of(self, place: Place) -> int:
        """Line, counted from 1, of the deepest part of `place` that the file has."""
        node, line = self._root, 1
        for part in place:
            found = _below(node, part)
            if found is None:
                break
            node, line = found
        return line


def _unusable(name: str, line: int, problem: str) -> UnusableConfiguration:
    # What was written may be quoted, and it may have lines.
    return UnusableConfiguration(f"{name} line {line}: {' '.join(problem.split())}.")


def _line_and_words(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    said = f"{getattr(error, 'problem', None) or error}"
    words = next((words for signs, words in _IN_WORDS if any(sign in said for sign in signs)), None)
    mark = getattr(error, "problem_mark", None)
    if words and words.endswith("never closes"):
        # The parser stops where it lost hope, and what it was looking at began elsewhere.
        mark = getattr(error, "context_mark", None) or mark
    lines = text.splitlines() or [""]
    # Of a sign that cannot be read only the place in the text is told.
    place = mark.line if mark else text.count("\n", 0, getattr(error, "position", 0))
    place = min(place, len(lines) - 1)
    if lines[place].lstrip(" ").startswith("\t"):
        words = _TAB
    return place + 1, words or "check indentation and quotes here and above"


def _below(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part].start_mark.line + 1
    return None


def _check(node: yaml.Node, name: str, above: tuple[yaml.Node, ...]) -> None:
    """Refuse keys that stand twice, of which YAML would keep the last and say nothing."""
    line = node.start_mark.line + 1
    if any(node is outer for outer in above):
        raise _unusable(name, line, "an alias names what it stands in; write it out")
    if isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            _check(inner, name, (*above, node))
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            problem = "a key is plain text; text that begins with { or [ needs quotes around it"
            raise _unusable(name, line, problem)
        if key.value in first:
            problem = (
                f"`{key.value}` stands twice, in line {first[key.value]} too; keep one of them"
            )
            raise _unusable(name, line, problem)
        first[key.value] = line
        _check(value, name, (*above, node))


# ------------------------------------------------------------------ what pydantic found


_SENTENCES = {
    "string_type": "text is expected here, one word or line",
    "int_parsing": "a whole number is expected here, such as 14",
    "int_type": "a whole number is expected here, such as 14",
    "bool_parsing": "true or false is expected here",
    "bool_type": "true or false is expected here",
    "tuple_type": "a list is expected here, such as [one, two]",
    "dict_type": "entries such as `key: value` are expected here, indented below it",
    "mapping_type": "entries such as `key: value` are expected here, indented below it",
    "model_type": "entries such as `key: value` are expected here, indented below it",
    "float_parsing": "a number is expected here, such as 0.25",
    "float_type": "a number is expected here, such as 0.25",
    "finite_number": "a number is expected here, such as 0.25",
    "date_from_datetime_parsing": "a day is expected here, such as 2026-09-30",
    "date_from_datetime_inexact": "a day is expected here, such as 2026-09-30",
    "date_parsing": "a day is expected here, such as 2026-09-30",
    "date_type": "a day is expected here, such as 2026-09-30",
    "string_too_short": "it is empty; write something, or take the line out",
    "too_short": "the list is empty; write at least one entry",
    "string_too_long": "it is longer than {max_length} signs; choose a shorter one",
    "string_pattern_mismatch": (
        "use small letters, digits, `_` and single hyphens, as in proqol-wave_1"
    ),
    "greater_than": "more than {gt:g} is expected here",
    "greater_than_equal": "at least {ge:g} is expected here",
    "less_than_equal": "at most {le:g} is expected here",
    "wrong": "{problem}",
}


def _told(problem: ErrorDetails, place: Place, model: type[BaseModel]) -> str:
    context: dict[str, Any] = dict(problem.get("ctx", {}))
    match problem["type"]:
        case "extra_forbidden":
            known = _fields_of(model, place[:-1])
            return f"there is no such field; {meant(str(place[-1]), known)}"
        case "missing":
            about = _about(model, place)
            return f"it is missing{f': {about[:1].lower()}{about[1:]}' if about else ''}"
        case "enum" | "literal_error":
            known = context["expected"].split("'")[1::2]
            said = problem["input"] if isinstance(problem["input"], str) else "this"
            return f"`{said}` is not known; {meant(said, known)}"
        case "string_pattern_mismatch" if "A-Z" in context["pattern"]:
            return "use letters, digits, `_` and hyphens, as in Waiting-list_2"
        case kind if kind in _SENTENCES:
            return _SENTENCES[kind].format_map(context)
        case _:
            said = problem["msg"].removeprefix("Value error, ")
            return f"{said[:1].lower()}{said[1:]}"


def _fields_of(model: type[BaseModel], place: Place) -> list[str]:
    found = _model_at(model, place) or model
    return [field.alias or name for name, field in found.model_fields.items()]


def _about(model: type[BaseModel], place: Place) -> str:
    """The first sentence of what a model says of a field, without its full stop."""
    found = _model_at(model, place[:-1])
    for name, field in found.model_fields.items() if found else ():
        if place[-1] == (field.alias or name):
            return re.split(r"[.;](?:\s|$)", " ".join((field.description or "").split()))[0]
    return ""


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    found: list[Any] = [model]
    for part in place:
        found = [below for annotation in found for below in _annotations_below(annotation, part)]
    return next((one for one in found if _is_model(one)), None)


def _annotations_below(annotation: Any, part: int | str) -> list[Any]:
    """What may stand under one key or place of what is annotated so; unions say several things."""
    if _is_model(annotation):
        fields = annotation.model_fields.items()
        return [
            one
            for name, field in fields
            if (field.alias or name) == part
            for one in _alternatives(field.annotation)
        ]
    inner = get_args(annotation)
    return _alternatives(inner[isinstance(part, str)]) if len(inner) > 1 else []


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {Union, UnionType}:
        return [one for inner in get_args(annotation) for one in _alternatives(inner)]
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    return [annotation]


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
