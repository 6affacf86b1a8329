"""Files of foreign shapes in the browser: recognised, shown as they are read, overruled."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.models import Dataset, Item, Rating
from core import jobs
from core.models import Job
from tests import shaped
from tests.web.uploading import at, refused, uploaded

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = shaped.as_jsonl(shaped.PAIRS)
AS_THEY_STAND = "Take the file as it stands"
MAPPED = {
    "shape": "pair",
    "broken": "refuse",
    "column_input": "input",
    "column_messages": "messages",
    **{
        f"column_{name}": name
        for name in ("id", "response_a", "response_b", "system_a", "system_b", "cluster")
    },
}


def ran() -> Job:
    job = Job.objects.latest("pk")
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def test_the_preview_says_what_was_recognised(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, PAIRS, "x.jsonl")
    text = lea.get(at("import_map", dataset.pk, upload.pk)).content.decode()
    assert "Recognised by its rows: MT-Bench judgments of pairs" in text
    assert AS_THEY_STAND in text
    assert "81/alpha-7b/beta-13b/1" in text


def test_what_was_recognised_can_be_overruled_and_back(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, PAIRS, "x.jsonl")
    address = at("import_map", dataset.pk, upload.pk)
    text = lea.get(address + "?shape=plain").content.decode()
    assert AS_THEY_STAND not in text
    assert "?shape=auto" in text
    assert "conversation_a" in text


def test_items_and_labels_come_in_from_one_file(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, PAIRS, "x.jsonl")
    answer = lea.post(at("import_map", dataset.pk, upload.pk), MAPPED)
    assert answer.status_code == 302, answer.content.decode()
    assert ran().result["shape"] == "MT-Bench judgments of pairs"
    assert Item.objects.count() == 2
    upload = uploaded(lea, dataset, PAIRS, "x.jsonl", kind="labels")
    address = at("import_labels_map", dataset.pk, upload.pk)
    assert "expert_17" in lea.get(address).content.decode()
    columns = {f"column_{name}": name for name in ("item", "rater", "label")}
    answer = lea.post(address, {"shape": "long", "guideline": "new", **columns})
    assert answer.status_code == 302, answer.content.decode()
    assert ran().state == "done"
    assert Rating.objects.count() == 3


def test_a_plain_reading_is_kept_for_the_next_try(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, shaped.as_json(shaped.TASKS), "x.json")
    address = at("import_map", dataset.pk, upload.pk)
    fields = {
        "shape": "single",
        "broken": "refuse",
        "path_input": "data.question",
        "path_response": "data.nowhere",
    }
    assert "nowhere" in refused(lea.post(address + "?shape=plain", fields))
    fields["path_response"] = "data.answer"
    assert lea.post(address + "?shape=plain", fields).status_code == 302
    assert Job.objects.latest("pk").plan["shape"] == "plain"
    assert AS_THEY_STAND not in lea.get(address).content.decode()


def test_a_file_without_people_says_that_it_has_no_labels(lea: Client, dataset: Dataset) -> None:
    body = shaped.as_jsonl(shaped.SINGLES)
    upload = uploaded(lea, dataset, body, "x.jsonl", kind="labels")
    answer = lea.get(at("import_labels_map", dataset.pk, upload.pk), follow=True)
    assert "judged by a language model" in answer.content.decode()


def test_a_shape_that_there_is_not_leads_back(lea: Client, dataset: Dataset) -> None:
    upload = uploaded(lea, dataset, PAIRS, "x.jsonl")
    answer = lea.get(at("import_map", dataset.pk, upload.pk) + "?shape=xml", follow=True)
    assert "There is no shape" in answer.content.decode()
