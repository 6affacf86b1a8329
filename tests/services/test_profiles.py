"""Capability profiles: read from the Models API over real HTTP, from the table, or declared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.roles import Role
from annotation.models import Dataset
from judges import simulator
from judges.models import JudgeVersion
from judges.providers import anthropic_facts
from judges.providers.anthropic_facts import NotTold
from judges.rules import capabilities, prompting
from judges.services import profiles, runs, versions
from judges.services.profiles import Found
from judges.services.runs import RunEstimate
from judges.services.versions import ANTHROPIC, SIMULATOR
from judges.simulator import Simulator
from judges.states import RunPurpose
from tests import builders, judging
from tests.builders import NOON
from tests.judging import PLUMB
from tests.listening import listening
from tests.unit.judges.builders import KEY, make_pair, make_version

pytestmark = pytest.mark.django_db

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def sim(settings: Settings) -> Iterator[Simulator]:
    with simulator.start() as running:
        settings.SIMULATOR_URL = running.url
        yield running


def found(provider: str, model: str, base_url: str = "") -> Found:
    return profiles.find(provider=provider, model=model, base_url=base_url, project_id=1, now=NOON)


def test_the_models_api_is_asked_for_the_profile(sim: Simulator) -> None:
    one = found(SIMULATOR, PLUMB)
    assert one.profile == capabilities.SIMULATED
    assert one.source == "Models API of the simulator, 23 Nov 2026"


def test_what_was_told_is_kept_for_a_while(sim: Simulator) -> None:
    one = found(SIMULATOR, PLUMB)
    sim.stop()
    assert found(SIMULATOR, PLUMB) == one


def test_a_real_models_api_is_asked_with_the_installations_key(
    sim: Simulator, settings: Settings
) -> None:
    settings.ANTHROPIC_BASE_URL = sim.url
    settings.ANTHROPIC_API_KEY = "sk-anything"
    one = found(ANTHROPIC, PLUMB, sim.url)
    assert one.source == f"Models API at {sim.url}, 23 Nov 2026"


def test_without_an_answer_the_table_counts_and_says_why(settings: Settings) -> None:
    settings.SIMULATOR_URL = settings.ANTHROPIC_BASE_URL = NOWHERE
    one = found(SIMULATOR, PLUMB)
    assert one.profile == capabilities.SIMULATED
    assert one.source.startswith("table of Plumbline, as of Nov 2026 (")
    settings.ANTHROPIC_API_KEY = ""
    other = found(ANTHROPIC, "claude-opus-5-5", NOWHERE)
    assert other.profile == capabilities.of_table("claude-opus-5-5")
    assert "no key" in other.source


def test_a_model_that_nobody_knows_has_to_be_declared(sim: Simulator) -> None:
    one = found(SIMULATOR, "sim-unheard-of")
    assert "knows no sim-unheard-of" in one.source
    assert profiles.known(provider=ANTHROPIC, model="llama-9", base_url=NOWHERE) == Found(
        None, profiles.DECLARED
    )


def test_another_server_is_never_asked_what_it_can(sim: Simulator) -> None:
    assert found(ANTHROPIC, PLUMB, sim.url) == Found(None, profiles.DECLARED)


def test_tokens_are_counted_by_the_server(sim: Simulator) -> None:
    version = make_version("pair")
    request = prompting.render(version, make_pair(), order="AB", sample=0, fence_key=KEY)
    (count,) = anthropic_facts.count_tokens(api_key="k", base_url=sim.url, requests=[request])
    assert count > 50
    with pytest.raises(NotTold):
        anthropic_facts.count_tokens(api_key="k", base_url=NOWHERE, requests=[request])


def test_the_editor_shows_the_profile_and_the_version_keeps_it(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=1)
    client = Client()
    client.force_login(builders.join(scene.project, builders.make_user(username="lea"), Role.LEAD))
    editor = reverse("version_new", args=["support", scene.judge.pk])
    asked = reverse("version_profile", args=["support", scene.judge.pk])
    assert "table of Plumbline" in client.get(editor).content.decode()
    shown = client.get(asked, {"model": PLUMB}).content.decode()
    assert "Models API of the simulator" in shown
    assert "64,000 tokens" in shown
    assert "Name a model" in client.get(asked).content.decode()
    unknown = client.get(asked, {"model": "llama-9"}).content.decode()
    assert "declare what it can" in unknown
    start = versions.spec_of(scene.version)
    sent = {
        "guideline_version": scene.guideline.pk,
        "model": PLUMB,
        "system_template": start.system_template,
        "user_template": start.user_template,
        "reasoning_first": "no",
        "samples": 1,
        "max_tokens": 1000,
        "structured_output": "native",
    }
    assert client.post(editor, sent).status_code == 302
    made = JudgeVersion.objects.latest("pk")
    assert made.profile_source.startswith("Models API of the simulator")
    assert versions.spec_of(made).capabilities["max_tokens"] == 64_000
    page = client.get(reverse("version", args=["support", made.pk])).content.decode()
    assert "Models API of the simulator" in page


def estimate(version: JudgeVersion, dataset: Dataset) -> RunEstimate:
    return runs.estimate(version=version, dataset=dataset, may_count=True, now=NOON)


def test_what_nobody_asked_to_count_or_is_sealed_is_shown_to_no_server(
    sim: Simulator, settings: Settings
) -> None:
    scene = judging.make_scene(pairs=8)
    said = runs.estimate(version=scene.version, dataset=scene.dataset, now=NOON)
    assert not said.is_counted
    sealed = runs.estimate(
        version=scene.version,
        items=scene.dataset.items.all(),
        purpose=RunPurpose.APPROVAL,
        may_count=True,
        now=NOON,
    )
    assert not sealed.is_counted


def test_an_estimate_rests_on_the_servers_own_count(sim: Simulator, settings: Settings) -> None:
    scene = judging.make_scene(pairs=8)
    counted = estimate(scene.version, scene.dataset)
    assert counted.is_counted
    cache.clear()
    settings.SIMULATOR_URL = NOWHERE
    expected = estimate(scene.version, scene.dataset)
    assert not expected.is_counted
    assert counted.most == expected.most
    assert sim.stats()["requests"] == 0


def test_what_the_server_counts_corrects_what_was_expected(settings: Settings) -> None:
    scene = judging.make_scene(pairs=8)
    settings.SIMULATOR_URL = NOWHERE
    expected = estimate(scene.version, scene.dataset)
    cache.clear()
    with listening(200, {"input_tokens": 1000}) as server:
        settings.SIMULATOR_URL = server.url
        counted = estimate(scene.version, scene.dataset)
        again = estimate(scene.version, scene.dataset)
    assert server.paths == ["/v1/messages/count_tokens"] * 5
    assert counted == again
    assert counted.input_tokens == pytest.approx(16 * 1000, rel=0.02)
    assert counted.likely > expected.likely
    assert counted.most == expected.most


def test_a_baseline_is_counted_by_nobody(sim: Simulator) -> None:
    scene = judging.make_scene(pairs=2)
    version = judging.make_baseline(scene)
    assert not estimate(version, scene.dataset).is_counted
