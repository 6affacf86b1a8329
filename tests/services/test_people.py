"""Members, raters and their keys: what one act must not undo."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts import services
from accounts.models import Membership, Project, User
from accounts.roles import Role, Scope
from core.errors import Conflict
from tests import builders

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(project: Project) -> User:
    return builders.join(project, builders.make_user(username="ada"), Role.ADMIN)


def test_adding_the_last_admin_in_another_role_keeps_the_admin(project: Project, ada: User) -> None:
    with pytest.raises(Conflict) as refusal:
        services.add_member(project=project, username="ada", roles=[Role.RATER], by=ada)
    assert refusal.value.code == "last_admin"
    assert Membership.objects.get(user=ada).is_admin


def test_a_taken_address_is_a_conflict(project: Project, ada: User) -> None:
    with pytest.raises(Conflict) as refusal:
        services.create_project(name="Again", slug=project.slug, by=ada)
    assert refusal.value.code == "slug_taken"


def test_a_long_name_makes_an_address_that_fits(ada: User) -> None:
    made = services.create_project(name="word " * 24, slug="", by=ada)
    assert len(made.slug) <= 60


def test_names_longer_than_the_tables_column_are_cut_and_stay_apart(project: Project) -> None:
    raters = []
    for username in ("x" * 150, "x" * 149):
        user = User.objects.create(username=username)
        raters.append(services.rater_of(project=project, user=user))
    names = [rater.name for rater in raters]
    assert len(set(names)) == 2
    assert max(map(len, names)) == 120


@pytest.mark.parametrize("way_out", ["removed", "no rater any more", "account closed"])
def test_a_rater_s_key_ends_with_the_right_to_rate(
    way_out: str, project: Project, ada: User
) -> None:
    ana = builders.join(project, builders.make_user(username="ana"), Role.RATER)
    _, secret = builders.make_token(
        project, scopes=(Scope.RATE,), rater=builders.rater_of(project, ana)
    )
    machine = Client(headers={"Authorization": f"Bearer {secret}"})
    address = f"/api/v1/projects/{project.slug}/rounds/1/next"
    assert machine.post(address, content_type="application/json").status_code == 404
    if way_out == "removed":
        services.remove_member(project=project, user_id=ana.pk, by=ada)
    elif way_out == "no rater any more":
        services.change_roles(project=project, user_id=ana.pk, roles=[Role.LEAD], by=ada)
    else:
        User.objects.filter(pk=ana.pk).update(is_active=False)
    assert machine.post(address, content_type="application/json").status_code == 401
