"""Own prices: added, never changed. The newest that has begun counts."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Project, User
from core import audit
from core.errors import Invalid
from judges.models import OwnPrice
from judges.rules.pricing import NO_MODEL_PROVIDERS, PriceRow


@transaction.atomic
def add_price(*, project: Project, price: PriceRow, author: User) -> OwnPrice:
    """What a model costs this project from a day on. Runs that work now keep the price that they
    began with until a worker takes them up again.
    """
    if price.provider in NO_MODEL_PROVIDERS:
        raise Invalid(
            "no_model_asked",
            f"Versions of {price.provider} ask no model and cost nothing.",
            {"provider": ["Versions of this provider ask no model and cost nothing."]},
        )
    row = OwnPrice.objects.create(
        project=project,
        provider=price.provider,
        model=price.model,
        input=price.input,
        output=price.output,
        cache_read=price.cache_read,
        cache_write_5m=price.cache_write_5m,
        cache_write_1h=price.cache_write_1h,
        batch_factor=price.batch_factor,
        source=price.source,
        as_of=price.as_of,
        author=author,
        author_actor=author.actor,
    )
    audit.record(
        actor=author.actor,
        verb="price.set",
        object_type="price",
        object_id=row.pk,
        project_id=project.pk,
        data={
            "provider": price.provider,
            "model": price.model,
            "input": str(price.input),
            "output": str(price.output),
            "as_of": price.as_of.isoformat(),
            "source": price.source,
        },
    )
    return row
