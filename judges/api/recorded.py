"""Verdicts that a judge gave elsewhere, in by machine."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import token_of
from annotation import access
from annotation.api import imports
from core import mapping
from core.api import key_header, once
from judges.api import serializers
from judges.services import verdicts_import


class DatasetVerdictsView(imports.BringingView):
    """Existing verdicts on the items of a dataset."""

    @extend_schema(
        operation_id="dataset_verdicts_import",
        tags=["imports"],
        parameters=[key_header("nothing is imported twice")],
        request=imports.bodies(serializers.VerdictsImportInput),
        responses={
            201: serializers.VerdictsImportedOutput,
            200: serializers.VerdictsImportedOutput,
            **imports.REFUSALS,
        },
    )
    def post(self, request: Request, slug: str, dataset_id: int) -> Response:
        """Bring the verdicts of a judge that judged elsewhere: each table is a version of it.

        A form with a `file`, the file itself in the body with the options in the query, or rows as
        JSON under `verdicts`. All rows come in, or none: 201. 200 for a table that was here before.
        Sealed items are refused.
        """
        token = token_of(request)
        dataset = access.dataset_of(token.project, dataset_id)
        form = imports.read_input(request, serializers.VerdictsImportInput, "verdicts")
        columns, values = imports.columns_of(form), mapping.parse_values(form["values"])
        file = imports.file_of(request, form, "verdicts")
        verdicts_import.check_size(file.size or 0)

        def act() -> Response:
            file.seek(0)
            done = verdicts_import.import_verdicts(
                project=token.project,
                judge_name=form["judge"],
                dataset=dataset,
                source=cast(BinaryIO, file.file),
                name=file.name or "verdicts",
                columns=columns,
                values=values,
                guideline_name=form["guideline"],
                shape=form["shape"],
                actor=token.actor,
                now=timezone.now(),
            )
            return _imported(done, slug)

        return once(request, token.actor, act, body=imports.said(form, file, "verdicts"))


def _imported(done: verdicts_import.VerdictImport, slug: str) -> Response:
    url = reverse("api_run", args=[slug, done.run.pk])
    body = {
        "judge": done.run.version.judge.slug,
        "version": done.run.version.number,
        "run": done.run.pk,
        "url": url,
        "is_new": done.is_new,
        "verdicts": done.verdicts,
        "items": done.items,
        "repeats": done.repeats,
        "outcomes": done.outcomes,
    }
    made = status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK
    return Response(body, status=made, headers={"Location": url})
