"""The page of keys: set, replaced and removed by an admin, and never shown."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.roles import Role
from judges.models import JudgeVersion, ProviderKey
from judges.services import keys, versions
from judges.states import KeyProvider
from tests import builders, judging
from tests.builders import NOON
from tests.judging import Scene

pytestmark = pytest.mark.django_db

KEY = "sk-of-this-project-0123456789"
LOCAL = "http://127.0.0.1:11435"


@pytest.fixture(autouse=True)
def _local_simulator(settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


def person(scene: Scene, name: str, *roles: Role) -> tuple[User, Client]:
    user = builders.join(scene.project, builders.make_user(username=name), *roles)
    client = Client()
    client.force_login(user)
    return user, client


@pytest.fixture
def admin(scene: Scene) -> Client:
    return person(scene, "ada", Role.ADMIN)[1]


def url(name: str, *args: object) -> str:
    return reverse(name, args=["support", *args])


def fields(**other: object) -> dict[str, object]:
    return {"provider": "anthropic", "base_url": LOCAL, "key": KEY, **other}


def stored(scene: Scene, base_url: str = LOCAL) -> ProviderKey:
    by = User.objects.filter(username="ada").first() or builders.make_user(username="ada")
    return keys.set_key(
        project=scene.project,
        provider=KeyProvider.ANTHROPIC,
        base_url=base_url,
        key=KEY,
        by=by,
        now=NOON,
    )


def test_an_admin_stores_a_key_and_sees_its_end_only(scene: Scene, admin: Client) -> None:
    answer = admin.post(url("keys"), fields())
    assert answer.url == url("keys")  # type: ignore[attr-defined]
    page = admin.get(url("keys")).content.decode()
    assert LOCAL in page
    assert "…6789" in page
    assert "Ada" in page
    assert KEY not in page
    assert "no-store" in admin.get(url("keys"))["cache-control"]


def test_only_an_admin_comes_in(scene: Scene) -> None:
    row = stored(scene)
    for number, role in enumerate((Role.LEAD, Role.ADJUDICATOR, Role.RATER)):
        _, client = person(scene, f"other{number}", role)
        for path in (url("keys"), url("key_remove", row.pk)):
            assert client.get(path).status_code == 403
            assert client.post(path, fields()).status_code == 403
    assert ProviderKey.objects.count() == 1


def test_a_key_that_is_refused_is_not_sent_back(scene: Scene, admin: Client) -> None:
    for wrong in ({"base_url": "nowhere"}, {"base_url": "https://a@b.example"}, {"provider": "x"}):
        answer = admin.post(url("keys"), fields(**wrong))
        assert answer.status_code == 422
        assert KEY not in answer.content.decode()
    assert admin.post(url("keys"), fields(key="two words")).status_code == 422
    assert not ProviderKey.objects.exists()


def test_replacing_starts_from_the_address(scene: Scene, admin: Client) -> None:
    row = stored(scene)
    page = admin.get(url("keys") + f"?replace={row.pk}").content.decode()
    assert "Replace a key" in page
    assert f'value="{LOCAL}"' in page
    admin.post(url("keys"), fields(key="sk-another-one-4711"))
    assert ProviderKey.objects.get().hint == "4711"


def test_removing_asks_once(scene: Scene, admin: Client) -> None:
    row = stored(scene)
    assert LOCAL in admin.get(url("key_remove", row.pk)).content.decode()
    assert ProviderKey.objects.exists()
    answer = admin.post(url("key_remove", row.pk))
    assert answer.url == url("keys")  # type: ignore[attr-defined]
    assert not ProviderKey.objects.exists()


def test_a_key_of_another_project_is_not_here(scene: Scene, admin: Client) -> None:
    other = builders.make_project(slug="other")
    row = stored(scene)
    ProviderKey.objects.update(project=other)
    assert admin.post(url("key_remove", row.pk)).status_code == 404
    assert LOCAL not in admin.get(url("keys")).content.decode()


def test_a_key_that_cannot_be_read_any_more_says_so(
    scene: Scene, admin: Client, settings: Settings
) -> None:
    stored(scene)
    settings.KEYS_SECRET = "another one"
    assert "unreadable" in admin.get(url("keys")).content.decode()


def test_a_lead_chooses_among_the_addresses_with_a_key(scene: Scene) -> None:
    _, lead = person(scene, "lea", Role.LEAD)
    stored(scene)
    editor = url("version_new", scene.judge.pk)
    assert LOCAL in lead.get(editor).content.decode()
    start = versions.spec_of(scene.version)
    sent = {
        "guideline_version": scene.guideline.pk,
        "model": "llama-9",
        "address": f"anthropic {LOCAL}",
        "system_template": start.system_template,
        "user_template": start.user_template,
        "reasoning_first": "yes",
        "both_orders": "on",
        "samples": 1,
        "max_tokens": 1000,
        "structured_output": "prompt",
        "can": ["thinking", "sampling"],
        "most_output": 8000,
    }
    assert lead.post(editor, sent).status_code == 302
    made = JudgeVersion.objects.latest("pk")
    spec = versions.spec_of(made)
    assert (spec.provider, spec.base_url, spec.model) == ("anthropic", LOCAL, "llama-9")
    assert spec.capabilities["sampling"] is True
    assert spec.capabilities["prompt_cache"] is False
    assert made.profile_source == "declared by the author of the version"
    page = lead.get(url("version", made.pk)).content.decode()
    assert LOCAL in page
    assert "declared by the author" in page
    assert KEY not in page
    again = lead.get(editor).content.decode()
    assert 'value="sampling" checked' in again.replace('" id="id_can_4" ', '" ')
    assert lead.post(editor, {**sent, "address": "anthropic http://10.0.0.1"}).status_code == 422
    assert lead.post(editor, {**sent, "max_tokens": 5000}).status_code == 422
