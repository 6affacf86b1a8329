"""People, projects and machines: every room asks here "may this person?"."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.crypto import salted_hmac

from accounts.roles import Role
from core.models import TimeStamped


def new_key() -> str:
    return secrets.token_hex(32)


class User(AbstractUser):
    """A person. Audit rows name the pseudonymous `actor`; the name hangs here and can go."""

    display_name = models.CharField(max_length=120, blank=True)
    # Counted up, it ends every session that was begun before.
    session_epoch = models.IntegerField(default=0, db_default=0)
    erased_at = models.DateTimeField(null=True, blank=True)

    @property
    def actor(self) -> str:
        return f"u{self.pk}"

    @property
    def shown_name(self) -> str:
        return self.display_name or self.get_username()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session is held against at every request: the password, and the epoch beside it
        as soon as somebody ended this person's sessions."""
        held: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if not self.session_epoch:
            return held
        salt = "accounts.User.session_epoch"
        return salted_hmac(
            salt, f"{held}:{self.session_epoch}", secret=secret, algorithm="sha256"
        ).hexdigest()


class Project(TimeStamped):
    """A body of work with members, datasets, guidelines and judges."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_demo = models.BooleanField(default=False)
    # Feeds the delimiters around untrusted text in judge prompts; never shown or exported.
    fence_key = models.CharField(max_length=64, default=new_key, editable=False)

    def __str__(self) -> str:
        return self.name


class Membership(TimeStamped):
    """One person in one project, with a set of roles."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    is_rater = models.BooleanField(default=False)
    is_lead = models.BooleanField(default=False)
    is_adjudicator = models.BooleanField(default=False)
    is_admin = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(is_rater=True)
                | Q(is_lead=True)
                | Q(is_adjudicator=True)
                | Q(is_admin=True),
                name="membership_has_a_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.project_id}"

    @property
    def roles(self) -> frozenset[Role]:
        held = {
            Role.RATER: self.is_rater,
            Role.LEAD: self.is_lead,
            Role.ADJUDICATOR: self.is_adjudicator,
            Role.ADMIN: self.is_admin,
        }
        return frozenset(role for role, is_held in held.items() if is_held)


class Rater(TimeStamped):
    """A name in the label tables of one project. Imported raters have no user."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="raters")
    name = models.CharField(max_length=120)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="raters",
    )
    is_simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="rater_name_once"),
            models.UniqueConstraint(
                fields=["project", "user"], name="rater_user_once", condition=Q(user__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(TimeStamped):
    """A machine principal of one project. Only the hash is kept."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(
        max_length=80, validators=[RegexValidator(r"\S", "Give the token a name.")]
    )
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    scopes = models.JSONField(default=list)
    rater = models.ForeignKey(Rater, on_delete=models.PROTECT, null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # To the hour: a token that asks a thousand times a minute writes once.
    last_used_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

    @property
    def actor(self) -> str:
        return f"t{self.pk}"


class Invitation(TimeStamped):
    """A link that lets somebody into a project, with these roles. Only the hash is kept."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    roles = models.JSONField(default=list)
    email = models.EmailField(blank=True)
    most = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(uses__lte=F("most")), name="invitation_not_used_too_often"
            )
        ]

    def __str__(self) -> str:
        return f"invitation …{self.hint}"


class MailState(models.TextChoices):
    NONE = "none"
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Notice(TimeStamped):
    """Something that happened which this person waits for, or has to act on.

    `key` names the event: the same one tells a person once. `mail` is the state of the message
    that goes with it where mail is set up; the row is the queue.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    subject = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=400)
    read_at = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=10, choices=MailState, default=MailState.NONE)
    mail_tries = models.IntegerField(default=0)
    mail_due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="notice_once"),
            models.CheckConstraint(
                condition=Q(mail__in=MailState.values), name="notice_mail_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["user"], name="notice_unread", condition=Q(read_at__isnull=True)),
            models.Index(
                fields=["mail_due_at"], name="notice_mail_due", condition=Q(mail="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class Tries(models.Model):
    """How often something was tried under one name in a while; `key` is a keyed hash."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=1)
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} since {self.since}"
