"""Files as a lead sends them, and what comes of them."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.models import Dataset, Upload
from core.models import Job

HTMX = {"HX-Request": "true"}
ROWS = "id,question,answer,note\n1,Why?,Because.,x\n2,How?,So.,y\n"
PAIRS = [
    {"idx": 7, "ask": "Why?", "one": "Because.", "two": True, "key": "alpha_beta"},
    {"idx": 8, "ask": "How?", "one": "So.", "two": "Thus.", "key": "alpha_beta"},
]
MAP = {"shape": "single", "broken": "refuse", "column_input": "question"}
GOOD_MAP = {**MAP, "column_response": "answer", "column_id": "id"}


def at(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def file(body: str | bytes, name: str = "items.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body.encode() if isinstance(body, str) else body)


def uploaded(
    lea: Client, dataset: Dataset, body: str | bytes, name: str = "items.csv", kind: str = "items"
) -> Upload:
    answer = lea.post(at(f"import_{kind}", dataset.pk), {"file": file(body, name)})
    assert answer.status_code == 302, answer.content.decode()
    return Upload.objects.latest("pk")


def started(lea: Client, dataset: Dataset, body: str, fields: dict[str, Any]) -> Job:
    upload = uploaded(lea, dataset, body)
    answer = lea.post(at("import_map", dataset.pk, upload.pk), fields)
    assert answer.status_code == 302, answer.content.decode()
    return Job.objects.get()


def refused(answer: Any) -> str:
    assert answer.status_code == 422
    return str(answer.content.decode())
