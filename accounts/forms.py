"""Forms about projects, members and tokens."""

from __future__ import annotations

from django import forms

from accounts.models import Project
from accounts.roles import Role, Scope


class ProjectForm(forms.ModelForm[Project]):
    class Meta:
        model = Project
        fields = ("name", "slug")
        labels = {"name": "Name", "slug": "Short name, for the address"}
        help_texts = {"slug": "Small letters, digits and hyphens; it cannot be changed later."}


class MemberForm(forms.Form):
    username = forms.CharField(label="Sign-in name", max_length=150)
    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=[(role.value, role.value.capitalize()) for role in Role],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )

    def chosen_roles(self) -> list[Role]:
        return [Role(value) for value in self.cleaned_data["roles"]]


class TokenForm(forms.Form):
    name = forms.CharField(label="What is it for?", max_length=80)
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=[
            (Scope.JUDGE.value, "Ask approved judges for verdicts"),
            (Scope.READ.value, "Read"),
            (Scope.WRITE.value, "Write"),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one scope."},
    )

    def chosen_scopes(self) -> list[Scope]:
        return [Scope(value) for value in self.cleaned_data["scopes"]]
