from __future__ import annotations

import dataclasses

import pytest

from core.errors import Invalid
from judges.rules import training
from judges.rules.spec import DimensionSpec, ItemView
from judges.rules.training import Trained, fit, read, written
from tests.unit.judges.builders import ACCURACY, PREFERENCE, make_pair, make_single

KIND, RUDE = "thank you, gladly: here is how", "no, go away, not my job"


def singles(count: int) -> tuple[list[ItemView], list[dict[str, str]]]:
    """Kind and rude responses by turns; the kind ones pass."""
    items = [
        make_single(id=f"i{n}", response=f"{KIND if n % 2 else RUDE} {n}") for n in range(count)
    ]
    return items, [{"accuracy": "4" if n % 2 else "3"} for n in range(count)]


def pairs(count: int) -> tuple[list[ItemView], list[dict[str, str]]]:
    """The kind response is better, wherever it stands; every fifth pair is alike."""
    items, labels = [], []
    for n in range(count):
        first, second = (KIND, RUDE) if n % 2 else (RUDE, KIND)
        alike = n % 5 == 0
        items.append(make_pair(id=f"p{n}", response_a=first, response_b=first if alike else second))
        labels.append({"preference": "tie" if alike else ("A" if n % 2 else "B")})
    return items, labels


def turned(item: ItemView) -> ItemView:
    return dataclasses.replace(item, response_a=item.response_b, response_b=item.response_a)


@pytest.fixture(scope="module")
def of_pairs() -> Trained:
    return fit(*pairs(60), [PREFERENCE])


def test_a_single_response_is_judged_by_its_words() -> None:
    trained = fit(*singles(40), [ACCURACY])
    assert trained.label(make_single(response="gladly, here is how"), "accuracy") == "4"
    assert trained.label(make_single(response="go away"), "accuracy") == "3"


def test_a_conversation_is_judged_by_its_turns() -> None:
    trained = fit(*singles(40), [ACCURACY])
    item = make_single(kind="conversation", response="", messages=(("assistant", "go away"),))
    assert trained.label(item, "accuracy") == "3"


@pytest.mark.parametrize(
    ("first", "second", "label"), [(KIND, RUDE, "A"), (RUDE, KIND, "B"), (KIND, KIND, "tie")]
)
def test_a_pair_is_judged_by_the_difference(
    of_pairs: Trained, first: str, second: str, label: str
) -> None:
    pair = make_pair(response_a=first, response_b=second)
    assert of_pairs.label(pair, "preference") == label


def test_the_place_of_a_response_tells_nothing(of_pairs: Trained) -> None:
    other = {"A": "B", "B": "A", "tie": "tie"}
    texts = [KIND, RUDE, "thank you", "my job is gladly done", "zzz", ""]
    for first in texts:
        for second in texts:
            pair = make_pair(response_a=first, response_b=second)
            label = of_pairs.label(pair, "preference")
            assert of_pairs.label(turned(pair), "preference") == other[label]


def test_without_ties_among_the_labels_there_is_none_among_the_answers() -> None:
    items, labels = pairs(60)
    known = [n for n, label in enumerate(labels) if label["preference"] != "tie"]
    trained = fit([items[n] for n in known], [labels[n] for n in known], [PREFERENCE])
    assert trained.dimensions["preference"].labels == ("A", "B")
    same = make_pair(response_a=KIND, response_b=KIND)
    assert trained.label(same, "preference") in {"A", "B"}


def test_the_same_labels_train_to_the_same_artefact() -> None:
    one, two = written(fit(*pairs(40), [PREFERENCE])), written(fit(*pairs(40), [PREFERENCE]))
    assert one == two
    items, labels = pairs(40)
    labels[0] = {"preference": "B"}
    assert training.digest(written(fit(items, labels, [PREFERENCE]))) != training.digest(one)


def test_what_is_kept_answers_as_what_was_fitted(of_pairs: Trained) -> None:
    kept = read(written(of_pairs))
    for item in pairs(20)[0]:
        assert kept.label(item, "preference") == of_pairs.label(item, "preference")
    assert written(kept) == written(of_pairs)


def test_no_word_of_a_single_text_is_kept() -> None:
    items, labels = singles(40)
    items[0] = dataclasses.replace(items[0], response=f"{RUDE} 0049301234567 secretword")
    assert "secretword" not in written(fit(items, labels, [ACCURACY]))


def test_too_few_labels_are_refused_by_name() -> None:
    with pytest.raises(Invalid, match="accuracy has 19 decided") as refusal:
        fit(*singles(19), [ACCURACY])
    assert refusal.value.code == "too_few_labels"


def test_one_label_alone_is_refused() -> None:
    items, _ = singles(30)
    with pytest.raises(Invalid, match="nothing to learn") as refusal:
        fit(items, [{"accuracy": "4"}] * 30, [ACCURACY])
    assert refusal.value.code == "one_label"


def test_each_dimension_learns_from_the_items_that_it_has_labels_on() -> None:
    items, labels = singles(60)
    tone = DimensionSpec("tone", "Is it kind?", "yes_no")
    mixed = [
        one | ({"tone": "yes" if n % 2 else "no"} if n < 24 else {}) for n, one in enumerate(labels)
    ]
    trained = fit(items, mixed, [ACCURACY, tone])
    assert trained.label(make_single(response=KIND), "tone") == "yes"


def test_texts_without_a_common_word_are_refused() -> None:
    items = [make_single(id=f"i{n}", response=f"word{n}") for n in range(20)]
    labels = [{"accuracy": str(3 + n % 2)} for n in range(20)]
    with pytest.raises(Invalid) as refusal:
        fit(items, labels, [ACCURACY])
    assert refusal.value.code == "no_common_words"


def test_another_format_is_not_read() -> None:
    with pytest.raises(ValueError, match="not known here"):
        read('{"format": 2}')
