"""What may be spent beside a run's own budget, and what a project itself says that models cost."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Project
from core.models import TimeStamped
from judges.models.config import Judge


class Purse(models.Model):
    """What calls are paid from: a judge's, in all, or a project's of one calendar month (UTC).

    Made when the first call is paid from it. `month` is the month's first day; a call belongs to
    the month in which it was sent. Kept like a run's money: spent + reserved never exceeds `limit`.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="purses")
    judge = models.OneToOneField(
        Judge, on_delete=models.PROTECT, null=True, blank=True, related_name="purse"
    )
    month = models.DateField(null=True, blank=True)
    limit = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    # What a person set, and what the next month begins with: `limit` is lifted above it when a
    # provider bills more than was reserved.
    set_to = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    spent = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    reserved = models.DecimalField(max_digits=14, decimal_places=6, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "month"], name="purse_of_a_month_once"),
            models.CheckConstraint(
                condition=Q(judge__isnull=True, month__isnull=False)
                | Q(judge__isnull=False, month__isnull=True),
                name="purse_of_a_judge_or_a_month",
            ),
            models.CheckConstraint(
                condition=Q(limit__isnull=True) | Q(limit__gte=F("spent") + F("reserved")),
                name="purse_stays_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"purse of judge {self.judge_id}" if self.judge_id else f"purse of {self.month}"


class OwnPrice(TimeStamped):
    """What a model costs a project from a day on, in US dollars for a million tokens. Append-only.

    A cache price that is empty is the input price.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="own_prices")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    input = models.DecimalField(max_digits=12, decimal_places=6)
    output = models.DecimalField(max_digits=12, decimal_places=6)
    cache_read = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    cache_write_5m = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    cache_write_1h = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    batch_factor = models.DecimalField(max_digits=5, decimal_places=4, default=1)
    source = models.CharField(max_length=70)
    as_of = models.DateField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    author_actor = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(input__gte=0, output__gte=0)
                & (Q(cache_read__isnull=True) | Q(cache_read__gte=0))
                & (Q(cache_write_5m__isnull=True) | Q(cache_write_5m__gte=0))
                & (Q(cache_write_1h__isnull=True) | Q(cache_write_1h__gte=0))
                & Q(batch_factor__gte=0, batch_factor__lte=1),
                name="own_price_is_a_price",
            ),
            models.CheckConstraint(
                condition=~Q(source="") & ~Q(author_actor=""), name="own_price_has_a_source"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "provider", "model"], name="own_price_of_a_model")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model} from {self.as_of}"
