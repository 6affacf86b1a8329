"""How a refusal of a service gets into a form, and with which status it goes out."""

from __future__ import annotations

from django import forms

from core.errors import DomainError


def add_refusal(form: forms.BaseForm, refusal: DomainError) -> None:
    """The fields that the refusal names get its words; else the form as a whole."""
    known = {name: texts for name, texts in refusal.fields.items() if name in form.fields}
    if not known:
        form.add_error(None, [refusal.sentence, *refusal.fields.get("rows", [])])
    for name, texts in known.items():
        form.add_error(name, texts)


def status_of(form: forms.BaseForm) -> int:
    """422 for a form that was sent and refused."""
    return 422 if form.is_bound and form.errors else 200
