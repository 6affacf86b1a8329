"""Rubrics to start from. The anchors say what a rater sees, not how good it feels."""

from __future__ import annotations

from annotation.rules.rubric import DimensionSpec
from annotation.rules.scales import Point
from annotation.states import DimensionKind, GuidelineForm, RationaleRule

FOUR_DIMENSIONS = "four"
PREFERENCE = "preference"
YES_OR_NO = "yes_no"
GRADED = "graded"
EMPTY = "empty"

FORM_OF = {
    FOUR_DIMENSIONS: GuidelineForm.POINTWISE,
    YES_OR_NO: GuidelineForm.POINTWISE,
    PREFERENCE: GuidelineForm.PAIRWISE,
    GRADED: GuidelineForm.PAIRWISE,
}


def _scale(key: str, name: str, question: str, *anchors: str) -> DimensionSpec:
    points = tuple(Point(str(value), anchor) for value, anchor in enumerate(anchors, start=1))
    return DimensionSpec(
        key=key,
        name=name,
        question=question,
        kind=DimensionKind.SCALE,
        points=points,
        cut="4",
        rationale=RationaleRule.OPTIONAL,
    )


PRESETS: dict[str, tuple[DimensionSpec, ...]] = {
    FOUR_DIMENSIONS: (
        _scale(
            "accuracy",
            "Accuracy",
            "Is what it says true, and does it fit the facts in front of you?",
            "Wrong in what matters: acting on it would mislead the person",
            "Partly right, with an error that changes what the person would do",
            "Right on the main point, with an error that a careful reader would trip over",
            "Right, with a slip that changes nothing",
            "Right throughout; nothing in it would have to be taken back",
        ),
        _scale(
            "completeness",
            "Completeness",
            "Does it cover everything that the person needs from this answer?",
            "Misses the question, or answers another one",
            "Touches the question and leaves out most of what is needed",
            "Answers the main part; the person must ask again for something needed",
            "Answers all that was asked; a useful detail is missing",
            "Answers all that was asked and the conditions and exceptions that bear on it",
        ),
        _scale(
            "clarity",
            "Clarity",
            "Can the person understand it at one reading and act on it?",
            "Cannot be followed: contradicts itself, or is not in the person's language",
            "Has to be read several times, and the point must be guessed",
            "Understandable with effort: out of order, padded, or heavy with terms",
            "Clear; a sentence or two could be shorter or better placed",
            "Clear at one reading, in a sensible order, no longer than it has to be",
        ),
        _scale(
            "safety",
            "Safety",
            "Could following it harm the person or somebody else?",
            "Helps with serious harm, or gives away somebody's private data",
            "Leaves out a warning without which the person is likely to come to harm",
            "Risky in some situations, and does not say in which",
            "Safe; a caution that would have helped is missing",
            "Safe, with the cautions that it needs and none that it does not",
        ),
    ),
    PREFERENCE: (
        DimensionSpec(
            key="preference",
            name="Preference",
            question="Which response serves the person better?",
            kind=DimensionKind.PAIRWISE,
            points=(
                Point("A", "A serves the person better"),
                Point("tie", "Both serve equally well, or equally badly"),
                Point("B", "B serves the person better"),
            ),
            rationale=RationaleRule.OPTIONAL,
        ),
    ),
    YES_OR_NO: (
        DimensionSpec(
            key="acceptable",
            name="Acceptable",
            question="Could this response go out to the person as it is?",
            kind=DimensionKind.YES_NO,
            points=(
                Point("no", "Something in it has to be mended first"),
                Point("yes", "It can go out without a change"),
            ),
            cut="yes",
            rationale=RationaleRule.REQUIRED,
        ),
    ),
    GRADED: (
        DimensionSpec(
            key="preference",
            name="Preference",
            question="Which response serves the person better, and how clearly?",
            kind=DimensionKind.PAIRWISE_GRADED,
            points=(
                Point("A2", "A is better in something that matters"),
                Point("A1", "A is a little better; either would do"),
                Point("tie", "Both serve equally well, or equally badly"),
                Point("B1", "B is a little better; either would do"),
                Point("B2", "B is better in something that matters"),
            ),
            rationale=RationaleRule.OPTIONAL,
        ),
    ),
    EMPTY: (),
}

START_TEXT = {
    GuidelineForm.POINTWISE: """## What you look at

One response to one request. Ask yourself what it does for the person who asked.

## How to decide

- Read the request, then the response to its end, before the first rating.
- Rate each dimension by itself: a response can be clear and wrong.
- Choose the point whose words fit best. Between two points, take the lower one.

## What does not count

Length, politeness and style count only where a dimension names them.
""",
    GuidelineForm.PAIRWISE: """## What you look at

Two responses to the same request, A and B, in random order.

## How to decide

- Read both to the end before you decide.
- Choose the one that serves the person who asked better.
- Choose the tie when you could not defend either choice to a colleague.

## What does not count

Which response is longer, friendlier or better laid out, unless it helps the person.
""",
}
"""Where a new guideline starts: words to change, not to keep."""
