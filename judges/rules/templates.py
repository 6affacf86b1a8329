"""Templates of a prompt: their variables, the ones to start from, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from judges.rules import capabilities, checklists
from judges.rules.spec import (
    PAIR_LABELS,
    DimensionSpec,
    ItemView,
    VersionSpec,
)
from measurement.scale import GRADED, NOT_APPLICABLE

SYSTEM_VARIABLES = frozenset({"guideline", "rubric", "examples"})
USER_VARIABLES = frozenset(
    {"input", "context", "messages", "reference", "response", "response_a", "response_b"}
)
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}(\n*)")
_BRACES = re.compile(r"\{\{.*?\}\}|\{\{|\}\}", re.DOTALL)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
_THINKING = frozenset({"adaptive", "disabled"})
_STRUCTURED = frozenset({"native", "prompt"})


def default_templates(*, is_pairwise: bool) -> tuple[str, str]:
    """System and user template to start from. Of input and messages an item has one: what was
    asked once, or the turns of a conversation."""
    if is_pairwise:
        task = (
            "You compare two responses to the same question, by the rubric. "
            "The place in which a response stands and its length say nothing about its quality."
        )
        judged: tuple[str, ...] = ("response_a", "response_b")
    else:
        task = (
            "You grade one response to a question, or a conversation, each dimension of the rubric "
            "for itself."
        )
        judged = ("response",)
    names = ("input", "messages", "context", "reference", *judged)
    system = f"{task}\n\n{{{{ guideline }}}}\n\n{{{{ rubric }}}}\n\n{{{{ examples }}}}\n"
    return system, "\n\n".join(f"{{{{ {name} }}}}" for name in names) + "\n"


def substitute(template: str, values: Mapping[str, str]) -> str:
    """Fill the variables in one pass, so that no text of an item is ever read as a template."""

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return value + match[2] if value else ""

    return _VARIABLE.sub(fill, template)


def lint(version: VersionSpec) -> list[str]:
    """What is wrong with a version, as sentences; a version with any cannot be saved."""
    return [sentence for _, sentence in findings(version)]


def findings(version: VersionSpec) -> list[tuple[str, str]]:
    """What is wrong with a version, each sentence with the field of the editor that it is about:
    a template, a setting, `checklist_` with its dimension, or the guideline version.
    """
    system, user = version.system_template, version.user_template
    return [
        *_at("system_template", _template_problems("system", system, SYSTEM_VARIABLES)),
        *_at("user_template", _template_problems("user", user, USER_VARIABLES)),
        *_at("system_template", _missing_in_system(version)),
        *_at("user_template", _missing_in_user(version)),
        *_at("guideline_version", _dimension_problems(version)),
        *((f"checklist_{key}", sentence) for key, sentence in checklists.problems(version)),
        *_setting_problems(version),
        *_at("model", capabilities.problems(version)),
    ]


def shows_reference(version: VersionSpec) -> bool:
    """Whether the judge is shown an item's reference answer."""
    return version.with_reference and "reference" in _variables(version.user_template)


def hidden(version: VersionSpec, item: ItemView) -> str:
    """Which text of an item that has to be shown the user template leaves out, or nothing.

    Without the response nothing is judged. Whoever shows the question has to show it where it is a
    conversation too: a verdict on an answer to nobody knows what would look like any other.
    """
    if version.kind != "prompt":
        return ""  # A baseline reads the item itself.
    used = _variables(version.user_template)
    if item.kind == "single" and "response" not in used:
        return "response"
    if item.messages and "messages" not in used:
        is_judged = item.kind == "conversation" and not (item.response and "response" in used)
        return "messages" if is_judged or "input" in used else ""
    return ""


def _at(field: str, sentences: Iterator[str]) -> Iterator[tuple[str, str]]:
    return ((field, sentence) for sentence in sentences)


def _variables(template: str) -> set[str]:
    return {match[1] for match in _VARIABLE.finditer(template)}


def _template_problems(name: str, template: str, known: frozenset[str]) -> Iterator[str]:
    for variable in sorted(_variables(template) - known):
        yield (
            f"The {name} template uses the unknown variable {variable}. "
            f"Known there are: {', '.join(sorted(known))}."
        )
    for braces in _BRACES.findall(template):
        if not _VARIABLE.fullmatch(braces):
            yield (
                f"The {name} template has braces that name no variable: {braces[:40]!r}. "
                "Write a variable as {{ name }}."
            )


def _missing_in_system(version: VersionSpec) -> Iterator[str]:
    used = _variables(version.system_template)
    if "rubric" not in used:
        yield "The system template leaves out the rubric. Add {{ rubric }}."
    if version.examples and "examples" not in used:
        yield "The system template leaves out the chosen examples. Add {{ examples }}."


def _missing_in_user(version: VersionSpec) -> Iterator[str]:
    used = _variables(version.user_template)
    if version.is_pairwise:
        for name in ("response_a", "response_b"):
            if name not in used:
                yield f"The user template leaves out a response. Add {{{{ {name} }}}}."
    elif not used & {"response", "messages"}:
        yield (
            "The user template leaves out the response. "
            "Add {{ response }}, or {{ messages }} for conversations."
        )


def _dimension_problems(version: VersionSpec) -> Iterator[str]:
    if not version.dimensions:
        yield "The version has no dimension. Add at least one."
    keys = [dimension.key for dimension in version.dimensions]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        yield f"The dimension key {key} occurs more than once."
    if version.is_pairwise and any(d.kind != "pairwise" for d in version.dimensions):
        yield "Pairwise dimensions and others cannot stand in one version. Make two versions."
    for dimension in version.dimensions:
        yield from _one_dimension_problems(dimension)


def _one_dimension_problems(dimension: DimensionSpec) -> Iterator[str]:
    values = dimension.values
    if not _KEY.fullmatch(dimension.key):
        yield (
            f"The dimension key {dimension.key!r} must hold letters, digits, "
            "underscores and hyphens only (at most 60)."
        )
    if len(values) < 2 or len(set(values)) != len(values):
        yield f"The dimension {dimension.key} needs at least two points, all different."
    if NOT_APPLICABLE in values:
        yield f"The dimension {dimension.key}: {NOT_APPLICABLE} is not a point; allow it instead."
    if dimension.kind == "pairwise" and not set(values) <= {*PAIR_LABELS, *GRADED}:
        yield (
            f"The dimension {dimension.key}: pairwise labels are A, B, tie or A2, A1, tie, B1, B2."
        )
    if dimension.cut is not None and (dimension.kind != "scale" or dimension.cut not in values):
        yield f"The dimension {dimension.key}: the cut must be one point of its scale."


def _setting_problems(version: VersionSpec) -> Iterator[tuple[str, str]]:
    if not version.model.strip():
        yield "model", "The version names no model."
    if version.max_tokens < 1:
        yield "max_tokens", "The limit of output tokens must be at least 1."
    if not 1 <= version.samples <= 99:
        yield "samples", "The number of samples must lie between 1 and 99."
    if version.effort is not None and version.effort not in _EFFORTS:
        known = ", ".join(sorted(_EFFORTS))
        yield "effort", f"The effort {version.effort!r} is unknown. Known: {known}."
    if version.thinking is not None and version.thinking not in _THINKING:
        known = ", ".join(sorted(_THINKING))
        yield "thinking", f"The thinking {version.thinking!r} is unknown. Known: {known}."
    if version.structured_output not in _STRUCTURED:
        sentence = (
            f"Structured output {version.structured_output!r} is unknown. "
            "Known: native (a JSON schema is sent), prompt (the schema stands in the prompt)."
        )
        yield "structured_output", sentence
