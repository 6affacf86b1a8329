"""Nobody reads what is not theirs: every address is asked as everybody, and its answer searched.

Apart: no address reaches another project's rows. Blind: a rater's pages hold nothing that other
raters or a judge said. Sealed: nobody's pages hold a single label or verdict of a sealed item.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import pytest
from django.http import HttpResponse
from django.urls import include, path
from pytest_django import Settings

from accounts.doors import MemberRequest, door
from annotation.models import Rating
from tests.guards import scene as scenes
from tests.guards.addresses import Address, UnknownAddress, addresses, own_urls
from tests.guards.scene import Scene
from tests.guards.walking import Answer, as_token, crashes, differences, leaks
from tests.guards.words import (
    EXTERNAL_ID,
    EXTRA,
    HIDDEN_FROM_ANA,
    HIDDEN_WHILE_RATING,
    HIDDEN_WHILE_SEALED,
    OPEN_ANSWER,
    OPEN_VERDICT_WHY,
    SEALED_REFERENCE_WHY,
    SEALED_VERDICT_WHY,
    SERVED_ANSWER,
    SYSTEMS,
    rationale,
)
from tests.guards.world import ANONYMOUS, EVERYBODY, STAFF, TOKENS, World

# One process, so that the world is made once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("isolation")]

PUBLIC = frozenset(
    {
        *("healthz", "readyz", "metrics", "favicon", "schema", "docs", "login", "logout"),
        *("password_forgotten", "password_set", "join"),
    }
)
"""What is answered to people without an account."""

LEASES = frozenset({"rate"})
"""Pages that hand out a slot when they are opened: the one thing that reading may write."""

REFUSALS = frozenset({403, 404, 405})
RATER = ("ana", "rate token")
NOT_RATERS = ("ray", *STAFF, "read token", "write token", "judge token")


def none_of(problems: Iterable[str]) -> None:
    """Fail with every problem on a line of its own."""
    found = list(problems)
    assert not found, "\n".join(["", *found])


def named(name: str, problems: Iterable[str]) -> list[str]:
    return [f"{name}: {problem}" for problem in problems]


# The search itself --------------------------------------------------------------------------------


@door()
def leaking_page(request: MemberRequest, round_id: int) -> HttpResponse:
    """What no view may be: it shows what others said."""
    said = Rating.objects.filter(assignment__round=round_id).order_by("pk")
    return HttpResponse(",".join(f"{rating.label} {rating.rationale}" for rating in said))


@door()
def page_of_a_planet(request: MemberRequest, planet_id: int) -> HttpResponse:
    return HttpResponse("")


class LeakingUrls:
    urlpatterns = [
        path("", include("config.urls")),
        path("projects/<slug:slug>/leak/<int:round_id>/", leaking_page, name="leak"),
    ]


class PlanetUrls:
    urlpatterns = [
        path("projects/<slug:slug>/planets/<int:planet_id>/", page_of_a_planet, name="planet")
    ]


class NamelessUrls:
    urlpatterns = [path("somewhere/", page_of_a_planet)]


def the(name: str) -> Address:
    return next(address for address in addresses() if address.name == name)


def leaking_answers(world: World, name: str) -> list[Answer]:
    leak = the("leak")
    return [world.asker(name).ask(leak, "GET", url) for url in own_urls(leak, world.scene.own)]


@pytest.mark.parametrize(
    ("name", "hidden", "word"),
    [
        ("ana", HIDDEN_FROM_ANA, "zz-why-of-ben-now"),
        ("lea", HIDDEN_WHILE_SEALED, "zz-why-of-cem-sealed"),
    ],
)
def test_the_search_finds_a_page_that_leaks(
    world: World, settings: Settings, name: str, hidden: Collection[str], word: str
) -> None:
    settings.ROOT_URLCONF = LeakingUrls
    assert any(word in sentence for sentence in leaks(leaking_answers(world, name), hidden))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ana", lambda scene: scenes.other_labels(scene.own.project)),
        ("lea", lambda scene: scenes.swap_sealed(scene.own)),
    ],
)
def test_the_comparison_finds_a_page_that_leaks(
    world: World, settings: Settings, name: str, change: Callable[[Scene], None]
) -> None:
    settings.ROOT_URLCONF = LeakingUrls
    before = leaking_answers(world, name)
    change(world.scene)
    assert differences(before, leaking_answers(world, name))


@pytest.mark.parametrize("word", [OPEN_ANSWER, OPEN_VERDICT_WHY, EXTRA, *SYSTEMS])
def test_a_lead_reads_what_is_open_so_that_there_is_something_to_find(
    world: World, word: str
) -> None:
    assert leaks(world.walk("lea"), {word})


def test_a_lead_reads_open_labels_so_that_there_is_something_to_compare(world: World) -> None:
    item, lea = the("item"), world.asker("lea")
    urls = own_urls(item, world.scene.own)
    before = [lea.ask(item, "GET", url) for url in urls]
    scenes.other_labels(world.scene.own.project)
    assert differences(before, [lea.ask(item, "GET", url) for url in urls])


def test_a_new_name_in_a_route_is_asked_for(world: World, settings: Settings) -> None:
    settings.ROOT_URLCONF = PlanetUrls
    with pytest.raises(UnknownAddress, match=r"'planet_id'.* Add a line"):
        own_urls(the("planet"), world.scene.own)


def test_a_route_without_a_name_is_refused(settings: Settings) -> None:
    settings.ROOT_URLCONF = NamelessUrls
    with pytest.raises(UnknownAddress, match="'somewhere/' has no name"):
        addresses()


# Everybody ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYBODY)
def test_no_address_fails(world: World, name: str) -> None:
    none_of(crashes(world.walk(name)))


@pytest.mark.parametrize("name", EVERYBODY)
def test_no_answer_holds_a_secret(world: World, name: str) -> None:
    none_of(leaks(world.walk(name), world.scene.hidden_from_all()))


@pytest.mark.parametrize("name", EVERYBODY)
def test_reading_writes_nothing(world: World, name: str) -> None:
    none_of(
        f"{answer.what} wrote to {', '.join(sorted(answer.wrote))}"
        for answer in world.walk(name)
        if answer.method == "GET" and answer.wrote and answer.address.name not in LEASES
    )


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_refused_act_writes_nothing(world: World, name: str) -> None:
    none_of(
        f"{answer.what} wrote to {', '.join(sorted(answer.wrote))}"
        for answer in world.walk(name)
        if answer.status >= 400 and answer.wrote
    )


def test_somebody_without_an_account_is_sent_to_sign_in(world: World) -> None:
    none_of(
        answer.what
        for answer in world.walk(ANONYMOUS)
        if answer.address.name not in PUBLIC and not is_turned_away(answer)
    )


def is_turned_away(answer: Answer) -> bool:
    if answer.address.is_api:
        return answer.status == 401
    return answer.status == 302 and "/sign-in/" in answer.text


# Apart --------------------------------------------------------------------------------------------


def test_a_project_is_not_there_for_somebody_outside_it(world: World) -> None:
    none_of(
        answer.what
        for answer in world.walk("olu")
        if answer.address.kwargs and not answer.address.is_api
        if answer.status != 404 or answer.wrote
    )


def test_no_page_names_a_project_to_somebody_outside_it(world: World) -> None:
    project = world.scene.own.project
    pages = [answer for answer in world.walk("olu") if not answer.address.kwargs]
    none_of(leaks(pages, {f"/projects/{project.slug}/", f">{project.name}<"}))


@pytest.mark.parametrize("name", ["ana", "lea", "ada", *TOKENS])
def test_rows_of_another_project_are_not_there(world: World, name: str) -> None:
    none_of(
        answer.what for answer in world.stray(name) if answer.status not in REFUSALS or answer.wrote
    )


def test_a_token_of_another_project_finds_nothing(world: World) -> None:
    scene = world.scene
    for scope, secret in scene.foreign_secrets.items():
        stranger = as_token(secret, name=f"{scope.value} token of another project")
        answers = [
            stranger.ask(address, method, url)
            for address in addresses()
            if address.is_api
            for url in own_urls(address, scene.own)
            for method in ("GET", "POST")
        ]
        none_of(named(stranger.name, (a.what for a in answers if a.status not in REFUSALS)))


# Blind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RATER)
def test_a_rater_reads_nothing_that_others_said(world: World, name: str) -> None:
    none_of(leaks(world.walk(name), HIDDEN_FROM_ANA))


@pytest.mark.parametrize("name", RATER)
def test_a_raters_pages_are_the_same_whatever_others_say(world: World, name: str) -> None:
    before = world.walk(name)
    scenes.other_labels(world.scene.own.project)
    none_of(differences(before, world.walk_anew(name)))


def test_a_lead_who_rates_is_a_rater_on_the_items_of_that_round(world: World) -> None:
    none_of(leaks(world.walk("ray"), HIDDEN_WHILE_RATING))


# Searched -----------------------------------------------------------------------------------------

NOTHING = "zz-nobody-ever-said-this"
SAID_OF_SEALED = (
    SEALED_VERDICT_WHY,
    SERVED_ANSWER,
    SEALED_REFERENCE_WHY,
    rationale("ben", "sealed"),
)
"""One word of each kind: every search is asked for each of them."""


def searched(world: World, name: str, words: Collection[str]) -> list[str]:
    """A sentence for each page with a search whose answer tells one of the words from one that is
    nowhere: whoever may not read a word does not find out either where it stands."""
    asker = world.asker(name)
    pages = {
        answer.url: answer.address
        for answer in world.walk(name)
        if answer.method == "GET" and answer.status == 200 and 'name="q"' in answer.text
    }
    assert pages, f"{name} finds no page with a search"
    found = []
    for url, address in pages.items():
        empty, *answers = (
            asker.ask(address, "GET", f"{url}?q={word}").text.replace(word, "")
            for word in (NOTHING, *words)
        )
        found += [
            f"{url} finds {word}"
            for word, answer in zip(words, answers, strict=True)
            if answer != empty
        ]
    return found


def test_a_search_finds_what_may_be_read_so_that_there_is_something_to_compare(
    world: World,
) -> None:
    assert searched(world, "lea", [EXTERNAL_ID])


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("ana", HIDDEN_FROM_ANA),
        ("lea", SAID_OF_SEALED),
        ("noor", SAID_OF_SEALED),
        ("ada", SAID_OF_SEALED),
    ],
)
def test_no_search_finds_what_is_hidden(world: World, name: str, hidden: Collection[str]) -> None:
    none_of(searched(world, name, sorted(hidden)))


# Sealed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NOT_RATERS)
def test_nobody_reads_what_was_said_of_a_sealed_item(world: World, name: str) -> None:
    none_of(leaks(world.walk(name), HIDDEN_WHILE_SEALED))


@pytest.mark.parametrize("name", ["lea", "ada", "read token", "judge token"])
def test_pages_are_the_same_whichever_sealed_item_has_which_label(world: World, name: str) -> None:
    before = world.walk(name)
    scenes.swap_sealed(world.scene.own)
    if name != "judge token":  # who asks a judge in use reads what it answered
        scenes.turn_served(world.scene.own)
    none_of(differences(before, world.walk_anew(name)))
