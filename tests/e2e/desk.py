"""A round for one rater in the house, and the rater at it."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.builders import PASSWORD
from tests.harness.house import House

SEED = """
import json
from accounts.models import Project, User
from accounts.roles import Role
from tests import builders as b
project = Project.objects.filter(slug={name!r}).first() or b.make_project(slug={name!r})
user = User.objects.filter(username={name!r}).first() or b.make_user(username={name!r})
b.join(project, user, Role.RATER)
dataset = b.make_dataset(project, name={round!r})
items = [
    b.make_pair(dataset, external_id=f"p{{n}}", input=f"Question {{n}}?") if {pairwise!r}
    else b.make_item(dataset, external_id=f"i{{n}}", input=f"Question {{n}}?")
    for n in range({items})
]
version = b.make_guideline(project, name={round!r}, pairwise={pairwise!r})
round_ = b.make_round(
    dataset, version, items=items, raters=[b.rater_of(project, user)], name={round!r}, overlap=1
)
print(json.dumps(f"/projects/{{project.slug}}/rounds/{{round_.pk}}/rate/"))
"""
STORED = """
import json
from annotation.models import Rating
rows = Rating.objects.filter(assignment__round__project__slug={name!r}, is_current=True)
print(json.dumps(list(rows.order_by("assignment__submitted_at", "dimension__position")
    .values_list("label", flat=True))))
"""


def make_round(
    house: House, name: str, *, items: int = 3, pairwise: bool = False, round_name: str = "Sitting"
) -> str:
    """A round for one rater of this name; the address of the workbench."""
    seed = SEED.format(name=name, items=items, pairwise=pairwise, round=round_name)
    return str(house.ask(seed))


def stored(house: House, name: str) -> object:
    return house.ask(STORED.format(name=name))


def sign_in(page: Page, name: str) -> None:
    page.goto("/sign-in/")
    page.locator("input[type=text][name=username]").fill(name)
    page.locator("input[type=password][name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("input[type=password]")).to_have_count(0)


def press(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)
