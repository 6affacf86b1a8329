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
from accounts.services.invitations import MOST_USES
from core.filters import search

ROLE_CHOICES = [
    (Role.RATER.value, "Rater: rates items in rounds"),
    (Role.LEAD.value, "Lead: data, guidelines, rounds, judges"),
    (Role.ADJUDICATOR.value, "Adjudicator: decides where raters differ"),
    (Role.ADMIN.value, "Admin: people, tokens, approvals"),
]
NEW_SLUG = "new"
LONGEST_PASSWORD = 1000
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


class NewAccountForm(forms.Form):
    """A name to sign in with, a name to be shown, a first password."""

    username = forms.CharField(
        label="Sign-in name",
        max_length=150,
        validators=[USERNAME],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    display_name = forms.CharField(
        label="Name", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=LONGEST_PASSWORD,
        help_text="At least 8 characters, and none of the common ones.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

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


class AccountForm(NewAccountForm, RolesForm):
    """An admin makes an account with a first password and lets it in."""

    field_order = ("username", "display_name", "password", "roles")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("username", "display_name"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
        self.fields["password"].label = "First password"
        self.fields[
            "password"
        ].help_text = "At least 8 characters. Hand it over yourself; nobody is sent a message."


class InvitationForm(RolesForm):
    """A link that lets somebody in."""

    LASTS = [("1", "a day"), ("7", "7 days"), ("30", "30 days")]

    lasts = forms.ChoiceField(label="The link lasts", choices=LASTS, initial="7")
    most = forms.IntegerField(
        label="How many people may take it",
        min_value=1,
        max_value=MOST_USES,
        initial=1,
        help_text="Whoever has the link can take it: better one link for each person.",
    )
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        help_text="Becomes the address of the new account; nothing is sent to it now.",
    )
    field_order = ("roles", "lasts", "most", "email")

    def expires_at(self, now: datetime) -> datetime:
        return now + timedelta(days=int(self.cleaned_data["lasts"]))


class NewPasswordForm(forms.Form):
    """A password, twice, held against the rules of this house."""

    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=LONGEST_PASSWORD,
        help_text="At least 8 characters, and none of the common ones.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="New password, again",
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        password = cleaned.get("password")
        if password:
            try:
                validate_password(password, self.user)
            except forms.ValidationError as refusal:
                self.add_error("password", refusal)
        if password and "again" in cleaned and cleaned["again"] != password:
            self.add_error("again", "The two are not the same.")
        return cleaned


class ChangePasswordForm(NewPasswordForm):
    """The same by its owner, who shows that they know the old one."""

    old = forms.CharField(
        label="Current password",
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("old", "password", "again")

    def clean_old(self) -> str:
        old: str = self.cleaned_data["old"]
        if not self.user.check_password(old):
            raise forms.ValidationError("This is not your password.")
        return old


class ForgottenForm(forms.Form):
    name = forms.CharField(
        label="Sign-in name or e-mail address",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )


class EraseForm(forms.Form):
    """The sign-in name once more, by hand, and what goes besides the name."""

    blanks_texts = forms.BooleanField(
        label="Erase what they wrote, too", required=False, initial=True
    )
    typed = forms.CharField(
        label="Sign-in name",
        max_length=150,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


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
            (Scope.WRITE.value, "import and change data, run judges on it"),
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


def day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"invalid": "Write the day as year-month-day, such as 2026-11-23."},
    )


class AuditForm(forms.Form):
    """The filter of the audit trail; nonsense in it is an error, not an empty page."""

    q = search("Facts", name="Find in the trail", hint="Words among the facts")
    verb = forms.ChoiceField(label="Did", required=False)
    actor = forms.ChoiceField(label="Who", required=False)
    object = forms.RegexField(
        r"\A[\w.-]+( [\w.-]+)?\Z",
        label="To",
        max_length=129,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "round, or round 12"}),
        error_messages={"invalid": "Write a kind of object, or a kind and a number: round 12."},
    )
    since = day("Since")
    until = day("Until")
    before = forms.IntegerField(
        required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        verbs, actors = queries.audit_choices(
            project,
            verb=str(self.data.get("verb", "")),
            actor=str(self.data.get("actor", "")),
        )
        read = [(verb, verb.replace(".", " ").replace("_", " ")) for verb in verbs]
        for name, label, choices in (
            ("verb", "anything", read),
            ("actor", "anybody", actors),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", label), *choices]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", "This day lies before the first one.")
        return cleaned

    def wanted(self) -> AuditFilter:
        return AuditFilter(**self.cleaned_data)
