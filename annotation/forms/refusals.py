"""A service's refusal, put where it can be mended."""

from __future__ import annotations

from django.forms import BaseForm

from core.errors import DomainError, Invalid


def add_refusal(form: BaseForm, refusal: DomainError) -> None:
    """The fields that the refusal names get its words; else the form as a whole."""
    known = {name: texts for name, texts in refusal.fields.items() if name in form.fields}
    if not known:
        form.add_error(None, refusal.sentence)
    for name, texts in known.items():
        form.add_error(name, [refusal.sentence] if len(refusal.fields) == 1 else texts)


def status_of(form: BaseForm) -> int:
    """422 for a form that was sent and refused."""
    return 422 if form.is_bound and form.errors else 200


def demand_valid(form: BaseForm) -> None:
    """Raises Invalid with what is wrong: for a form beside others, that has no page of its own."""
    if not form.is_valid():
        sentences = [str(text) for texts in form.errors.values() for text in texts]
        raise Invalid("invalid", " ".join(sentences))
