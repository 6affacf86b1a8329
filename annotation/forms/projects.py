"""A new project that starts from another one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from accounts.forms import ProjectForm


class ProjectCopyForm(ProjectForm):
    """Its name and address, and whether its people come along: only an admin lets people in."""

    people = forms.BooleanField(
        label="Let the same people in, with the same roles",
        required=False,
        help_text="They see the new project when they next sign in.",
    )

    def __init__(self, data: QueryDict | None, *, may_take_people: bool) -> None:
        super().__init__(data)
        if not may_take_people:
            del self.fields["people"]

    def clean(self) -> dict[str, Any]:
        return super().clean() or self.cleaned_data
