"""A thousand items with labels and verdicts, and their report: inside a process of the house."""

from __future__ import annotations

import io
import json
import random
import time
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from annotation.models import GuidelineVersion, Item
from annotation.rules.labeltable import LabelRow
from annotation.services import label_import
from calibration.services import reports
from judges.models import Run
from judges.services import verdicts_import
from tests import builders
from tests.bench import filling

KINDS = {
    "difficulty": ("easy", "medium", "hard"),
    "case": ("representative", "edge_case", "adversarial"),
    "source": ("log", "manual", "synthetic"),
}


def make(*, items: int, raters: int) -> None:
    """Fill a project, make its report; printed: seconds of it, the page's address, a session."""
    project = builders.make_project(slug="bench")
    version = builders.make_guideline(project)
    run = _judged(version, items, raters)
    began, busy = time.perf_counter(), time.process_time()
    reports.make(run_id=run.pk, now=builders.NOON)
    took, used = time.perf_counter() - began, time.process_time() - busy
    lead = builders.join(project, builders.make_user(username="lead"), Role.LEAD)
    page = reverse("run_report", args=["bench", run.pk])
    session = _session_of(lead)
    print(json.dumps({"made_s": took, "busy_s": used, "page": page, "session": session}))


def _judged(version: GuidelineVersion, items: int, raters: int) -> Run:
    """Labels one point around the item's own quality, from every rater and from the judge."""
    rng = random.Random(25)
    dataset = builders.make_dataset(version.guideline.project)
    made = filling._items(dataset, list(range(items)))
    for place, item in enumerate(made):
        for name, values in KINDS.items():
            setattr(item, name, values[place * 7 % 11 % len(values)])
    Item.objects.bulk_update(made, list(KINDS))
    keys = [dimension.key for dimension in version.dimensions.all()]
    quality = {(item.pk, key): rng.randint(1, 5) for item in made for key in keys}

    def label(item: Item, key: str) -> str:
        return str(min(5, max(1, quality[item.pk, key] + rng.choice((-1, 0, 0, 0, 1)))))

    people = [
        LabelRow(
            row=0,
            item=item.external_id,
            rater=f"rater {number}",
            label=label(item, key),
            dimension=key,
        )
        for item in made
        for key in keys
        for number in range(raters)
    ]
    label_import.add_labels(
        dataset=dataset,
        rows=people,
        name="people.csv",
        guideline_name=version.guideline.name,
        actor="bench",
        now=builders.NOON,
    )
    lines = ["item,dimension,label"]
    lines += [f"{item.external_id},{key},{label(item, key)}" for item in made for key in keys]
    return verdicts_import.import_verdicts(
        project=dataset.project,
        judge_name="Bench",
        dataset=dataset,
        source=io.BytesIO("\n".join(lines).encode()),
        name="judge.csv",
        columns={},
        values={},
        actor="command",
        now=builders.NOON,
    ).run


def _session_of(user: User) -> str:
    """A session as signing in leaves it."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    key: str = session.session_key
    return key
