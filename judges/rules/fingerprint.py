"""What makes two judge versions, or two requests, the same."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from dataclasses import dataclass

from judges.rules.prompting import LAYOUT
from judges.rules.spec import (
    LATER_FIELDS,
    RenderedRequest,
    VersionSpec,
    as_json,
    canonical_json,
)

_LONG_TEXTS = frozenset({"system_template", "user_template", "guideline_text"})
_NAMES = {
    "system_template": "system prompt",
    "user_template": "item prompt",
    "base_url": "asked at",
    "max_tokens": "tokens of an answer, at most",
    "dimensions": "rubric",
    "reasoning_first": "evidence before the label",
    "samples": "samples for each item",
    "capabilities": "what the endpoint can do",
    "parser_version": "parser",
    "with_reference": "reference answer shown",
    "checklists": "checklists in place of scales",
    "examples": "worked examples",
    "is_reworded": "rubric in other words",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs; ``lines`` is a line by line comparison for prompts and lists.

    ``name`` says in words what the field is.
    """

    field: str
    before: str
    after: str
    lines: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return _NAMES.get(self.field, self.field.replace("_", " "))

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def fingerprint(version: VersionSpec) -> str:
    """SHA-256 (hex) over everything of a version that can change a verdict."""
    return _digest({"layout": LAYOUT, "version": _content(version)})


def request_digest(rendered: RenderedRequest, *, provider: str, base_url: str, sample: int) -> str:
    """Key of a stored answer (hex): the request, who is asked, and the sample's number."""
    return _digest(
        {
            "request": rendered.digest,
            "provider": provider,
            "base_url": normal_url(base_url),
            "sample": sample,
        }
    )


def differences(before: VersionSpec, after: VersionSpec) -> tuple[Difference, ...]:
    """What changed from one version to another, field by field, prompts line by line."""
    # A field at the value that changes nothing is not in the JSON: see LATER_FIELDS.
    old, new = ({**LATER_FIELDS, **_content(version)} for version in (before, after))
    return tuple(
        _difference(name, old[name], new[name])
        for name in [field.name for field in dataclasses.fields(VersionSpec)]
        if old[name] != new[name]
    )


def normal_url(url: str) -> str:
    """A base URL without the trailing slash that changes nothing."""
    return url.strip().rstrip("/")


def _content(version: VersionSpec) -> dict[str, object]:
    return as_json(version) | {"base_url": normal_url(version.base_url)}


def _digest(value: object) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _difference(name: str, before: object, after: object) -> Difference:
    old, new = _as_text(before), _as_text(after)
    if isinstance(before, list) or isinstance(after, list):
        return Difference(name, old, new, _changed_lines(_listed(before), _listed(after)))
    if name in _LONG_TEXTS:
        return Difference(name, old, new, _changed_lines(old, new))
    return Difference(name, old, new)


def _changed_lines(before: str, after: str) -> tuple[str, ...]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple(lines)[2:]


def _listed(value: object) -> str:
    """A list with a line for each of its values, so that only what changed is shown."""
    return json.dumps(value, ensure_ascii=False, indent=1)
