"""Forms about projects, members, tokens, and the filter of the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import RegexValidator

from accounts import queries
from accounts.models import Project, Rater, User
from accounts.queries import AuditFilter
from accounts.roles import Role, Scope

ROLE_CHOICES = [
    (Role.RATER.value, "Rater: rates items in rounds"),
    (Role.LEAD.value, "Lead: data, guidelines, rounds, judges"),
    (Role.ADJUDICATOR.value, "Adjudicator: decides where raters differ"),
    (Role.ADMIN.value, "Admin: people, tokens, approvals"),
]
NEW_SLUG = "new"
USERNAME = RegexValidator(r"\A[\w.@+-]+\Z", "Letters, digits and @ . + - _ only, no spaces.")


if TYPE_CHECKING:
    ProjectModelForm = forms.ModelForm[Project]
else:
    ProjectModelForm = forms.ModelForm  # Django's own takes no parameter


class ProjectForm(ProjectModelForm):
    class Meta:
        model = Project
        fields = ("name", "slug")
        labels = {"name": "Name", "slug": "Short name, for the address"}
        help_texts = {
            "name": "What is judged here, as your team calls it.",
            "slug": "Small letters, digits and hyphens; it cannot be changed later.",
        }

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug == NEW_SLUG:
            raise forms.ValidationError("“new” is an address of its own here; choose another.")
        return slug.lower()


class RolesForm(forms.Form):
    """What a member may do; several at once."""

    roles = forms.MultipleChoiceField(
        label="Roles",
        choices=ROLE_CHOICES,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one role."},
    )

    def chosen_roles(self) -> list[Role]:
        return [Role(value) for value in self.cleaned_data["roles"]]


class MemberForm(RolesForm):
    """Lets somebody in who has an account already."""

    username = forms.CharField(
        label="Sign-in name",
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    field_order = ("username", "roles")


class AccountForm(RolesForm):
    """Makes an account with a first password and lets it in."""

    username = forms.CharField(
        label="Sign-in name",
        max_length=150,
        validators=[USERNAME],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    display_name = forms.CharField(
        label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label="First password",
        strip=False,
        help_text="At least 8 characters. Hand it over yourself; nobody is sent a message.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    field_order = ("username", "display_name", "password", "roles")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        password = cleaned.get("password")
        if password:
            person = User(
                username=cleaned.get("username", ""),
                display_name=cleaned.get("display_name", ""),
            )
            try:
                validate_password(password, person)
            except forms.ValidationError as refusal:
                self.add_error("password", refusal)
        return cleaned


class TokenForm(forms.Form):
    """A machine's key to one project."""

    NEVER = "never"
    LASTS = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), (NEVER, "until revoked")]

    name = forms.CharField(
        label="What is it for?",
        max_length=80,
        help_text="For example: nightly check of the support bot.",
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[
            (Scope.JUDGE.value, "ask approved judges for verdicts"),
            (Scope.READ.value, "read datasets, rounds, judges and reports"),
            (Scope.WRITE.value, "import and change data"),
            (Scope.RATE.value, "rate as one rater"),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one scope."},
    )
    rater = forms.ModelChoiceField(
        queryset=Rater.objects.none(),
        required=False,
        label="Rates as",
        empty_label="nobody",
        help_text="Only for a token that rates: it sees and does what this rater does.",
    )
    lasts = forms.ChoiceField(label="It lasts", choices=LASTS, initial="90")

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["rater"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queries.raters_with_account(project)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        may_rate = Scope.RATE.value in cleaned.get("scopes", [])
        if may_rate and cleaned.get("rater") is None and "rater" not in self.errors:
            self.add_error("rater", "Choose whose work the token does.")
        if cleaned.get("rater") is not None and not may_rate:
            self.add_error("rater", "Only a token that may rate is bound to a rater.")
        return cleaned

    def chosen_scopes(self) -> list[Scope]:
        return [Scope(value) for value in self.cleaned_data["scopes"]]

    def expires_at(self, now: datetime) -> datetime | None:
        lasts = self.cleaned_data["lasts"]
        return None if lasts == self.NEVER else now + timedelta(days=int(lasts))


class AuditForm(forms.Form):
    """The filter of the audit trail; nonsense in it is an error, not an empty page."""

    verb = forms.ChoiceField(label="What", required=False)
    actor = forms.ChoiceField(label="Who", required=False)
    day = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Write the day as year-month-day, such as 2026-11-23."},
    )
    before = forms.IntegerField(
        required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        verbs = [
            (verb, verb.replace(".", " ").replace("_", " "))
            for verb in queries.audit_verbs(project)
        ]
        for name, label, choices in (
            ("verb", "anything", verbs),
            ("actor", "anybody", queries.audit_actors(project)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", label), *choices]

    def wanted(self) -> AuditFilter:
        return AuditFilter(**self.cleaned_data)
