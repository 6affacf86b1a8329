"""The file that guidelines travel in: JSON, with every version that is asked for.

docs/guideline-files.md describes it. Reading refuses what it does not know, and says where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NoReturn

from annotation.rules.filereading import Part, refuse
from annotation.rules.keys import NAME_CHARS
from annotation.rules.rubric import (
    MOST_DIMENSIONS,
    MOST_POINTS,
    DimensionSpec,
    dimension_problems,
)
from annotation.rules.scales import LABEL_CHARS, Point
from annotation.rules.writing import (
    ANCHORS_CHARS,
    DIMENSION_NAME_CHARS,
    EXAMPLE_TEXT_CHARS,
    EXAMPLE_TITLE_CHARS,
    EXAMPLE_WHY_CHARS,
    LONGEST_TEXT,
    MOST_EXAMPLES,
    QUESTION_CHARS,
    WHAT_CHANGED_CHARS,
    WorkedExample,
    Writing,
)
from annotation.states import DimensionKind, GuidelineForm, Level, RationaleRule, VersionState

FORMAT = "plumbline.guidelines"
FORMAT_VERSION = 1
LARGEST_FILE = 5 * 1024 * 1024
MOST_GUIDELINES = 100
MOST_VERSIONS = 500
HIGHEST_NUMBER = 32_767
NOT_JSON = "This is not a guideline file: it is no JSON that can be read"


@dataclass(frozen=True, slots=True)
class FiledVersion:
    """One version as the file has it."""

    major: int
    minor: int
    state: VersionState
    published_at: datetime | None
    what_changed: str
    writing: Writing

    @property
    def number(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class FiledGuideline:
    """A guideline with its versions, oldest first."""

    name: str
    form: GuidelineForm
    versions: tuple[FiledVersion, ...]


def written(guidelines: Iterable[FiledGuideline]) -> str:
    """The file's text; the same guidelines give the same text."""
    return json.dumps(as_document(guidelines), ensure_ascii=False, indent=2) + "\n"


def as_document(guidelines: Iterable[FiledGuideline]) -> dict[str, Any]:
    """What the file says, before it is text."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "guidelines": [_of_guideline(guideline) for guideline in guidelines],
    }


def read(raw: bytes) -> tuple[FiledGuideline, ...]:
    """The guidelines of a file. `Invalid` (code `guideline_file`) says what is wrong and where."""
    if len(raw) > LARGEST_FILE:
        refuse(f"The file is larger than {LARGEST_FILE // 1024**2} MB.")
    try:
        document = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError:
        refuse("The file is not in UTF-8. Save it as UTF-8 and try again.")
    except RecursionError:
        refuse(f"{NOT_JSON}: it is nested too deeply.")
    except json.JSONDecodeError as error:
        refuse(f"{NOT_JSON}: line {error.lineno}, column {error.colno}: {error.msg}.")
    except ValueError:
        refuse(f"{NOT_JSON}.")
    return read_document(document)


def read_document(document: object) -> tuple[FiledGuideline, ...]:
    """The guidelines of a file that was parsed already."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        refuse(f"This is not a guideline file: it does not begin with the format “{FORMAT}”.")
    file = Part(document, "The file", ("format", "version", "guidelines"))
    if document.get("version") != FORMAT_VERSION:
        refuse(
            f"The file is of version {str(document.get('version'))[:20]}; this Plumbline reads "
            f"version {FORMAT_VERSION}."
        )
    parts = file.parts(
        "guidelines", "guideline", ("name", "form", "versions"), most=MOST_GUIDELINES
    )
    guidelines = tuple(_guideline(part) for part in parts)
    if not guidelines:
        refuse("The file holds no guideline.")
    names = [guideline.name for guideline in guidelines]
    twin = next((name for name in names if names.count(name) > 1), None)
    if twin is not None:
        refuse(f"The file holds two guidelines named “{twin}”.")
    return guidelines


def _of_guideline(guideline: FiledGuideline) -> dict[str, Any]:
    return {
        "name": guideline.name,
        "form": guideline.form.value,
        "versions": [_of_version(version) for version in guideline.versions],
    }


def _of_version(version: FiledVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "state": version.state.value,
        "published_at": version.published_at.isoformat() if version.published_at else None,
        "what_changed": version.what_changed,
        "text": version.writing.text,
        "examples": [asdict(example) for example in version.writing.examples],
        "dimensions": [_of_dimension(spec) for spec in version.writing.dimensions],
    }


def _of_dimension(spec: DimensionSpec) -> dict[str, Any]:
    return {
        "key": spec.key,
        "name": spec.name,
        "question": spec.question,
        "kind": spec.kind.value,
        "level": spec.level_of_measurement.value,
        "points": [asdict(point) for point in spec.points],
        "cut": spec.cut,
        "allow_na": spec.allow_na,
        "rationale": spec.rationale.value,
    }


def _guideline(part: Part) -> FiledGuideline:
    name = part.text("name", NAME_CHARS, needed=True).strip()
    named = part.at(f"guideline “{name}”")
    form = named.choice("form", GuidelineForm)
    versions = tuple(
        _version(one, form)
        for one in named.parts("versions", "version", _VERSION_NAMES, most=MOST_VERSIONS)
    )
    if not versions:
        named.refuse("it has no version")
    numbers = [(version.major, version.minor) for version in versions]
    if numbers != sorted(set(numbers)):
        named.refuse("its versions stand from the oldest to the newest, each number once")
    if any(version.state == VersionState.DRAFT for version in versions[:-1]):
        named.refuse("only its newest version can be a draft")
    return FiledGuideline(name, form, versions)


_VERSION_NAMES = (
    "number",
    "state",
    "published_at",
    "what_changed",
    "text",
    "examples",
    "dimensions",
)
_EXAMPLE_NAMES = ("title", "text", "is_good", "why")
_DIMENSION_NAMES = (
    "key",
    "name",
    "question",
    "kind",
    "level",
    "points",
    "cut",
    "allow_na",
    "rationale",
)


def _version(part: Part, form: GuidelineForm) -> FiledVersion:
    major, minor = _number(part)
    named = part.at(f"version {major}.{minor}", within=True)
    examples = named.parts("examples", "example", _EXAMPLE_NAMES, most=MOST_EXAMPLES)
    dimensions = named.parts("dimensions", "dimension", _DIMENSION_NAMES, most=MOST_DIMENSIONS)
    specs = tuple(_dimension(one, form) for one in dimensions)
    keys = [spec.key for spec in specs]
    if len(keys) != len(set(keys)):
        named.refuse("two of its dimensions have the same key")
    return FiledVersion(
        major=major,
        minor=minor,
        state=named.choice("state", VersionState),
        published_at=named.moment("published_at"),
        what_changed=named.text("what_changed", WHAT_CHANGED_CHARS),
        writing=Writing(
            named.text("text", LONGEST_TEXT), tuple(_example(one) for one in examples), specs
        ),
    )


def _number(part: Part) -> tuple[int, int]:
    number = part.text("number", 11, needed=True)
    major, _, minor = number.partition(".")
    whole = [int(one) for one in (major, minor) if one.isascii() and one.isdecimal()]
    if len(whole) != 2 or not 1 <= whole[0] <= HIGHEST_NUMBER or whole[1] > HIGHEST_NUMBER:
        part.refuse(f"“{number}” is no version number such as 1.0")
    return whole[0], whole[1]


def _example(part: Part) -> WorkedExample:
    return WorkedExample(
        title=part.text("title", EXAMPLE_TITLE_CHARS, needed=True),
        text=part.text("text", EXAMPLE_TEXT_CHARS, needed=True),
        is_good=part.flag("is_good"),
        why=part.text("why", EXAMPLE_WHY_CHARS),
    )


def _dimension(part: Part, form: GuidelineForm) -> DimensionSpec:
    spec = DimensionSpec(
        key=part.text("key", 60, needed=True),
        name=part.text("name", DIMENSION_NAME_CHARS, needed=True),
        question=part.text("question", QUESTION_CHARS),
        kind=part.choice("kind", DimensionKind),
        level=part.choice("level", Level),
        points=_points(part),
        cut=part.text("cut", LABEL_CHARS),
        allow_na=part.flag("allow_na"),
        rationale=part.choice("rationale", RationaleRule),
    )
    problems: Sequence[str] = dimension_problems(spec, form)
    if problems:
        part.refuse(problems[0].removesuffix("."))
    return spec


def _points(part: Part) -> tuple[Point, ...]:
    rows = part.parts("points", "point", ("value", "anchor"), most=MOST_POINTS)
    return tuple(
        Point(row.text("value", LABEL_CHARS, needed=True), row.text("anchor", ANCHORS_CHARS))
        for row in rows
    )


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)
