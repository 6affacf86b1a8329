"""Every URL pattern of the product, and what to put into it: one line for each name in a route."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from annotation.forms.rating import PREFIX
from judges.models import Call, Decision
from tests.guards.planting import Rows

Values = Callable[[Rows], Sequence[object]]

IN_ADDRESSES: dict[str, Values] = {
    "slug": lambda rows: [rows.project.slug],
    "user_id": lambda rows: [rows.member.pk],
    "key_id": lambda rows: [rows.provider_key.pk],
    "invitation_id": lambda rows: [rows.invitation.pk],
    "token_id": lambda rows: [rows.token.pk],
    "dataset_id": lambda rows: [
        rows.open_set.pk,
        rows.sealed_set.pk,
        rows.served_run.dataset_id,
    ],
    **dict.fromkeys(
        ("seal_one_shot.dataset_id", "seal_retire.dataset_id"),
        lambda rows: [rows.sealed_set.pk, rows.open_set.pk],
    ),
    "item_id": lambda rows: [
        rows.open_items[0].pk,
        rows.sealed_items[0].pk,
        rows.served_run.calls.earliest("pk").item_id,
    ],
    "gold_id": lambda rows: [rows.gold.pk],
    "item_gold.item_id": lambda rows: [
        rows.open_items[0].pk,
        rows.sealed_items[0].pk,
        rows.gold.item_id,
    ],
    "round_item.item_id": lambda rows: [
        rows.open_items[1].pk,
        rows.open_items[0].pk,
        rows.sealed_items[0].pk,
    ],
    "rater_id": lambda rows: [
        rows.own_assignment.rater_id or 0,
        rows.others_assignment.rater_id or 0,
    ],
    "label_id": lambda rows: [rows.contested.pk],
    "adjudication_sealed.dataset_id": lambda rows: [rows.sealed_set.pk],
    "withdrawal_id": lambda rows: [rows.withdrawal.pk],
    "upload_id": lambda rows: [rows.upload.pk],
    "job_id": lambda rows: [rows.job.pk],
    "guideline_id": lambda rows: [rows.preference.guideline_id, rows.draft.guideline_id],
    **dict.fromkeys(
        (
            "guideline_edit.guideline_id",
            "guideline_preview.guideline_id",
            "guideline_publish.guideline_id",
            "guideline_discard.guideline_id",
        ),
        lambda rows: [rows.draft.guideline_id, rows.preference.guideline_id],
    ),
    "guideline_version.version_id": lambda rows: [rows.preference.pk, rows.draft.pk],
    "round_id": lambda rows: [
        rows.open_round.pk,
        rows.draft_round.pk,
        rows.sealed_round.pk,
        rows.imported_round.pk,
        rows.qualification.pk,
        rows.drift_round.pk,
    ],
    "drift_judge.round_id": lambda rows: [rows.drift_round.pk, rows.open_round.pk],
    "round_checks.round_id": lambda rows: [rows.open_round.pk, rows.qualification.pk],
    "round_passed.round_id": lambda rows: [rows.qualification.pk],
    "round_let_in.round_id": lambda rows: [rows.qualification.pk],
    "round_open.round_id": lambda rows: [rows.draft_round.pk, rows.open_round.pk],
    "assignment_id": lambda rows: [
        rows.own_assignment.pk,
        rows.own_lease.pk,
        rows.others_assignment.pk,
    ],
    **dict.fromkeys(
        ("rating_draft.assignment_id", "rating_skip.assignment_id", "rating_flag.assignment_id"),
        lambda rows: [
            rows.own_lease.pk,
            rows.own_assignment.pk,
            rows.others_assignment.pk,
        ],
    ),
    "judge_id": lambda rows: [rows.judge.pk],
    "version_id": lambda rows: [rows.versions[0].pk, rows.versions[2].pk],
    "call_id": lambda rows: [
        Call.objects.filter(run=run_id).earliest("pk").pk
        for run_id in (
            rows.open_run.pk,
            rows.running_run.pk,
            rows.served_run.pk,
            rows.requests[0].run_id,
        )
    ],
    "probe_id": lambda rows: [rows.probe.pk],
    "judge": lambda rows: [rows.judge.slug],
    "judge_slug": lambda rows: [rows.judge.slug],
    "number": lambda rows: [rows.versions[0].number, rows.versions[2].number],
    "run_id": lambda rows: [
        rows.open_run.pk,
        rows.running_run.pk,
        rows.served_run.pk,
        rows.requests[0].run_id,
    ],
    **dict.fromkeys(
        ("run_pause.run_id", "run_cancel.run_id"),
        lambda rows: [rows.running_run.pk, rows.open_run.pk],
    ),
    "table": lambda rows: [
        "ratings",
        "items",
        "labels",
        "verdicts",
        "ledger",
        "decisions",
        "audit",
    ],
    "extension": lambda rows: ["jsonl", "csv"],
    "session_id": lambda rows: [rows.revealed_session.pk, rows.blind_session.pk],
    "session.session_id": lambda rows: [
        rows.blind_session.pk,
        rows.revealed_session.pk,
        rows.draft_session.pk,
    ],
    **dict.fromkeys(
        ("session_edit.session_id", "session_discard.session_id", "session_start.session_id"),
        lambda rows: [rows.draft_session.pk, rows.blind_session.pk],
    ),
    "session_reveal.session_id": lambda rows: [rows.blind_session.pk, rows.revealed_session.pk],
    **dict.fromkeys(
        (
            "session_item.item_id",
            "session_comment.item_id",
            "session_settle.item_id",
            "session_clause.item_id",
        ),
        lambda rows: [
            session.items.earliest("pk").item_id
            for session in (rows.revealed_session, rows.blind_session)
        ],
    ),
    "key": lambda rows: ["preference"],
    "note_id": lambda rows: [rows.clause_note.pk],
    "session_of_round.round_id": lambda rows: [
        rows.blind_session.first_round_id,
        rows.open_round.pk,
    ],
    "review_id": lambda rows: [rows.open_review.pk, rows.closed_review.pk],
    **dict.fromkeys(
        ("review_correct.review_id", "review_clause.review_id"),
        lambda rows: [rows.closed_review.pk, rows.open_review.pk],
    ),
    "position": lambda rows: [1, 2],
    "request_id": lambda rows: [request.pk for request in reversed(rows.requests)],
    "decision_id": lambda rows: [
        Decision.objects.get(request=request).pk for request in rows.requests[:2]
    ],
    "report_id": lambda rows: [rows.report.pk],
}
"""What a name in a route stands for; `url_name.kwarg` goes before `kwarg`."""

NO_ROWS = frozenset({"slug", "number", "table", "extension", "key", "position"})
"""Names that say nothing without another one beside them: they have no foreign values."""

QUERIES: dict[str, Sequence[str]] = {
    "adjudication": ["?state=all", "?after=1", "?dimension=accuracy&state=decided"],
    "audit": ["?verb=round.opened", "?q=pairs&object=round"],
    "dataset": ["?part=sealed"],
    "guideline_differences": ["?before=1.0&after=1.1"],
    "guideline_file": ["?version=1.0"],
    "guideline_new": ["?copy=1"],
    "probe_new": ["?kind=length", "?kind=injection"],
    "reference_labels": ["?subject=1-1-1", "?state=contested", "?state=adjudicated&after=1"],
    "round_agreement": ["?dimension=preference"],
    "ledger": ["?since=2026-11-01&until=2026-12-01", "?since=2025-01-01&until=2026-12-01"],
    "my_answers": ["?q=refund", "?show=changed", "?show=passed", "?label=preference:A"],
    "my_work": ["?each=day"],
    "work": ["?since=2026-11-01&until=2026-12-01&each=day"],
    "work_download": ["?since=2026-11-01&until=2026-12-01"],
    "round_differences": ["?dimension=preference"],
    "round_quality": ["?sort=-agreement", "?which=below"],
    "round_changes": ["?what=items", "?state=out&q=broken"],
    "round_reports": ["?kind=flags&sort=most", "?kind=settled", "?q=flag"],
    "keys": ["?replace=1"],
    "version_profile": ["?model=sim-plumb-1", "?model=some-other"],
    "judge_compare": ["?dimension=preference&first=1", "?first=x"],
    "review": ["?outcome=people_wrong"],
    "run": ["?outcome=ok", "?live=1"],
    "run_differences": ["?at=2", "?dimension=preference&at=99"],
    "session": ["?items=second"],
    "session_new": ["?round=1&count=3"],
    "version_new": ["?base=1&example=1&rule=preference:longer"],
}
"""Pages that show something else by query: url name -> queries beginning with `?`."""


BODIES: dict[str, dict[str, object]] = {
    "api_assignment_submit": {"labels": {"preference": "A"}},
    "approval_decide": {"decision": "refuse", "reason": "It leans to what is shown first."},
    "approval_revoke": {"reason": "The product has changed."},
    "standing_suspend": {"reason": "People complain."},
    "standing_reinstate": {"reason": "Looked into: all is well."},
    "person_erase": {"typed": "ana", "blanks_texts": "on"},
    "person_add": {"username": "olu", "roles": ["lead", "admin"]},
    "project_new": {"name": "Another one", "slug": "another-one"},
    "rating_flag": {"reason": "The response is cut off."},
    "rating_own": {f"{PREFIX}preference": "B"},
    "rating_skip": {"reason": "I do not know the product."},
    "rating_submit": {f"{PREFIX}preference": "A"},
    "tokens": {"name": "mine", "scopes": ["read", "write", "judge"]},
}
"""What is posted where an empty form would be turned away before it could do any harm."""


class UnknownAddress(AssertionError):
    """A route that the tests of isolation cannot fill."""


@dataclass(frozen=True, slots=True)
class Address:
    """One URL pattern; `kwargs` are the names in its route."""

    name: str
    route: str
    kwargs: tuple[str, ...]
    view: Any

    @property
    def is_api(self) -> bool:
        return self.route.startswith("api/v1/")

    @property
    def is_of_a_project(self) -> bool:
        return bool(self.kwargs)


def addresses() -> list[Address]:
    """All patterns of the URL configuration in force, whoever mounted them."""
    return list(_walk(get_resolver().url_patterns, "", ()))


def own_urls(address: Address, rows: Rows) -> list[str]:
    """The address with every combination of the project's rows."""
    choices = [_values(address, kwarg, rows) for kwarg in address.kwargs]
    filled = [
        reverse(address.name, kwargs=dict(zip(address.kwargs, chosen, strict=True)))
        for chosen in itertools.product(*choices)
    ]
    return filled + [url + query for url in filled for query in QUERIES.get(address.name, ())]


def foreign_urls(address: Address, own: Rows, foreign: Rows) -> list[str]:
    """The address with own rows but for one, which is another project's."""
    found = []
    for odd in address.kwargs:
        if odd in NO_ROWS:
            continue
        first = {kwarg: _values(address, kwarg, own)[0] for kwarg in address.kwargs}
        for value in _values(address, odd, foreign):
            found.append(reverse(address.name, kwargs=first | {odd: value}))
    return found


def _values(address: Address, kwarg: str, rows: Rows) -> Sequence[object]:
    values = IN_ADDRESSES.get(f"{address.name}.{kwarg}") or IN_ADDRESSES.get(kwarg)
    if values is None:
        raise UnknownAddress(
            f"The route {address.route!r} takes {kwarg!r}, which the tests of isolation do not "
            "know. Add a line for it to IN_ADDRESSES in tests/guards/addresses.py, with rows of "
            "the scene: open, sealed, and whatever else the page could show."
        )
    return values(rows)


def _walk(
    patterns: Sequence[URLPattern | URLResolver], before: str, kwargs: tuple[str, ...]
) -> Iterator[Address]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        names = kwargs + tuple(pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route, names)
            continue
        if not pattern.name:
            raise UnknownAddress(f"The route {route!r} has no name; give it one in its urls.py.")
        yield Address(pattern.name, route, names, pattern.callback)
