"""Files of labels in by the pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from annotation.models import Dataset, Rating, Round
from core import jobs
from core.models import Job, JobState
from tests import builders
from tests.web.uploading import at, refused, uploaded

pytestmark = pytest.mark.django_db


LABELS = "item,rater,label\ni1,ana,4\ni1,ben,9\n"
LABEL_MAP = {
    "shape": "long",
    "column_item": "item",
    "column_rater": "rater",
    "column_label": "label",
    "values": "",
    "guideline": "new",
}


def labels_job(lea: Client, dataset: Dataset, body: str, fields: dict[str, Any]) -> Job:
    upload = uploaded(lea, dataset, body, "labels.csv", kind="labels")
    answer = lea.post(at("import_labels_map", dataset.pk, upload.pk), fields)
    assert answer.status_code == 302, answer.content.decode()
    job = Job.objects.latest("pk")
    jobs.run(job.pk)
    return Job.objects.get(pk=job.pk)


@pytest.mark.django_db(transaction=True)
def test_wide_labels_come_in_with_their_values(lea: Client, dataset: Dataset) -> None:
    builders.make_pair(dataset, external_id="7")
    body = "idx,annotator1,annotator2\n7,0,1\n"
    upload = uploaded(lea, dataset, body, "labels.csv", kind="labels")
    form = lea.get(at("import_labels_map", dataset.pk, upload.pk)).context["form"]
    assert (form["shape"].value(), form["column_item"].value()) == ("wide", "idx")
    assert form["wide"].value() == ["annotator1", "annotator2"]
    job = labels_job(
        lea,
        dataset,
        body,
        {
            "shape": "wide",
            "column_item": "idx",
            "wide": ["annotator1", "annotator2"],
            "values": "0=tie\r\n1=A\r\n",
            "guideline": "new",
            "new_name": "Preference",
        },
    )
    assert job.result["guideline"] == "Preference"
    assert set(Rating.objects.values_list("label", flat=True)) == {"tie", "A"}
    assert "2 labels imported" in lea.get(at("import_job", job.pk)).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LABELS, "Line 3: "),
        ("item,rater,label\ni9,ana,4\n", "Line 2: there is no item &#x27;i9&#x27;"),
        (f"item,rater,label\ni1,ana,{'x' * 41}\n", "Line 2: the label has 41 characters"),
        ("item,rater,label,dimension\ni1,ana,4,tone\n", "Line 2: the guideline has no dimension"),
    ],
)
def test_labels_that_do_not_fit_are_listed_and_nothing_is_stored(
    lea: Client, dataset: Dataset, body: str, said: str
) -> None:
    builders.make_item(dataset, external_id="i1")
    builders.make_guideline(dataset.project, keys=("accuracy",))
    fields = {**LABEL_MAP, "guideline": "name:Helpfulness"}
    if "dimension" in body:
        fields["column_dimension"] = "dimension"
    job = labels_job(lea, dataset, body, fields)
    assert job.state == JobState.FAILED
    assert said in lea.get(at("import_job", job.pk)).content.decode()
    assert not Rating.objects.exists()
    assert not Round.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"column_item": ""}, "Choose the column that names the item."),
        ({"column_rater": ""}, "Choose the column that names the rater."),
        ({"shape": "wide"}, "Choose at least one column that holds a rater"),
        ({"values": "0"}, "is not a value code"),
        ({"values": "0=A\n0=B"}, "is coded twice"),
        ({"guideline": "name:none"}, "Select a valid choice"),
        ({"path_label": "votes.0"}, "There is no column “votes.0”."),
    ],
)
def test_a_mapping_of_labels_that_does_not_fit_starts_nothing(
    lea: Client, dataset: Dataset, changes: dict[str, str], said: str
) -> None:
    upload = uploaded(lea, dataset, LABELS, "labels.csv", kind="labels")
    answer = lea.post(at("import_labels_map", dataset.pk, upload.pk), {**LABEL_MAP, **changes})
    assert said in refused(answer)
    assert not Job.objects.exists()
