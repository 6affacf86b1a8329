"""Approvals in the browser: asking, the forms of a report, deciding once, revoking."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from accounts.roles import Role, Scope
from annotation.services import datasets
from calibration.models import CalibrationReport
from calibration.queries import approvals as queries
from calibration.queries import pictures
from calibration.services import approvals, looks
from core.models import AuditEvent
from judges.models import ApprovalRequest, Decision, EvidenceSnapshot, Standing
from judges.services import decisions
from judges.states import DecisionKind, RequestState
from measurement import planning
from tests import approving, builders, judging
from tests.approving import SEALED_MARK, Scene
from tests.cast import client_for

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PREFERENCE = frozenset({"preference"})


@pytest.fixture(autouse=True)
def _a_simulator_is_named(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return approving.make_scene()


def page_of(asked: ApprovalRequest) -> str:
    return reverse("approval", args=["support", asked.pk])


def decide_at(asked: ApprovalRequest) -> str:
    return reverse("approval_decide", args=["support", asked.pk])


def read(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return re.sub(r"[ \n]+", " ", answer.content.decode())


def second_admin(scene: Scene) -> User:
    return builders.join(scene.project, builders.make_user(username="bea"), Role.ADMIN)


def test_an_admin_reads_the_whole_report_after_a_pass(scene: Scene) -> None:
    asked = approving.measured(scene)
    text = read(client_for(scene.cast.ada), page_of(asked))
    numbers = EvidenceSnapshot.objects.get().numbers
    assert f"<b>{numbers['agreement']['value'] * 100:.1f}\N{NO-BREAK SPACE}%</b>" in text
    assert f"of {numbers['agreement']['n']} sealed items" in text
    assert "Passes the gate" in text
    assert "Judge against people" in text
    assert "Slice" in text
    assert "look 1 of 3" in text
    assert "simulated raters" in text
    assert "No more labels are needed for the gate." in text
    assert "Planted and measured" in text
    assert 'value="approve"' in text
    alpha = CalibrationReport.objects.get().content["dimensions"]["preference"]["people"]["alpha"]
    low, high = (f"{end:.2f}" for end in alpha["interval"])
    shown = f'{alpha["value"]:.2f} <span class="interval">[{low}, {high}]</span>'
    assert shown in text.split("Alpha among them")[1]


def test_the_author_reads_decision_estimate_interval_and_checks_after_a_pass(scene: Scene) -> None:
    asked = approving.measured(scene)
    text = read(client_for(scene.cast.lea), page_of(asked))
    assert "Lower bound of the agreement above 80" in text
    assert "Judge against people" not in text
    assert "Slice" not in text
    assert "Every other figure" not in text
    assert 'value="approve"' not in text


def test_an_admin_who_wrote_any_version_of_the_project_reads_no_more(scene: Scene) -> None:
    asked = approving.measured(scene)
    judging.make_version(scene.judge, scene.guideline, author=scene.cast.ada, model=approving.SLANT)
    text = read(client_for(scene.cast.ada), page_of(asked))
    assert "Judge against people" not in text
    assert 'value="approve"' in text


@pytest.mark.parametrize("who", ["lea", "ada", "noor"])
def test_after_a_look_that_failed_nobody_reads_more_than_the_short_form(
    scene: Scene, who: str
) -> None:
    asked = approving.measured(scene, passes=False)
    text = read(client_for(getattr(scene.cast, who)), page_of(asked))
    numbers = EvidenceSnapshot.objects.get().numbers
    agreement = numbers["agreement"]
    assert f"{round(agreement['value'] * agreement['n'])} of {agreement['n']}" in text
    assert "Lower bound of the agreement above the target" in text
    assert "<b>2</b> looks left" in text
    for name in ("alpha", "kappa", "contested_as_misses"):
        assert f"{numbers[name]['value']:.3f}"[1:] not in text
    assert f"{agreement['value'] * 100:.1f}\N{NO-BREAK SPACE}%" not in text
    assert f"{numbers['lower_bound'] * 100:.1f}" not in text
    assert "Judge against people" not in text
    assert "measured</th>" not in text
    assert numbers["length"]["longer"]["judge"]["n"] > 0
    assert "longer" not in text.lower()


def test_after_a_look_that_failed_the_labels_still_needed_are_those_of_the_count(
    scene: Scene,
) -> None:
    asked = scene.ask()
    assert asked.run is not None
    approving.finish(asked.run, misses=6)
    approvals.measure_finished(run_id=asked.run.pk, now=builders.NOON)
    agreement = EvidenceSnapshot.objects.get().numbers["agreement"]
    # The second look: 1.25 %, with one hit to spare.
    items = planning.gate_items(true=agreement["value"], target=0.8, level=0.0125, spare=1)
    text = read(client_for(scene.cast.lea), page_of(asked))
    assert "does not pass the gate" in text
    assert f"About {items:,} decided items in all" in text
    assert "Slice" not in text
    assert "lower end" not in text


def test_evidence_of_before_is_read_with_what_it_lacks(scene: Scene) -> None:
    asked = approving.measured(scene)
    evidence = EvidenceSnapshot.objects.get()
    report = CalibrationReport.objects.get(request=asked)
    for name in pictures.LATER_PARTS:
        evidence.numbers.pop(name, None)
        report.content["dimensions"]["preference"].pop(name, None)
    EvidenceSnapshot.objects.filter(pk=evidence.pk).update(numbers=evidence.numbers)
    report.save(update_fields=["content"])
    text = read(client_for(scene.cast.ada), page_of(asked))
    assert "Judge against people" in text
    assert "Frozen before these parts were measured" in text


@pytest.mark.parametrize("who", ["lea", "ada", "noor"])
def test_no_page_of_an_approval_names_a_sealed_item(scene: Scene, who: str) -> None:
    asked = approving.measured(scene)
    client = client_for(getattr(scene.cast, who))
    for path in (page_of(asked), reverse("approvals", args=["support"])):
        assert SEALED_MARK not in read(client, path)


def test_while_the_run_goes_on_the_page_shows_counts_alone(scene: Scene) -> None:
    asked = scene.ask()
    text = read(client_for(scene.cast.lea), page_of(asked))
    assert asked.run is not None
    assert f"0 of {asked.run.calls_planned}" in text
    assert 'hx-trigger="every 2s"' in text
    assert "Nobody reads" not in text or "sealed verdict" in text


def test_the_fragment_is_the_page_without_its_frame(scene: Scene) -> None:
    asked = scene.ask()
    answer = client_for(scene.cast.lea).get(page_of(asked), headers=HTMX)
    assert answer.content.decode().lstrip().startswith('<div id="approval"')


def test_a_request_with_too_little_says_what_is_missing() -> None:
    scene = approving.make_scene(pairs=60)
    text = read(client_for(scene.cast.lea), page_of(scene.ask()))
    assert "too little to decide on" in text
    assert "200 needed" in text


def test_an_admin_approves_with_a_reason(scene: Scene) -> None:
    asked = approving.measured(scene)
    ada = client_for(scene.cast.ada)
    answer = ada.post(decide_at(asked), {"decision": "approve", "reason": "Clear of the line."})
    assert answer.status_code == 302
    assert Standing.objects.get().version == scene.version
    assert AuditEvent.objects.filter(verb="judge.approve", actor=scene.cast.ada.actor).exists()
    text = read(ada, page_of(asked))
    assert "Clear of the line." in text
    assert 'value="approve"' not in text
    assert "approved Preference" in text


def test_an_admin_refuses_with_a_reason(scene: Scene) -> None:
    asked = approving.measured(scene, passes=False)
    ada = client_for(scene.cast.ada)
    answer = ada.post(decide_at(asked), {"decision": "refuse", "reason": "Leans to the first."})
    assert answer.status_code == 302
    assert Decision.objects.get().kind == DecisionKind.REFUSE
    assert "Leans to the first." in read(ada, reverse("approvals", args=["support"]))


@pytest.mark.parametrize(
    "forged",
    [
        {"decision": "approve", "reason": "Please."},
        {"decision": "approve", "dimensions": "preference", "reason": "Please."},
        {"decision": "approve", "dimensions": "safety", "reason": "Please."},
        {"decision": "exception", "reason": "Please."},
    ],
)
def test_no_forged_post_approves_what_did_not_pass(scene: Scene, forged: dict[str, str]) -> None:
    asked = approving.measured(scene, passes=False)
    answer = client_for(scene.cast.ada).post(decide_at(asked), forged)
    assert answer.status_code == 422
    assert not Standing.objects.exists()
    assert not Decision.objects.exists()


def test_of_several_dimensions_the_chosen_ones_are_approved(scene: Scene) -> None:
    asked = approving.measured(scene)
    approving.with_second_dimension(asked, gate="pass")
    ada = client_for(scene.cast.ada)
    page = read(ada, page_of(asked))
    assert "passes the gate for <b>2</b> of 2 dimensions" in page
    # Long pages: the head leads to each dimension's part.
    for key in ("preference", "tone"):
        assert f'href="#d-{key}"' in page
        assert f'id="d-{key}"' in page
    ada.post(
        decide_at(asked), {"decision": "approve", "dimensions": ["tone"], "reason": "Tone only."}
    )
    assert Standing.objects.get().dimensions == ["tone"]
    assert Decision.objects.get().dimensions == {"preference": "refuse", "tone": "approve"}


def test_a_dimension_that_failed_cannot_be_chosen_beside_one_that_passed(scene: Scene) -> None:
    asked = approving.measured(scene)
    approving.with_second_dimension(asked, gate="fail")
    answer = client_for(scene.cast.ada).post(
        decide_at(asked),
        {"decision": "approve", "dimensions": ["preference", "tone"], "reason": "Both."},
    )
    assert answer.status_code == 422
    assert not Standing.objects.exists()


def test_covering_less_than_before_has_to_be_confirmed(scene: Scene) -> None:
    asked = approving.measured(scene)
    approving.with_second_dimension(asked, gate="pass")
    ada = client_for(scene.cast.ada)
    both = ["preference", "tone"]
    ada.post(decide_at(asked), {"decision": "approve", "dimensions": both, "reason": "Both."})
    following = scene.ask(scene.another())
    assert following.run is not None
    approving.finish(following.run, misses=12)
    approvals.measure_finished(run_id=following.run.pk, now=builders.NOON)
    assert "also covers tone" in read(ada, page_of(following))
    sent = {"decision": "approve", "reason": "Better."}
    assert ada.post(decide_at(following), sent).status_code == 409
    assert ada.post(decide_at(following), {**sent, "may_shrink": "on"}).status_code == 302
    assert Standing.objects.get().dimensions == ["preference"]


def test_what_is_left_out_of_the_boxes_can_be_confirmed_as_well(scene: Scene) -> None:
    both = ["preference", "tone"]
    ada = client_for(scene.cast.ada)
    asked = approving.measured(scene)
    approving.with_second_dimension(asked, gate="pass")
    ada.post(decide_at(asked), {"decision": "approve", "dimensions": both, "reason": "Both."})
    following = scene.ask(scene.another())
    assert following.run is not None
    approving.finish(following.run, misses=12)
    approvals.measure_finished(run_id=following.run.pk, now=builders.NOON)
    approving.with_second_dimension(following, gate="pass", number=2)
    assert "may_shrink" not in read(ada, page_of(following))
    sent = {"decision": "approve", "dimensions": ["tone"], "reason": "Tone only."}
    answer = ada.post(decide_at(following), sent)
    assert answer.status_code == 409
    page = re.sub(r"[ \n]+", " ", answer.content.decode())
    assert "Go on, though the approval in force also covers Preference" in page
    assert ada.post(decide_at(following), {**sent, "may_shrink": "on"}).status_code == 302
    assert Standing.objects.get().dimensions == ["tone"]


def test_a_decision_without_a_reason_is_asked_for_one(scene: Scene) -> None:
    asked = approving.measured(scene)
    answer = client_for(scene.cast.ada).post(decide_at(asked), {"decision": "approve"})
    assert answer.status_code == 422
    assert "Write what made you decide so." in answer.content.decode()
    asked.refresh_from_db()
    assert asked.state == RequestState.MEASURED


def test_an_author_who_is_admin_cannot_decide(scene: Scene) -> None:
    asked = approving.measured(scene)
    builders.join(scene.project, scene.cast.lea, Role.LEAD, Role.ADMIN)
    lea = client_for(scene.cast.lea)
    assert 'value="approve"' not in read(lea, page_of(asked))
    answer = lea.post(decide_at(asked), {"decision": "approve", "reason": "Mine."})
    assert answer.status_code == 403
    assert not Standing.objects.exists()


def test_the_second_of_two_admins_hears_that_it_was_decided(scene: Scene) -> None:
    asked = approving.measured(scene)
    for admin, status in ((scene.cast.ada, 302), (second_admin(scene), 409)):
        answer = client_for(admin).post(
            decide_at(asked), {"decision": "refuse", "reason": "Not yet."}
        )
        assert answer.status_code == status
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "status"), [("lea", 403), ("noor", 403), ("ana", 403), ("olu", 404)]
)
def test_only_admins_decide(scene: Scene, who: str, status: int) -> None:
    asked = approving.measured(scene)
    answer = client_for(getattr(scene.cast, who)).post(
        decide_at(asked), {"decision": "approve", "reason": "Please."}
    )
    assert answer.status_code == status
    assert not Standing.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("ana", 403), ("olu", 404)])
def test_raters_and_outsiders_read_no_approval(scene: Scene, who: str, status: int) -> None:
    asked = scene.ask()
    client = client_for(getattr(scene.cast, who))
    for path in (page_of(asked), reverse("approvals", args=["support"])):
        read(client, path, status=status)


def test_a_version_is_asked_about_again_where_something_is_not_measured(scene: Scene) -> None:
    def offers() -> bool:
        path = reverse("version_alignment", args=["support", scene.version.pk])
        return "Ask for approval" in read(client_for(scene.cast.lea), path)

    assert offers()
    asked = approving.measured(scene)
    assert not offers()
    decisions.decide(
        request_id=asked.pk, approve=PREFERENCE, reason="Yes.", by=scene.cast.ada, now=builders.NOON
    )
    assert not offers()
    other = datasets.create(project=scene.project, name="another set", share=0.5, actor="u1")
    assert offers()
    datasets.retire(sealed_set=other.sealed_set, actor="u1", now=builders.NOON)
    assert not offers()
    dimension = scene.guideline.dimensions.get()
    dimension.pk, dimension.key, dimension.position = None, "tone", 1
    dimension.save(force_insert=True)
    assert offers()


def test_a_withdrawn_request_says_why_wherever_it_stands(scene: Scene) -> None:
    asked = scene.ask()
    looks.end(asked, RequestState.WITHDRAWN, "The judge's run was cancelled.")
    lea = client_for(scene.cast.lea)
    assert "The judge&#x27;s run was cancelled." in read(lea, page_of(asked))
    listed = read(lea, reverse("approvals", args=["support"]))
    assert "The judge&#x27;s run was cancelled." in listed
    assert "withdrawn</span>" in listed
    assert "too little to decide on" not in listed
    line = read(lea, reverse("version_alignment", args=["support", scene.version.pk]))
    assert "request withdrawn" in line
    assert "approval asked" not in line


def test_a_request_that_waits_is_listed_however_many_were_answered_since(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SHOWN_ANSWERED", 1)
    waiting = scene.ask()
    for samples in (2, 3):
        version = judging.make_version(
            scene.judge, scene.guideline, author=scene.cast.lea, samples=samples
        )
        looks.end(scene.ask(version), RequestState.WITHDRAWN, "Cancelled.")
    found = queries.approvals(scene.project, now=builders.NOON)
    assert [line.request for line in found.waiting] == [waiting]
    assert len(found.answered) == 1


def test_more_requests_cost_no_more_queries(scene: Scene) -> None:
    secret = builders.make_token(scene.project, scopes=[Scope.READ])[1]
    machine = Client(headers={"Authorization": f"Bearer {secret}"})
    ada = client_for(scene.cast.ada)
    approving.approved(scene)
    asked = [
        lambda: ada.get(reverse("approvals", args=["support"])),
        lambda: machine.get("/api/v1/projects/support/approvals"),
    ]
    before = [_queries(act) for act in asked]
    for samples in (2, 3, 4):
        version = judging.make_version(
            scene.judge, scene.guideline, author=scene.cast.lea, samples=samples
        )
        request = scene.ask(version)
        if samples == 2:
            assert request.run is not None
            approving.finish(request.run, misses=4)
            approvals.measure_finished(run_id=request.run.pk, now=builders.NOON)
            decisions.decide(
                request_id=request.pk, approve=frozenset(), reason="No.", by=scene.cast.ada,
                now=builders.NOON,
            )  # fmt: skip
    assert [_queries(act) for act in asked] == before


def _queries(act: Callable[[], object]) -> int:
    act()
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def test_the_lead_asks_and_sees_looks_level_and_cost_before(scene: Scene) -> None:
    lea = client_for(scene.cast.lea)
    path = reverse("approval_ask", args=["support", scene.version.pk])
    text = read(lea, path)
    assert "0 of 3 used; the next is look 1, at level 97.5" in text
    assert "Will cost about" in text
    answer = lea.post(
        path, {"sealed_set": scene.dataset.sealed_set.pk, "dimensions": ["preference"]}
    )
    asked = ApprovalRequest.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == page_of(asked)


@pytest.mark.parametrize(
    "sent", [{}, {"sealed_set": "0", "dimensions": "preference"}, {"dimensions": "preference"}]
)
def test_asking_with_something_missing_is_asked_again(scene: Scene, sent: dict[str, str]) -> None:
    path = reverse("approval_ask", args=["support", scene.version.pk])
    answer = client_for(scene.cast.lea).post(path, sent)
    assert answer.status_code == 422
    assert not ApprovalRequest.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("ada", 403), ("ana", 403), ("olu", 404)])
def test_only_leads_ask(scene: Scene, who: str, status: int) -> None:
    path = reverse("approval_ask", args=["support", scene.version.pk])
    assert client_for(getattr(scene.cast, who)).post(path).status_code == status


def test_asking_twice_says_that_it_waits_already(scene: Scene) -> None:
    scene.ask()
    answer = client_for(scene.cast.lea).post(
        reverse("approval_ask", args=["support", scene.version.pk]),
        {"sealed_set": scene.dataset.sealed_set.pk, "dimensions": ["preference"]},
    )
    assert answer.status_code == 422
    assert "waits already" in answer.content.decode()


def test_without_a_sealed_set_the_page_says_what_to_do_first() -> None:
    scene = approving.make_scene(pairs=10, share=0.0)
    text = read(
        client_for(scene.cast.lea), reverse("approval_ask", args=["support", scene.version.pk])
    )
    assert "Nothing is sealed for this guideline" in text


def test_an_admin_revokes_with_a_reason_and_the_list_keeps_it(scene: Scene) -> None:
    approving.approved(scene)
    ada = client_for(scene.cast.ada)
    path = reverse("approval_revoke", args=["support", scene.judge.pk])
    assert "Revoke the approval of Preference" in read(ada, path)
    assert ada.post(path, {"reason": ""}).status_code == 422
    assert ada.post(path, {"reason": "Wrong on Mondays."}).status_code == 302
    assert not Standing.objects.exists()
    assert "Wrong on Mondays." in read(ada, reverse("approvals", args=["support"]))
    assert AuditEvent.objects.filter(verb="judge.revoke").exists()


def test_a_lead_cannot_revoke(scene: Scene) -> None:
    approving.approved(scene)
    path = reverse("approval_revoke", args=["support", scene.judge.pk])
    assert client_for(scene.cast.lea).post(path, {"reason": "No."}).status_code == 403
    assert Standing.objects.exists()


def test_an_empty_list_says_what_to_do_first() -> None:
    scene = approving.make_scene(pairs=10, share=0.0)
    text = read(client_for(scene.cast.lea), reverse("approvals", args=["support"]))
    assert "Nobody has asked yet" in text


def test_another_projects_request_is_not_here(scene: Scene) -> None:
    asked = scene.ask()
    other = builders.make_project(slug="other")
    builders.join(other, scene.cast.ada, Role.ADMIN)
    path = reverse("approval", args=["other", asked.pk])
    read(client_for(scene.cast.ada), path, status=404)


def test_the_list_costs_few_queries(
    scene: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    approving.approved(scene)
    client = client_for(scene.cast.ada)
    client.get(reverse("approvals", args=["support"]))
    with django_assert_max_num_queries(45):
        client.get(reverse("approvals", args=["support"]))
