"""Keys: kept encrypted, sent to their own address only, and found nowhere else."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator

import pytest
from django.core import serializers
from pytest_django import Settings

from accounts.models import User
from core.errors import Conflict, Invalid, NotAllowed, NotReady
from core.models import AuditEvent
from judges import simulator
from judges.models import Attempt, JudgeVersion, ProviderKey
from judges.rules.capabilities import Profile
from judges.rules.spec import canonical_json
from judges.services import asking, engine, keys, runs, versions
from judges.services.versions import ANTHROPIC, Choices
from judges.simulator import Simulator
from judges.states import KeyProvider, RunState
from tests import builders, judging
from tests.builders import NOON
from tests.judging import PLUMB, QUICK, Scene
from tests.listening import Listener, listening

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.databases]

KEY = "sk-of-this-project-0123456789"


@pytest.fixture
def scene() -> Scene:
    return judging.make_scene(pairs=2)


@pytest.fixture
def ada() -> User:
    return builders.make_user(username="ada")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with simulator.start() as running:
        yield running


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Lets nobody in, and says the key back."""
    error = {"type": "authentication_error", "message": "no such key: KEY"}
    with listening(401, {"type": "error", "error": error}, says_key=True) as server:
        yield server


def set_key(scene: Scene, url: str, by: User, key: str = KEY) -> ProviderKey:
    return keys.set_key(
        project=scene.project,
        provider=KeyProvider.ANTHROPIC,
        base_url=url,
        key=key,
        by=by,
        now=NOON,
    )


def version_at(scene: Scene, url: str) -> JudgeVersion:
    return versions.save_version(
        judge=scene.judge,
        guideline_version=scene.guideline,
        choices=Choices(provider=ANTHROPIC, model=PLUMB, base_url=url, max_tokens=1000),
        author=None,
    ).version


def key_of(scene: Scene, url: str) -> str | None:
    return keys.key_for(project_id=scene.project.pk, provider=ANTHROPIC, base_url=url)


def test_a_stored_key_is_read_back_and_stands_nowhere_in_the_row(scene: Scene, ada: User) -> None:
    row = set_key(scene, "http://127.0.0.1:9/", ada)
    assert key_of(scene, "http://127.0.0.1:9") == KEY
    stored = serializers.serialize("json", ProviderKey.objects.all())
    assert KEY not in stored
    assert row.hint == "6789"
    assert KEY not in str(list(AuditEvent.objects.values()))
    assert KEY not in repr(asking.access_for(ANTHROPIC, row.base_url, project_id=scene.project.pk))


def test_the_end_of_a_short_key_is_not_shown(scene: Scene, ada: User) -> None:
    assert set_key(scene, "http://127.0.0.1:9", ada, key="any").hint == ""


def test_a_new_key_replaces_the_old_one_and_removal_forgets_it(scene: Scene, ada: User) -> None:
    row = set_key(scene, "http://127.0.0.1:9", ada)
    again = set_key(scene, "HTTP://127.0.0.1:9/", ada, key="sk-another-one-4711")
    assert again.pk == row.pk
    assert key_of(scene, row.base_url) == "sk-another-one-4711"
    keys.remove_key(key_id=row.pk, project=scene.project, by=ada)
    assert key_of(scene, row.base_url) is None
    with pytest.raises(Conflict):
        keys.remove_key(key_id=row.pk, project=scene.project, by=ada)
    verbs = AuditEvent.objects.filter(object_type="provider_key").order_by("pk")
    assert list(verbs.values_list("verb", "actor")) == [
        ("provider_key.set", ada.actor),
        ("provider_key.replaced", ada.actor),
        ("provider_key.removed", ada.actor),
    ]


@pytest.mark.parametrize("key", ["", "   ", "two words", "zwölf", "a\nb", "k" * 1001])
def test_what_is_no_key_is_refused(scene: Scene, ada: User, key: str) -> None:
    with pytest.raises(Invalid):
        set_key(scene, "http://127.0.0.1:9", ada, key=key)
    assert not ProviderKey.objects.exists()


def test_the_messages_api_is_named_without_its_version(scene: Scene, ada: User) -> None:
    with pytest.raises(Invalid, match="/v1"):
        set_key(scene, "http://127.0.0.1:9/v1/", ada)


def test_a_secret_opens_nothing_in_another_row(scene: Scene, ada: User) -> None:
    """Neither at another address nor for another project, even when a row is changed by hand."""
    row = set_key(scene, "http://127.0.0.1:9", ada)
    ProviderKey.objects.update(base_url="http://127.0.0.1:10")
    with pytest.raises(NotReady) as refusal:
        key_of(scene, "http://127.0.0.1:10")
    assert refusal.value.code == "key_unreadable"
    other = builders.make_project(slug="other")
    ProviderKey.objects.update(base_url="http://127.0.0.1:9", project=other)
    with pytest.raises(NotReady):
        keys.key_for(project_id=other.pk, provider=ANTHROPIC, base_url=row.base_url)
    assert key_of(scene, row.base_url) is None


def test_another_secret_of_the_installation_opens_nothing(
    scene: Scene, ada: User, settings: Settings
) -> None:
    row = set_key(scene, "http://127.0.0.1:9", ada)
    assert keys.unreadable([row]) == set()
    settings.KEYS_SECRET = "another one"
    assert keys.unreadable([row]) == {row.pk}
    with pytest.raises(NotReady, match="set the key anew"):
        key_of(scene, row.base_url)
    set_key(scene, row.base_url, ada)
    settings.SECRET_KEY = "the secret key is not what it was stored under"
    assert key_of(scene, row.base_url) == KEY


def test_a_version_asks_elsewhere_only_where_an_admin_set_a_key(scene: Scene, ada: User) -> None:
    with pytest.raises(NotAllowed) as refusal:
        version_at(scene, "http://127.0.0.1:9")
    assert refusal.value.code == "address_not_allowed"
    row = set_key(scene, "http://127.0.0.1:9", ada)
    version = version_at(scene, "http://127.0.0.1:9")
    with pytest.raises(NotAllowed):
        version_at(scene, "http://127.0.0.1:10")
    keys.remove_key(key_id=row.pk, project=scene.project, by=ada)
    with pytest.raises(NotReady) as later:
        runs.plan_run(version=version, dataset=scene.dataset, actor="u1", now=NOON)
    assert later.value.code == "base_url_differs"


def test_a_key_of_another_project_is_none_of_ours(scene: Scene, ada: User) -> None:
    other = builders.make_project(slug="other")
    keys.set_key(
        project=other,
        provider=KeyProvider.ANTHROPIC,
        base_url="http://127.0.0.1:9",
        key=KEY,
        by=ada,
        now=NOON,
    )
    with pytest.raises(NotAllowed):
        version_at(scene, "http://127.0.0.1:9")


def test_the_installations_key_never_goes_to_another_address(
    scene: Scene, ada: User, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = "sk-of-the-installation"
    set_key(scene, "http://127.0.0.1:9", ada)
    project = scene.project.pk
    own = asking.access_for(ANTHROPIC, settings.ANTHROPIC_BASE_URL, project_id=project)
    assert own.api_key == "sk-of-the-installation"
    assert asking.access_for(ANTHROPIC, "http://127.0.0.1:9", project_id=project).api_key == KEY
    with pytest.raises(NotReady):
        asking.access_for(ANTHROPIC, "http://127.0.0.1:10", project_id=project)


def test_a_projects_own_key_goes_before_the_installations(
    scene: Scene, ada: User, settings: Settings
) -> None:
    settings.ANTHROPIC_API_KEY = "sk-of-the-installation"
    set_key(scene, settings.ANTHROPIC_BASE_URL, ada)
    found = asking.access_for(ANTHROPIC, settings.ANTHROPIC_BASE_URL, project_id=scene.project.pk)
    assert found.api_key == KEY


def test_a_local_server_is_asked_with_its_own_key(sim: Simulator, scene: Scene, ada: User) -> None:
    set_key(scene, sim.url, ada)
    version = version_at(scene, sim.url)
    assert not version.is_simulated
    run = judging.make_run(version, dataset=scene.dataset)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.pause_reason
    assert sim.stats()["requests"] == 4


def test_a_key_that_a_server_says_back_is_kept_nowhere(
    listener: Listener, scene: Scene, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    set_key(scene, listener.url, ada)
    version = version_at(scene, listener.url)
    run = judging.make_run(version, dataset=scene.dataset, concurrency=1)
    with caplog.at_level(logging.DEBUG):
        engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert listener.keys == [f"Bearer {KEY}"]
    assert run.state == RunState.PAUSED
    assert "does not take the key" in run.pause_reason
    kept = [run.pause_reason, caplog.text, str(list(Attempt.objects.values()))]
    kept += [canonical_json(version.spec), version.fingerprint, version.profile_source]
    assert not any(KEY in text for text in kept)


def test_a_temperature_goes_to_a_server_that_takes_one(
    listener: Listener, scene: Scene, ada: User
) -> None:
    set_key(scene, listener.url, ada)
    choices = Choices(
        provider=ANTHROPIC,
        model=PLUMB,
        base_url=listener.url,
        temperature=0.0,
        structured_output="prompt",
        profile=Profile(sampling=True),
    )
    version = versions.save_version(
        judge=scene.judge, guideline_version=scene.guideline, choices=choices, author=None
    ).version
    run = judging.make_run(version, dataset=scene.dataset, concurrency=1)
    engine.drain(run.pk, pace=QUICK)
    (body,) = listener.bodies
    assert body["temperature"] == 0.0
    assert "output_config" not in body
    assert "cache_control" not in body["system"][0]


@pytest.mark.skipif(
    importlib.util.find_spec("openai") is None,
    reason="the extra plumbline[openai] is not installed",
)
def test_a_server_with_the_chat_api_is_judged_by_the_same_engine(
    sim: Simulator, scene: Scene, ada: User
) -> None:
    version = judging.make_chat_version(scene, f"{sim.url}/v1", by=ada, key=KEY)
    run = judging.make_run(version, dataset=scene.dataset)
    engine.drain(run.pk, pace=QUICK)
    run.refresh_from_db()
    assert run.state == RunState.DONE, run.pause_reason
    assert run.spent > 0
    assert sim.stats()["requests"] == 4


@pytest.mark.skipif(
    importlib.util.find_spec("openai") is not None,
    reason="the extra plumbline[openai] is installed",
)
def test_without_the_extra_a_run_says_what_to_install(scene: Scene, ada: User) -> None:
    version = judging.make_chat_version(scene, "http://127.0.0.1:9/v1", by=ada, key=KEY)
    with pytest.raises(NotReady, match=r"plumbline\[openai\]"):
        runs.plan_run(version=version, dataset=scene.dataset, actor="u1", now=NOON)
