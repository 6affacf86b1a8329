"""What people fill in about approvals, sessions and reviews, and what they narrow lists by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms

from accounts.models import Project, Rater
from annotation.forms.adjudication import KeyedRadios
from annotation.forms.rounds import RatersChoice, offer
from annotation.models import Dataset, Dimension, GuidelineVersion, Round
from annotation.queries import adjudication
from annotation.queries import rounds as round_queries
from annotation.rules.itemrows import DIFFICULTIES
from annotation.rules.keys import NAME_CHARS as ROUND_NAME_CHARS
from annotation.rules.overlap import HIGHEST_OVERLAP
from annotation.services import roundacts
from annotation.services.adjudication import TAKEN_BACK
from annotation.services.sessionrounds import MOST_ITEMS
from calibration.models import CalibrationSession, ReviewAnswer
from calibration.queries import driftrounds
from calibration.queries import sessions as session_queries
from calibration.queries.differences import DifferenceFilter
from calibration.queries.referencefigures import Subject
from calibration.queries.roundfigures import Figures
from calibration.queries.roundraters import BELOW, NOW, REMOVED
from calibration.queries.sessionitems import DimensionView
from calibration.rules.reviews import UNCLEAR, WORDS, Outcome
from calibration.rules.sessions import Line
from calibration.services import driftrounds as drift_services
from calibration.services.reviews import MOST_DIFFERENCES
from calibration.services.sessions import NAME_CHARS
from calibration.services.sessiontalk import COMMENT_CHARS, REASON_CHARS
from calibration.states import SessionState
from core.errors import DomainError
from core.filters import FilterForm, search
from judges.models import Standing
from judges.rules import policy as rules
from judges.rules.policy import Policy
from judges.services.decisions import MOST_REASON

APPROVE, REFUSE, EXCEPTION = "approve", "refuse", "exception"
MOST_OFFERED = 200
SHORT = 100
FOR_GOOD = "It stands on the judge’s page and in the audit trail for good."


class AskForm(forms.Form):
    """Which sealed set, and for which dimensions."""

    sealed_set = forms.ChoiceField(label="Sealed set", widget=forms.RadioSelect)
    dimensions = forms.MultipleChoiceField(label="Dimensions", widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        sets: Sequence[tuple[str, str]],
        dimensions: Sequence[tuple[str, str]],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "sealed_set", sets)
        _choices(self, "dimensions", dimensions)


class DecisionForm(forms.Form):
    """Approve what passed, or refuse; always with a reason.

    `passing` are the only dimensions that can be approved, `exceptable` those that can be by
    exception; `covered` are those of the approval in force, by their names.
    """

    decision = forms.ChoiceField(
        choices=[
            (APPROVE, "Approve"),
            (REFUSE, "Refuse"),
            (EXCEPTION, "Approve by exception"),
        ],
        error_messages={"required": "Press Approve or Refuse."},
        widget=forms.HiddenInput,
    )
    dimensions = forms.MultipleChoiceField(
        label="Approve for", required=False, widget=forms.CheckboxSelectMultiple
    )
    excepted = forms.MultipleChoiceField(
        label="Approve by exception", required=False, widget=forms.CheckboxSelectMultiple
    )
    may_shrink = forms.BooleanField(label="Go on", required=False)
    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what made you decide so."},
        help_text="It stands in the audit trail and on this page for good.",
    )

    def __init__(
        self,
        passing: Mapping[str, str],
        covered: Mapping[str, str],
        *args: Any,
        exceptable: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.passing = passing
        self.exceptable = dict(exceptable or {})
        _choices(self, "excepted", list(self.exceptable.items()))
        self.covered = dict(covered)
        _choices(self, "dimensions", list(passing.items()))
        self.fields["dimensions"].initial = list(passing)
        self._lost = set(covered) - set(passing) - set(self.exceptable)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == APPROVE and not self._chosen(cleaned):
            if self.passing:
                self.add_error("dimensions", "Choose at least one dimension to approve.")
            else:
                self.add_error(None, "No dimension passed the gate, so none can be approved.")
        if cleaned.get("decision") == EXCEPTION and not cleaned.get("excepted"):
            if self.exceptable:
                self.add_error("excepted", "Choose at least one dimension to except.")
            else:
                self.add_error(None, "No dimension of this request carries an exception.")
        if cleaned.get("decision") in (APPROVE, EXCEPTION):
            # What is left out of the boxes is lost as well, and has to be confirmed somewhere.
            excepted = cleaned.get("excepted", []) if cleaned["decision"] == EXCEPTION else []
            self._lost = set(self.covered) - set(self._chosen(cleaned)) - set(excepted)
        return cleaned

    @property
    def lost(self) -> list[str]:
        """The names of what the approval in force covers and this decision would not."""
        return [name for key, name in self.covered.items() if key in self._lost]

    @property
    def shrinking(self) -> str:
        """What is confirmed by the box."""
        return (
            f"Go on, though the approval in force also covers {', '.join(self.lost)} and the API "
            "will refuse that from then on"
        )

    def approved(self) -> frozenset[str]:
        """The dimensions to approve; none when the decision is to refuse."""
        if self.cleaned_data["decision"] == REFUSE:
            return frozenset()
        return frozenset(self._chosen(self.cleaned_data))

    def by_exception(self) -> frozenset[str]:
        """The dimensions to approve by exception; none unless that is the decision."""
        if self.cleaned_data["decision"] != EXCEPTION:
            return frozenset()
        return frozenset(self.cleaned_data["excepted"])

    def _chosen(self, cleaned: Mapping[str, Any]) -> list[str]:
        """With a single passing dimension there is nothing to choose."""
        if len(self.passing) == 1 and not self.is_bound_to("dimensions"):
            return list(self.passing)
        return list(cleaned.get("dimensions", []))

    def is_bound_to(self, name: str) -> bool:
        return name in self.data


class RevokeForm(forms.Form):
    """Why an approval ends."""

    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write why the approval ends."},
        help_text=FOR_GOOD,
    )


class SuspendForm(forms.Form):
    """Why an approval is suspended."""

    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what has to be looked into."},
        help_text=FOR_GOOD,
    )


class ReinstateForm(forms.Form):
    """What was found, and why the judge may answer again."""

    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write what was found, and why the judge may answer again."},
        help_text=FOR_GOOD,
    )


class DriftRoundForm(forms.Form):
    """How many fresh items, of which dataset, by whom; `wrote` are raters who may not, as they
    wrote what it watches."""

    USUAL_COUNT = 100

    name = forms.CharField(label="Name", max_length=ROUND_NAME_CHARS)
    dataset = forms.ChoiceField(label="Dataset")
    count = forms.IntegerField(
        label="Fresh items",
        min_value=1,
        max_value=drift_services.MOST_ITEMS,
        help_text="Drawn at random, one of a prompt.",
    )
    raters = RatersChoice(
        queryset=Rater.objects.none(),
        label="Raters",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose who rates."},
        help_text="They rate blind: nobody is shown what the judge said.",
    )

    def __init__(self, *args: Any, standing: Standing, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        project_id = standing.judge.project_id
        least = driftrounds.least_overlap(standing)
        everybody = round_queries.candidates(project_id=project_id)
        wrote = driftrounds.authors_watched(standing.version.guideline_version)
        raters = everybody.exclude(user__in=wrote)
        self.wrote = list(everybody.filter(user__in=wrote))
        found = drift_services.datasets_with_fresh(standing)
        self.datasets = _by_key(found)
        _choices(self, "dataset", _named(self.datasets, lambda one: one.name))
        offer(self.fields["raters"], raters)
        self.fields["overlap"] = forms.IntegerField(
            label="Overlap",
            min_value=least,
            max_value=HIGHEST_OVERLAP,
            help_text=f"Raters an item. The judge was approved by {least}.",
        )
        plain = f"{standing.judge.name[:80]} drift"
        self.initial = {
            "name": round_queries.free_name(plain, project_id=project_id),
            "count": self._count(standing, found),
            "overlap": least,
            "raters": [rater.pk for rater in raters],
        }

    def _count(self, standing: Standing, found: Sequence[Dataset]) -> int:
        """The usual count, or what the dataset that is offered first has."""
        there = drift_services.fresh_prompts(standing, found[0]) if found else self.USUAL_COUNT
        return min(self.USUAL_COUNT, there)

    def plan(self) -> Mapping[str, Any]:
        """What `services.driftrounds.create` takes, but for the standing, person and time."""
        return {**self.cleaned_data, "dataset": self.datasets[self.cleaned_data["dataset"]]}


class PolicyForm(forms.Form):
    """The constants of a gate policy; shares are written in percent. `seen` is what was read."""

    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Write why the policy changes."},
        help_text="It stands on the policy's page and in the audit trail for good.",
    )

    def __init__(self, policy: Policy, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        values = rules.chosen(policy)
        self.fields["seen"].initial = policy.number
        for constant in rules.CONSTANTS:
            self.fields[constant.name] = _constant_field(constant, values[constant.name])
        self.order_fields(["seen", *(one.name for one in rules.CONSTANTS), "reason"])

    @property
    def lines(self) -> list[tuple[rules.Constant, forms.BoundField]]:
        """Each constant with its field."""
        return [(one, self[one.name]) for one in rules.CONSTANTS]

    def constants(self) -> dict[str, Any]:
        """What was chosen, shares as fractions."""
        return {
            one.name: _chosen_value(one, self.cleaned_data[one.name]) for one in rules.CONSTANTS
        }

    def refused(self, refusal: DomainError) -> None:
        """Put a service's refusal where it can be mended."""
        known = {name: said for name, said in refusal.fields.items() if name in self.fields}
        if not known:
            self.add_error(None, refusal.sentence)
        for name, said in known.items():
            self.add_error(name, said)


def _constant_field(constant: rules.Constant, value: Any) -> forms.Field:
    mark = " †" if constant.is_judgement else ""
    if constant.unit == "labels":
        return forms.CharField(
            label=f"{constant.title}{mark}",
            required=False,
            max_length=2000,
            initial=", ".join(value),
            help_text=f"{constant.why} With commas between them; empty: none.",
        )
    is_share = constant.unit == "share"
    bounds = f"{rules.shown(constant, constant.low)} to {rules.shown(constant, constant.high)}"
    kind = forms.IntegerField if constant.is_whole else forms.FloatField
    return kind(
        label=f"{constant.title}{', %' if is_share else ''}{mark}",
        initial=_plain(value * 100 if is_share else value),
        help_text=f"{constant.why} From {bounds}.",
        widget=forms.NumberInput(attrs={"step": "1" if constant.is_whole else "any"}),
    )


def _plain(value: float) -> float:
    """As people write it: 80, not 80.0."""
    rounded = round(value, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def _chosen_value(constant: rules.Constant, value: Any) -> Any:
    if constant.unit == "labels":
        return [label.strip() for label in value.split(",") if label.strip()]
    return round(value / 100, 8) if constant.unit == "share" else value


def _choices(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


class RatersFilter(FilterForm):
    """Raters of a round."""

    q = search("Rater", name="Find a rater", hint="Name")
    which = forms.ChoiceField(
        label="Which",
        required=False,
        choices=[
            ("", "everybody"),
            (BELOW, "clearly below the others"),
            (NOW, "rating now"),
            (REMOVED, "removed"),
        ],
    )


class DifferencesFilter(FilterForm):
    """Items on which the raters of a round differ."""

    q = search("Item", name="Find an item", hint="Text or id")
    dimension = forms.ChoiceField(label="Dimension", required=False)
    label = forms.ChoiceField(label="Somebody gave", required=False)
    raters = forms.IntegerField(label="Raters at least", required=False, min_value=2, max_value=100)
    difficulty = forms.ChoiceField(
        label="Difficulty", required=False, choices=[("", "any"), *((d, d) for d in DIFFICULTIES)]
    )
    tag = forms.CharField(label="Tag", required=False, max_length=100)
    state = forms.ChoiceField(
        label="Settled",
        required=False,
        choices=[
            ("", "all"),
            (adjudication.OPEN, "contested, to be decided"),
            (adjudication.DECIDED, "decided by a person"),
            (adjudication.STILL, "still contested"),
            (adjudication.SETTLED, "settled by the ratings"),
        ],
    )

    def __init__(self, *args: Any, found: Figures, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        points = dict.fromkeys(label for one in found.dimensions for label in one.points)
        _choices(self, "dimension", [("", "any"), *((d.key, d.name) for d in found.dimensions)])
        _choices(self, "label", [("", "any label"), *((label, label) for label in points)])

    def wanted(self) -> DifferenceFilter:
        return DifferenceFilter(
            text=self.asked("q"),
            dimension=self.asked("dimension"),
            label=self.asked("label"),
            raters=self.asked("raters") or 0,
            difficulty=self.asked("difficulty"),
            tag=self.asked("tag").strip(),
            state=self.asked("state"),
        )


class SessionsFilter(FilterForm):
    """Sessions of a project."""

    q = search("Session", name="Find a session", hint="Name")
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "any"),
            (SessionState.DRAFT.value, "draft"),
            (SessionState.BLIND.value, "rated blind"),
            (SessionState.REVEALED.value, "revealed"),
            (SessionState.SECOND.value, "second round"),
            (SessionState.CLOSED.value, "closed"),
        ],
    )


class SessionForm(forms.Form):
    """A session in draft: which items, by which guideline, who."""

    HAND, DIFFERING = "hand", "differing"

    name = forms.CharField(label="Name", max_length=NAME_CHARS)
    version = forms.ChoiceField(label="Guideline")
    people = forms.MultipleChoiceField(
        label="Who takes part?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose two people or more."},
        help_text="Each of them rates every item, blind.",
    )
    how = forms.ChoiceField(
        label="Which items?",
        widget=forms.RadioSelect,
        choices=[
            (DIFFERING, "Those on which the raters of a round differ most"),
            (HAND, "Those that I list"),
        ],
        error_messages={"required": "Say how the items are chosen."},
    )
    round = forms.ChoiceField(label="Round", required=False)
    count = forms.IntegerField(
        label="How many",
        required=False,
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="10 to 20 are enough to talk about.",
    )
    dataset = forms.ChoiceField(label="Dataset", required=False)
    ids = forms.CharField(
        label="Ids of the items",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=f"One a line, {MOST_ITEMS} at most. Nothing sealed can be in a session.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rounds = _by_key(session_queries.rounds_to_choose_from(project_id=project.pk))
        self.datasets = _by_key(round_queries.datasets_with_items(project_id=project.pk))
        self.versions = _by_key(round_queries.versions_in_force(project_id=project.pk))
        self.users = _by_key(session_queries.candidates(project_id=project.pk))
        _choices(self, "version", _named(self.versions, _version_name))
        _choices(self, "people", _named(self.users, lambda user: user.shown_name))
        _choices(self, "round", [("", "none"), *_named(self.rounds, lambda one: one.name)])
        _choices(self, "dataset", [("", "none"), *_named(self.datasets, lambda one: one.name)])

    @property
    def is_by_hand(self) -> bool:
        return bool(self.cleaned_data["how"] == self.HAND)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        needed = {
            self.HAND: {"dataset": "Choose the dataset.", "ids": "Name the items, one a line."},
            self.DIFFERING: {"round": "Choose the round.", "count": "Say how many items."},
        }
        for name, sentence in needed.get(str(cleaned.get("how")), {}).items():
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        return cleaned

    def external_ids(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["ids"].splitlines() if line.strip()]

    def chosen_version(self) -> GuidelineVersion:
        found: GuidelineVersion = self.versions[self.cleaned_data["version"]]
        return found

    def chosen_round(self) -> Round:
        found: Round = self.rounds[self.cleaned_data["round"]]
        return found

    def chosen_dataset(self) -> Dataset:
        found: Dataset = self.datasets[self.cleaned_data["dataset"]]
        return found

    def chosen_people(self) -> list[Any]:
        return [self.users[key] for key in self.cleaned_data["people"]]


class SecondRoundForm(forms.Form):
    """Fresh items for the second blind round."""

    version = forms.ChoiceField(label="Guideline version")
    count = forms.IntegerField(
        label="Fresh items",
        min_value=1,
        max_value=MOST_ITEMS,
        help_text="Drawn at random. The interval of the difference needs about 50 to say anything.",
    )

    def __init__(self, *args: Any, session: CalibrationSession, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_force = round_queries.versions_in_force(project_id=session.project_id)
        same = in_force.filter(guideline=session.guideline_version.guideline_id)
        self.versions = _by_key(same)
        _choices(self, "version", _named(self.versions, _version_name))

    def chosen_version(self) -> GuidelineVersion:
        found: GuidelineVersion = self.versions[self.cleaned_data["version"]]
        return found


class CommentForm(forms.Form):
    """A word on an item of a session."""

    text = forms.CharField(
        label="Comment",
        max_length=COMMENT_CHARS,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the comment."},
    )


class SettleLabelForm(forms.Form):
    """The label that was agreed on. `seen` is the revision that the page showed."""

    label = forms.ChoiceField(
        label="Agreed label", error_messages={"required": "Choose the label."}
    )
    reason = forms.CharField(
        label="Why?",
        max_length=REASON_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why, in a few words."},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0, max_value=1_000_000)

    def __init__(self, *args: Any, dimension: DimensionView, **kwargs: Any) -> None:
        kwargs["prefix"] = f"settle-{dimension.key}"
        super().__init__(*args, **kwargs)
        self.initial["seen"] = dimension.revision
        choices = [(one.value, _choice_name(one.words, one.anchor)) for one in dimension.choices]
        _choices(self, "label", [("", "choose"), *choices])


class ClauseForm(forms.Form):
    """What a line of the guideline lacks."""

    line = forms.TypedChoiceField(
        label="Line of the guideline",
        coerce=int,
        error_messages={"required": "Choose a line of the guideline."},
    )
    note = forms.CharField(
        label="What should it say?",
        max_length=REASON_CHARS,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what the line lacks."},
    )

    def __init__(self, *args: Any, lines: Sequence[Line], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shown = [(str(one.number), f"{one.number}: {_short(one.text)}") for one in lines]
        _choices(self, "line", [("", "choose"), *shown])


class TodoFilter(FilterForm):
    """What sessions and reviews found wanting in a guideline."""

    state = forms.ChoiceField(
        label="Which",
        required=False,
        choices=[("", "all"), ("open", "to do"), ("done", "done")],
    )


def _by_key(rows: Any) -> dict[str, Any]:
    return {str(row.pk): row for row in rows[:MOST_OFFERED]}


def _named(rows: Mapping[str, Any], name: Callable[[Any], str]) -> list[tuple[str, str]]:
    return [(key, name(row)) for key, row in rows.items()]


def _version_name(version: GuidelineVersion) -> str:
    return f"{version.guideline.name} {version.number}"


def _choice_name(words: str, anchor: str) -> str:
    return f"{words}: {_short(anchor)}" if anchor else words


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


class ReferenceFilter(FilterForm):
    """Whose human labels, and which of the items."""

    subject = forms.ChoiceField(label="Of", required=False)
    q = search("Item", name="Find an item", hint="Text or id")
    state = forms.ChoiceField(
        label="Which",
        required=False,
        choices=[
            ("", "all"),
            ("contested", "contested by the ratings"),
            ("decided", "decided by the ratings"),
            ("adjudicated", "adjudicated"),
        ],
    )

    def __init__(self, *args: Any, subjects: Sequence[Subject], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subjects = {one.token: one for one in subjects}
        _choices(self, "subject", [(one.token, one.name) for one in subjects])

    def chosen(self) -> Subject:
        """The one that was asked for, else the newest."""
        return self.subjects.get(self.asked("subject")) or next(iter(self.subjects.values()))


class ReviewForm(forms.Form):
    """Which dimension of a run is reviewed, and how many differences of it."""

    dimension = forms.ChoiceField(label="Dimension")
    count = forms.IntegerField(
        label="Differences, at most",
        min_value=1,
        max_value=MOST_DIFFERENCES,
        initial=30,
        help_text="As many items on which they agree come with them.",
    )

    def __init__(self, *args: Any, dimensions: Sequence[Dimension], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "dimension", [(one.key, one.name) for one in dimensions])


class ReviewAnswerForm(forms.Form):
    """Which of two labels is right, another one, or that the guideline does not settle it.

    What is sent says which of the two as they are shown, and nothing of whose it is.
    """

    FIRST, SECOND, UNCLEAR = "first", "second", "unclear"

    answer = forms.ChoiceField(
        label="What is right?",
        widget=KeyedRadios,
        error_messages={"required": "Choose a label, or say that the guideline is unclear."},
    )
    reason = forms.CharField(
        label="Why?",
        max_length=roundacts.REASON_CHARS,
        widget=forms.Textarea(
            attrs={"rows": 2, "data-key": "w", "data-key-name": "Say why", "dir": "auto"}
        ),
        help_text="A short sentence: who mends label, judge or guideline reads it.",
        error_messages={"required": "Say why, in a few words."},
    )
    seen = forms.IntegerField(min_value=0, max_value=10**6, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        shown: tuple[str, str],
        others: Sequence[str],
        words: Callable[[str], str],
        before: ReviewAnswer | None,
        **kwargs: Any,
    ) -> None:
        self.labels = {self.FIRST: shown[0], self.SECOND: shown[1], self.UNCLEAR: UNCLEAR}
        self.labels |= {f"other-{place}": label for place, label in enumerate(others, start=3)}
        kwargs["initial"] = self._initial(before)
        super().__init__(*args, **kwargs)
        keys = {self.FIRST: "1", self.SECOND: "2", self.UNCLEAR: "u"}
        keys |= {f"other-{place}": str(place) for place in range(3, 10)}
        field = self.fields["answer"]
        assert isinstance(field, forms.ChoiceField)
        field.widget = KeyedRadios(keys)
        field.choices = [
            (name, self._named(name, words(label), keys.get(name, "")))
            for name, label in self.labels.items()
            if name != self.UNCLEAR
        ] + [(self.UNCLEAR, "The guideline does not settle it (u)")]

    def label(self) -> str:
        """The label that was chosen; UNCLEAR is one."""
        return self.labels[self.cleaned_data["answer"]]

    def _initial(self, before: ReviewAnswer | None) -> dict[str, Any]:
        if before is None:
            return {"seen": 0}
        name = next((name for name, label in self.labels.items() if label == before.label), "")
        return {"seen": before.revision, "reason": before.reason, "answer": name}

    def _named(self, name: str, words: str, key: str) -> str:
        if name in (self.FIRST, self.SECOND):
            return f"{words} ({key})"
        return f"Neither, but {words}" + (f" ({key})" if key else "")


class ReviewCorrectForm(forms.Form):
    """The corrected human label: a point that says what the review found right."""

    label = forms.ChoiceField(label="Human label", error_messages={"required": "Choose the label."})
    reason = forms.CharField(
        label="Why?",
        max_length=roundacts.REASON_CHARS,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
        help_text="It stands beside the label with your name, for good.",
        error_messages={"required": "Say why, in a few words."},
    )
    seen = forms.IntegerField(min_value=0, max_value=10**6, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, points: Sequence[tuple[str, str]], is_corrected: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        taken_back = [(TAKEN_BACK, "Take the correction back")] if is_corrected else []
        asked = [("", "choose")] if len(points) > 1 or is_corrected else []
        _choices(self, "label", [*asked, *points, *taken_back])


class ReviewFilter(FilterForm):
    """Items of a closed review."""

    outcome = forms.ChoiceField(label="Which", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "outcome", [("", "all"), *((one.value, WORDS[one]) for one in Outcome)])
