"""Personal data on the pages of an import: asked for with the mapping, told without a value."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.models import Content, Dataset
from core import jobs
from tests.web.uploading import GOOD_MAP, at, refused, started, uploaded

pytestmark = pytest.mark.django_db

ROWS = "id,question,answer\n1,I am ana@x.org,Call 030 901820.\n2,How?,So.\n"


def test_masking_is_chosen_with_the_mapping_and_told_on_the_imports_page(
    lea: Client, dataset: Dataset
) -> None:
    job = started(lea, dataset, ROWS, {**GOOD_MAP, "personal": "mask", "region": "de"})
    jobs.run(job.pk)
    page = lea.get(at("import_job", job.pk)).content.decode()
    assert "in 1 item, masked" in page
    assert "Where it stood" in page
    assert "x.org" not in page
    assert not Content.objects.filter(body__icontains="901820").exists()
    assert "personal data masked in 1 items" in lea.get(at("dataset", dataset.pk)).content.decode()


def test_looking_and_finding_nothing_says_so(lea: Client, dataset: Dataset) -> None:
    job = started(
        lea, dataset, "id,question,answer\n1,Why?,So.\n", {**GOOD_MAP, "personal": "report"}
    )
    jobs.run(job.pk)
    assert "None was found." in lea.get(at("import_job", job.pk)).content.decode()


def test_a_country_that_there_is_not_is_refused(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, ROWS)
    answer = lea.post(
        at("import_map", dataset.pk, upload.pk), {**GOOD_MAP, "personal": "mask", "region": "XQ"}
    )
    assert "two letters are expected" in refused(answer)
