"""Everything that raters and a lead do to a round, in any order, against a model of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Rater, User
from annotation.models import Assignment, Draft, Flag, Rating, Round, RoundItem, RoundRater
from annotation.queries import health
from annotation.services import claim, handing, rating, removing, rounds, withdrawing
from annotation.states import LIVE_ASSIGNMENTS, AssignmentState
from core.errors import Conflict, NotHere
from tests import builders
from tests.property.world import Labels, Lease, Member, World

KEYS = ("accuracy", "safety")
OVERLAP, ITEMS, RATERS = 2, 4, 3
STEPS = 40
NUMBERS = count(1)
"""Each example has a project of its own: nothing has to be rolled back."""

LEADS_ACTS = (
    "pause_or_resume",
    "let_in_or_take_out",
    "withdraw_or_take_back",
    "keep_or_let_go",
    "hand_on",
    "close",
)
WEEKEND = int(handing.KEPT_FOR.total_seconds() // 60)

who = st.integers(0, RATERS - 1)
which = st.integers(0, 3)
said = st.fixed_dictionaries({key: st.sampled_from("12345") for key in KEYS})


class RatingMachine(RuleBasedStateMachine):
    """`seen`: the rows that each rater was ever handed; windows that were left open."""

    round: Round
    lead: User
    raters: list[Rater]
    world: World

    @initialize(quota=st.sampled_from([None, 2]))
    def set_up(self, quota: int | None) -> None:
        number = next(NUMBERS)
        project = builders.make_project(slug=f"p{number}")
        self.lead = User.objects.create(username=f"lead{number}")
        self.raters = [
            Rater.objects.create(project=project, name=f"rater {n}") for n in range(RATERS)
        ]
        dataset = builders.make_dataset(project)
        items = [builders.make_item(dataset, external_id=f"i{n}") for n in range(ITEMS)]
        version = builders.make_guideline(project, keys=KEYS)
        first = self.raters[:-1]
        self.round = builders.make_round(
            dataset, version, items=items, raters=first, overlap=OVERLAP
        )
        RoundRater.objects.filter(round=self.round, rater=first[0]).update(quota=quota)
        self.world = World(OVERLAP, [item.pk for item in items], builders.NOON, claim.lease_time())
        self.world.members = {rater.pk: Member() for rater in first}
        self.world.members[first[0].pk].quota = quota
        self.seen: dict[int, list[tuple[int, int]]] = {rater.pk: [] for rater in self.raters}

    def row_of(self, n: int, back: int) -> tuple[int, int] | None:
        """A row that the rater has or had, and its item: the latest, or one before it.

        Who has nothing at hand asks first for something, as a window does after an answer. Each
        rule then does its work also in examples that never draw the rule of asking.
        """
        if self.raters[n].pk not in self.world.leases and back == 0:
            self.ask(n)
        seen = self.seen[self.raters[n].pk]
        return seen[-1 - back % len(seen)] if seen else None

    @rule(minutes=st.sampled_from([1, 20, 40, WEEKEND]), sweeps=st.booleans())
    def time_passes(self, minutes: int, sweeps: bool) -> None:
        self.world.now += timedelta(minutes=minutes)
        if sweeps:
            claim.expire(self.world.now)
            self.world.sweep()

    @rule(n=who)
    def ask_for_the_next(self, n: int) -> None:
        self.ask(n)

    def ask(self, n: int) -> None:
        rater, world = self.raters[n].pk, self.world
        given = claim.next_slot(round_id=self.round.pk, rater_id=rater, now=world.now)
        if rater not in world.members or world.members[rater].is_out:
            assert given.reason == claim.Reason.NOT_A_RATER
            return
        lease = world.leases.get(rater)
        if lease is not None and (world.state == "open" or lease.until > world.now):
            assert given.assignment_id == lease.row
            if world.state == "open":
                lease.until = world.now + world.lease_time
            return
        if lease is None:
            world.lapse()
        refusal = world.refusal(rater)
        assert given.reason == (refusal or None)
        if given.assignment_id is not None:
            row = Assignment.objects.get(pk=given.assignment_id)
            assert row.item_id in world.may_come(rater)
            world.leases[rater] = Lease(row.pk, row.item_id, world.now + world.lease_time)
            world.kept.pop((row.item_id, rater), None)
            self.seen[rater].append((row.pk, row.item_id))

    @rule(n=who, back=which, keeps=st.booleans())
    def renew_or_give_back(self, n: int, back: int, keeps: bool) -> None:
        rater = self.raters[n].pk
        if (row := self.row_of(n, back)) is None:
            return
        is_held = self.world.holds(rater, row[0])
        act: dict[str, Any] = {"assignment_id": row[0], "rater_id": rater, "now": self.world.now}
        if not keeps:
            claim.release(**act)
            if is_held:
                self.world.empty(rater)
        elif is_held:
            claim.renew(**act)
            self.world.leases[rater].until = self.world.now + self.world.lease_time
        else:
            with pytest.raises(Conflict):
                claim.renew(**act)

    @rule(n=who, back=which, labels=said)
    def submit(self, n: int, back: int, labels: Labels) -> None:
        rater, world = self.raters[n], self.world
        if (row := self.row_of(n, back)) is None:
            return
        told = self.try_to(rating.submit, row[0], rater, labels=labels)
        place = (row[1], rater.pk)
        is_counted = place in world.answers and row[1] not in world.out
        if told == "not_here":
            assert not self.is_reachable(row, rater)
        elif is_counted:
            assert told == ("" if world.answers[place][-1] == labels else "already_submitted")
        elif world.takes_answer(*place):
            assert told == ""
            world.answer(*place, labels)
        else:
            assert told in rating.GONE
            world.drafts[place] = labels

    @rule(n=who, back=which, labels=said)
    def keep_a_draft(self, n: int, back: int, labels: Labels) -> None:
        rater, world = self.raters[n], self.world
        if (row := self.row_of(n, back)) is None:
            return
        told = self.try_to(rating.save_draft, row[0], rater, labels=labels)
        place = (row[1], rater.pk)
        if told == "not_here":
            assert not self.is_reachable(row, rater)
        elif place in world.answers and row[1] not in world.out:
            assert told == "already_submitted"
        else:
            assert told == ""
            world.drafts[place] = labels
            if world.holds(rater.pk, row[0]):
                world.leases[rater.pk].until = world.now + world.lease_time

    @rule(n=who, back=which, is_flag=st.booleans())
    def pass_by(self, n: int, back: int, is_flag: bool) -> None:
        rater = self.raters[n]
        if (row := self.row_of(n, back)) is None:
            return
        flags = Flag.objects.filter(round=self.round).count()
        act = rating.flag if is_flag else rating.skip
        told = self.try_to(act, row[0], rater, reason="It is broken.")
        is_done = self.world.holds(rater.pk, row[0])
        assert (told == "") is is_done
        assert Flag.objects.filter(round=self.round).count() == flags + (is_done and is_flag)
        if is_done:
            self.world.skip(rater.pk)

    @rule(n=who, back=which, labels=said)
    def change_an_answer(self, n: int, back: int, labels: Labels) -> None:
        rater, world = self.raters[n], self.world
        mine = [place for place in world.answers if place[1] == rater.pk]
        if not mine:
            return
        place = mine[back % len(mine)]
        row = Assignment.objects.get(
            round=self.round, item=place[0], rater=rater, submitted_at__isnull=False
        )
        told = self.try_to(rating.amend, row.pk, rater, labels=labels)
        if world.state == "closed" or place[0] in world.out:
            assert told == "not_editable"
        else:
            assert told == ""
            world.answers[place].append(labels)

    @rule(act=st.sampled_from(LEADS_ACTS), n=which)
    @precondition(lambda self: self.world.state != "closed")
    def lead_acts(self, act: str, n: int) -> None:
        """One rule for all of them: raters are to do more than leads undo."""
        getattr(self, act)(n)

    def pause_or_resume(self, n: int) -> None:
        is_open = self.world.state == "open"
        (rounds.pause if is_open else rounds.resume)(round_id=self.round.pk, by=self.lead)
        self.world.state = "paused" if is_open else "open"

    def close(self, n: int) -> None:
        """Seldom: nothing much happens afterwards."""
        if n == 3:
            rounds.close(round_id=self.round.pk, by=self.lead, now=self.world.now)
            self.world.state = "closed"

    def let_in_or_take_out(self, n: int) -> None:
        rater = self.raters[n % RATERS]
        member = self.world.members.get(rater.pk)
        if member is None or member.is_out:
            rounds.add_raters(round_id=self.round.pk, raters=[rater], by=self.lead)
            member = self.world.members.setdefault(rater.pk, Member())
            if member.is_out:
                member.is_out, member.quota = False, None
            return
        removing.remove_rater(
            round_id=self.round.pk,
            rater_id=rater.pk,
            keep_answers=True,
            reason="Left the team.",
            by=self.lead,
            now=self.world.now,
        )
        member.is_out = True
        if rater.pk in self.world.leases:
            self.world.empty(rater.pk)
        for place in [one for one in self.world.kept if one[1] == rater.pk]:
            del self.world.kept[place]

    def keep_or_let_go(self, n: int) -> None:
        """For each rater in turn: an item that is kept for them is let go, else one is kept."""
        rater, world = self.raters[n % RATERS].pk, self.world
        mine = [place for place in world.kept if place[1] == rater]
        if mine and n == 3:
            slot = Assignment.objects.get(round=self.round, item=mine[0][0], kept_for=mine[0][1])
            handing.let_go(round_id=self.round.pk, assignment_id=slot.pk, by=self.lead)
            del world.kept[mine[0]]
            return
        for item in world.items:
            place = (item, rater)
            may = world.may_keep(*place)
            told = self.refusal_of(handing.keep_for, item_id=item, rater_id=rater)
            assert (told == "") is may
            if may:
                world.kept[place] = world.now + handing.KEPT_FOR
                return

    def hand_on(self, n: int) -> None:
        """What one rater holds goes to the next one, or nothing happens at all."""
        one, other = self.raters[n % RATERS].pk, self.raters[(n + 1) % RATERS].pk
        lease = self.world.leases.get(one)
        told = self.refusal_of(handing.hand_back, rater_id=one, to=other)
        if lease is None:
            assert told == "nothing_held"
            return
        del self.world.leases[one]
        may = self.world.may_keep(lease.item, other)
        self.world.leases[one] = lease
        assert (told == "") is may
        if may:
            self.world.empty(one)
            self.world.kept[lease.item, other] = self.world.now + handing.KEPT_FOR

    def refusal_of(self, act: Any, **more: Any) -> str:
        try:
            act(round_id=self.round.pk, by=self.lead, now=self.world.now, **more)
        except Conflict as refusal:
            return refusal.code
        return ""

    def withdraw_or_take_back(self, n: int) -> None:
        item, world = self.world.items[n], self.world
        if item not in world.out:
            withdrawing.withdraw_item(
                round_id=self.round.pk, item_id=item, reason="Broken.", by=self.lead, now=world.now
            )
            world.withdraw(item)
            return
        made = RoundItem.objects.get(round=self.round, item=item).withdrawal_id
        assert made is not None
        withdrawing.take_back_item(withdrawal_id=made, by=self.lead, now=world.now)
        world.out.remove(item)

    def try_to(self, act: Any, row: int, rater: Rater, **more: Any) -> str:
        """The code of the refusal, nothing when the act was done."""
        try:
            act(assignment_id=row, rater=rater, now=self.world.now, **more)
        except NotHere:
            return "not_here"
        except Conflict as refusal:
            return refusal.code
        return ""

    def is_reachable(self, row: tuple[int, int], rater: Rater) -> bool:
        is_mine = Assignment.objects.filter(pk=row[0], rater=rater).exists()
        return is_mine or (row[1], rater.pk) in self.world.drafts

    @invariant()
    def every_slot_has_one_living_row(self) -> None:
        rows = Assignment.objects.filter(round=self.round, state__in=LIVE_ASSIGNMENTS)
        slots = Counter(rows.values_list("item", "slot"))
        inside = [item for item in self.world.items if item not in self.world.out]
        assert slots == Counter({(item, slot): 1 for item in inside for slot in range(OVERLAP)})

    @invariant()
    def leases_are_those_of_the_model(self) -> None:
        rows = Assignment.objects.filter(round=self.round, state=AssignmentState.LEASED)
        assert sorted(rows.values_list("rater", "pk", "item", "lease_until")) == sorted(
            (rater, lease.row, lease.item, lease.until)
            for rater, lease in self.world.leases.items()
        )

    @invariant()
    def what_is_kept_is_that_of_the_model(self) -> None:
        rows = Assignment.objects.filter(round=self.round, kept_for__isnull=False)
        assert {
            (item, who): until
            for item, who, until in rows.values_list("item", "kept_for", "kept_until")
        } == self.world.kept

    @invariant()
    def counters_are_right(self) -> None:
        places = RoundItem.objects.filter(round=self.round)
        assert set(places.values_list("item", "taken", "is_full")) == {
            (item, taken, taken >= OVERLAP or item in self.world.out)
            for item in self.world.items
            for taken in [self.world.taken(item)]
        }
        members = RoundRater.objects.filter(round=self.round)
        assert set(members.values_list("rater", "answered", "skipped")) == {
            (rater, member.answered, member.skipped) for rater, member in self.world.members.items()
        }

    @invariant()
    def no_answer_is_lost_or_changed_without_a_revision(self) -> None:
        rows = Assignment.objects.filter(round=self.round, submitted_at__isnull=False)
        counting = rows.filter(state=AssignmentState.SUBMITTED)
        assert sorted(rows.values_list("item", "rater")) == sorted(self.world.answers)
        assert sorted(counting.values_list("item", "rater")) == sorted(
            place for place, _ in self.world.counting()
        )
        told: dict[tuple[int, int, str], list[str]] = {}
        for item, rater, key, label in (
            Rating.objects.filter(assignment__round=self.round)
            .order_by("revision")
            .values_list("assignment__item", "assignment__rater", "dimension__key", "label")
        ):
            told.setdefault((item, rater, key), []).append(label)
        assert told == {
            (*place, key): changes([labels[key] for labels in revisions])
            for place, revisions in self.world.answers.items()
            for key in KEYS
        }

    @invariant()
    def drafts_are_kept(self) -> None:
        drafts = Draft.objects.filter(round=self.round)
        kept = {(d.item_id, d.rater_id): d.labels for d in drafts}
        assert kept == self.world.drafts

    def teardown(self) -> None:
        assert health.counters_are_true().is_ok
        assert health.nobody_is_over_overlap().is_ok
        # What this example leaves behind is nothing that the next one's sweep would find.
        Assignment.objects.filter(state=AssignmentState.LEASED).delete()
        Assignment.objects.filter(kept_for__isnull=False).delete()
        RoundItem.objects.filter(round=self.round).delete()


def changes(labels: list[str]) -> list[str]:
    """Each label that differs from the one before it."""
    return [label for n, label in enumerate(labels) if n == 0 or label != labels[n - 1]]


@pytest.mark.django_db
@pytest.mark.databases
def test_any_order_of_acts_keeps_the_rounds_promises() -> None:
    profile = settings.default
    assert profile is not None
    run_state_machine_as_test(
        RatingMachine,
        settings=settings(
            profile,
            max_examples=max(20, profile.max_examples // 5),
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
