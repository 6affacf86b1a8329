"""Notices: who is told what, once; the list, the count in the head; by mail where it is set up."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.mail.backends.locmem import EmailBackend
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts import services as people
from accounts.models import MailState, Membership, Notice, Project, User
from accounts.services import notices
from annotation.services import rounds
from annotation.states import RoundState
from tests import builders
from tests.cast import Cast, ClientFor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailing(settings: Settings) -> None:
    settings.MAIL_FROM = "house@example.org"
    settings.PUBLIC_ADDRESS = "https://house.example"


def make_draft(project: Project, *raters: User) -> int:
    dataset = builders.make_dataset(project)
    item = builders.make_item(dataset, external_id="one")
    return builders.make_round(
        dataset,
        builders.make_guideline(project),
        items=[item],
        raters=[builders.rater_of(project, rater) for rater in raters],
        overlap=1,
        state=RoundState.DRAFT,
        name="Week 46",
    ).pk


def tell(user: User, project: Project, key: str = "k") -> None:
    notices.notify(
        users=[user.pk],
        project=project,
        kind="round.open",
        key=key,
        subject="Week 46",
        address=reverse("home"),
    )


def test_raters_are_told_when_their_round_opens(project: Project, cast: Cast) -> None:
    round_id = make_draft(project, cast.ana, cast.ben)
    assert not Notice.objects.exists()
    rounds.open_round(round_id=round_id, by=cast.lea, now=timezone.now())
    told = Notice.objects.order_by("user")
    assert [notice.user for notice in told] == [cast.ana, cast.ben]
    assert {notice.address for notice in told} == {reverse("rate", args=["support", round_id])}


def test_who_comes_in_later_is_told_then_and_the_others_not_again(
    project: Project, cast: Cast
) -> None:
    round_id = make_draft(project, cast.ana)
    rounds.open_round(round_id=round_id, by=cast.lea, now=timezone.now())
    rater = builders.rater_of(project, cast.ben)
    rounds.add_raters(round_id=round_id, raters=[rater], by=cast.lea)
    rounds.pause(round_id=round_id, by=cast.lea)
    rounds.resume(round_id=round_id, by=cast.lea)
    assert sorted(Notice.objects.values_list("user", flat=True)) == [cast.ana.pk, cast.ben.pk]


def test_the_head_counts_what_is_new_and_the_list_names_it(
    project: Project, cast: Cast, client_for: ClientFor
) -> None:
    ana = client_for(cast.ana)
    assert "bar-count" not in ana.get(reverse("home")).content.decode()
    tell(cast.ana, project)
    assert "bar-count" in ana.get(reverse("home")).content.decode()
    assert "The round Week 46 is open to you." in ana.get(reverse("notices")).content.decode()


def test_opening_one_leads_there_and_it_is_read(
    project: Project, cast: Cast, client_for: ClientFor
) -> None:
    tell(cast.ana, project)
    tell(cast.ana, project, "other")
    first = Notice.objects.earliest("pk")
    answer = client_for(cast.ana).post(reverse("notices"), {"open": first.pk})
    assert answer["Location"] == reverse("home")
    assert [notice.read_at is None for notice in Notice.objects.order_by("pk")] == [False, True]


def test_all_are_put_away_at_once(project: Project, cast: Cast, client_for: ClientFor) -> None:
    tell(cast.ana, project)
    tell(cast.ben, project)
    client_for(cast.ana).post(reverse("notices"))
    assert set(Notice.objects.filter(read_at=None).values_list("user", flat=True)) == {cast.ben.pk}


@pytest.mark.parametrize("asked", ["0", "x", "-1", "9" * 30, "²"])
def test_a_notice_that_is_not_there_is_not_found(
    cast: Cast, client_for: ClientFor, asked: str
) -> None:
    assert client_for(cast.ana).post(reverse("notices"), {"open": asked}).status_code == 404


def test_nobody_opens_anothers_notice(project: Project, cast: Cast, client_for: ClientFor) -> None:
    tell(cast.ben, project)
    answer = client_for(cast.ana).post(reverse("notices"), {"open": Notice.objects.get().pk})
    assert answer.status_code == 404
    assert Notice.objects.get().read_at is None


def test_notices_of_a_project_end_with_the_membership(
    project: Project, cast: Cast, client_for: ClientFor
) -> None:
    tell(cast.ana, project)
    people.remove_member(project=project, user_id=cast.ana.pk, by=cast.ada)
    page = client_for(cast.ana).get(reverse("notices")).content.decode()
    assert "Week 46" not in page
    assert "bar-count" not in page


def test_only_members_are_told(project: Project, cast: Cast) -> None:
    tell(cast.olu, project)
    assert not Notice.objects.exists()


@pytest.mark.parametrize("address", ["https://elsewhere.example/", "//elsewhere.example/", ""])
def test_a_notice_leads_nowhere_else(project: Project, cast: Cast, address: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        notices.notify(
            users=[cast.ana.pk], project=project, kind="round.open", key="k", address=address
        )


def test_a_kind_that_nobody_offers_is_refused(project: Project, cast: Cast) -> None:
    with pytest.raises(ValueError, match="No room"):
        notices.notify(users=[cast.ana.pk], project=project, kind="x", key="k", address="/")


def test_the_list_is_paged(project: Project, cast: Cast, client_for: ClientFor) -> None:
    for number in range(31):
        tell(cast.ana, project, str(number))
    page = client_for(cast.ana).get(reverse("notices")).content.decode()
    assert page.count('class="notices__one"') == 30


# By mail ------------------------------------------------------------------------------------------


def address_of(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.org")


def test_without_mail_nothing_waits_to_be_sent(project: Project, cast: Cast) -> None:
    address_of(cast.ana)
    tell(cast.ana, project)
    assert Notice.objects.get().mail == MailState.NONE


@pytest.mark.usefixtures("mailing")
def test_a_message_leaves_from_the_worker_and_once(project: Project, cast: Cast) -> None:
    address_of(cast.ana)
    tell(cast.ana, project)
    tell(cast.ben, project)  # has no address
    assert not outbox.outbox
    now = timezone.now()
    assert notices.send_due(now) == 1
    assert notices.send_due(now + timedelta(days=1)) == 0
    (message,) = outbox.outbox
    assert message.to == ["ana@example.org"]
    assert message.subject == "Support: The round Week 46 is open to you."
    assert "https://house.example/" in str(message.body)


class Away(EmailBackend):
    """A server that cannot be reached."""

    def send_messages(self, messages: object) -> int:
        raise OSError("nobody answers")


@pytest.mark.usefixtures("mailing")
def test_a_server_that_is_away_is_tried_again_and_then_given_up(
    project: Project, cast: Cast, settings: Settings
) -> None:
    address_of(cast.ana)
    tell(cast.ana, project)
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    now = timezone.now()
    for later in (0, 2, 30):
        assert Notice.objects.get().mail == MailState.WAITING
        assert notices.send_due(now + timedelta(minutes=later)) == 0
        assert notices.send_due(now + timedelta(minutes=later)) == 0
    assert (Notice.objects.get().mail, Notice.objects.get().mail_tries) == (MailState.FAILED, 3)


@pytest.mark.usefixtures("mailing")
def test_a_server_that_comes_back_gets_it(project: Project, cast: Cast, settings: Settings) -> None:
    address_of(cast.ana)
    tell(cast.ana, project)
    backend = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    now = timezone.now()
    notices.send_due(now)
    settings.EMAIL_BACKEND = backend
    assert notices.send_due(now + timedelta(minutes=2)) == 1


@pytest.mark.usefixtures("mailing")
def test_who_was_shut_out_meanwhile_gets_no_message(project: Project, cast: Cast) -> None:
    address_of(cast.ana)
    tell(cast.ana, project)
    Membership.objects.filter(user=cast.ana).delete()
    assert notices.send_due(timezone.now()) == 0
    assert not outbox.outbox


def test_a_title_cannot_add_a_line_to_the_head_of_a_message() -> None:
    from accounts import mail

    mail.send(to="a@example.org", subject="one\r\nBcc: b@example.org", text="x")
    assert outbox.outbox[0].subject == "one Bcc: b@example.org"
