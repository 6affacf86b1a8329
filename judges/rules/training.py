"""The trained baseline: word weights (TF-IDF) and a logistic model, fitted once and kept as JSON.

scikit-learn fits; what is kept are words and numbers, and numpy alone gives the answers. Nothing
is ever unpickled. Fitting is deterministic, and numbers are kept to six digits, so that one set of
labels gives one artefact.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import Invalid
from judges.rules.spec import DimensionSpec, ItemView, canonical_json
from judges.rules.verdicts import to_item_labelling
from measurement.arrays import Floats, np
from measurement.scale import TIE

LEAST_LABELS = 20
MOST_ITEMS = 10_000
MOST_WORDS = 2_000
LEAST_TEXTS = 3
"""A word is kept that stands in so many texts: no word of a single item gets into an artefact."""
FORMAT = 1
_WORD = re.compile(r"\w\w+")
_SEED = 0
Weighed = tuple[Floats, float]
"""The weights of a text's words, and its length."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """One dimension: a row of weights and an intercept for each of its labels."""

    labels: tuple[str, ...]
    weights: Floats
    intercepts: Floats


@dataclass(frozen=True, slots=True)
class Trained:
    """A baseline that was fitted; `digest` is the SHA-256 (hex) of the text that is kept of it."""

    words: Mapping[str, int]
    idf: Floats
    is_pairwise: bool
    dimensions: Mapping[str, Fitted]

    def label(self, item: ItemView, key: str) -> str:
        """The likeliest label in the item's own labelling; the first of equally likely ones, a tie
        where both responses are. Swapping the responses of a pair swaps the label.
        """
        fitted = self.dimensions[key]
        if not self.is_pairwise:
            row = _single(_weighed(judged_text(item), self.words, self.idf))
            return fitted.labels[int(np.argmax(_scores(fitted, row)))]
        first = _weighed(item.response_a, self.words, self.idf)
        second = _weighed(item.response_b, self.words, self.idf)
        mirrored = [fitted.labels.index(to_item_labelling(label, "BA")) for label in fitted.labels]
        ahead, behind = _scores(fitted, _pair(first, second)), _scores(fitted, _pair(second, first))
        scores = ahead + behind[mirrored]
        best = [fitted.labels[place] for place in np.flatnonzero(scores == scores.max())]
        return TIE if len(best) > 1 and TIE in fitted.labels else best[0]


def words_of(text: str) -> list[str]:
    """Words of two letters or more, in small letters."""
    return _WORD.findall(text.lower())


def judged_text(item: ItemView) -> str:
    """What is judged of a single response or a conversation."""
    return "\n".join([*(text for _, text in item.messages), item.response])


def fit(
    items: Sequence[ItemView],
    labels: Sequence[Mapping[str, str]],
    dimensions: Sequence[DimensionSpec],
) -> Trained:
    """Fit one model for each dimension on the items that have a label there.

    `labels` are the rubric's own points. Raises ``Invalid`` for a dimension with fewer than
    LEAST_LABELS labels, or with only one of them, and for texts without words in common.
    """
    for dimension in dimensions:
        _check_labels(dimension.key, [of_item.get(dimension.key) for of_item in labels])
    is_pairwise = any(dimension.kind == "pairwise" for dimension in dimensions)
    words, idf = _vocabulary(items)
    if is_pairwise:
        pairs = [
            (_weighed(item.response_a, words, idf), _weighed(item.response_b, words, idf))
            for item in items
        ]
        rows = np.array([_pair(first, second) for first, second in pairs])
        turned = np.array([_pair(second, first) for first, second in pairs])
    else:
        rows = np.array([_single(_weighed(judged_text(item), words, idf)) for item in items])
        turned = None
    fitted = {
        dimension.key: _fit_one(rows, turned, [of_item.get(dimension.key) for of_item in labels])
        for dimension in dimensions
    }
    return read(written(Trained(words, idf, is_pairwise, fitted)))


def written(trained: Trained) -> str:
    """The text that is kept: JSON of one form, six digits for each number."""
    return canonical_json(
        {
            "format": FORMAT,
            "words": sorted(trained.words, key=lambda word: trained.words[word]),
            "idf": _digits(trained.idf),
            "pairwise": trained.is_pairwise,
            "dimensions": {
                key: {
                    "labels": list(one.labels),
                    "weights": [_digits(row) for row in one.weights],
                    "intercepts": _digits(one.intercepts),
                }
                for key, one in trained.dimensions.items()
            },
        }
    )


def read(text: str) -> Trained:
    """What `written` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    kept = json.loads(text)
    if kept["format"] != FORMAT:
        raise ValueError(f"Format {kept['format']} of a trained baseline is not known here.")
    return Trained(
        words={word: place for place, word in enumerate(kept["words"])},
        idf=np.array(kept["idf"], dtype=np.float64),
        is_pairwise=bool(kept["pairwise"]),
        dimensions={
            key: Fitted(
                tuple(one["labels"]),
                np.array(one["weights"], dtype=np.float64),
                np.array(one["intercepts"], dtype=np.float64),
            )
            for key, one in kept["dimensions"].items()
        },
    )


def digest(text: str) -> str:
    """What the fingerprint of a version holds of its artefact: SHA-256, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _check_labels(key: str, labels: Sequence[str | None]) -> None:
    given = [label for label in labels if label is not None]
    if len(given) < LEAST_LABELS:
        raise Invalid(
            "too_few_labels",
            f"The dimension {key} has {len(given)} decided reference labels on development items; "
            f"{LEAST_LABELS} are needed to train on. Collect more, or take another baseline.",
        )
    if len(set(given)) < 2:
        raise Invalid(
            "one_label",
            f"All {len(given)} reference labels of the dimension {key} are {given[0]!r}: there is "
            "nothing to learn. The majority label is the same baseline without training.",
        )


def _vocabulary(items: Sequence[ItemView]) -> tuple[dict[str, int], Floats]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [
        text
        for item in items
        for text in (
            (item.response_a, item.response_b) if item.kind == "pair" else (judged_text(item),)
        )
    ]
    known = Counter(word for text in texts for word in set(words_of(text)))
    if not any(count >= LEAST_TEXTS for count in known.values()):
        raise Invalid(
            "no_common_words",
            f"No word stands in {LEAST_TEXTS} of the labelled texts, so there is nothing to learn "
            "from. Collect more labels, or take another baseline.",
        )
    vectorizer = TfidfVectorizer(analyzer=words_of, min_df=LEAST_TEXTS, max_features=MOST_WORDS)
    vectorizer.fit(texts)
    words = {str(word): int(place) for word, place in vectorizer.vocabulary_.items()}
    return words, np.asarray(vectorizer.idf_, dtype=np.float64)


def _weighed(text: str, words: Mapping[str, int], idf: Floats) -> Weighed:
    """Weights of the words of a text, of length 1 together, and its length."""
    row = np.zeros(len(idf))
    for word, count in Counter(words_of(text)).items():
        place = words.get(word)
        if place is not None:
            row[place] = (1 + math.log(count)) * idf[place]
    norm = math.sqrt(float(row @ row))
    # About 0 to 1: lengths count by their ratio.
    return (row / norm if norm else row), math.log1p(len(text)) / 10


def _single(text: Weighed) -> Floats:
    return np.concatenate([text[0], [text[1]]])


def _pair(first: Weighed, second: Weighed) -> Floats:
    """Differences, that change sign when the responses swap, and how alike the two are."""
    alike = float(first[0] @ second[0])
    return np.concatenate([first[0] - second[0], [first[1] - second[1], alike]])


def _fit_one(rows: Floats, turned: Floats | None, labels: Sequence[str | None]) -> Fitted:
    from sklearn.linear_model import LogisticRegression

    has_label = np.array([label is not None for label in labels])
    target = [label for label in labels if label is not None]
    known = rows[has_label]
    if turned is not None:
        # Each pair is learnt both ways round, so that the place tells nothing.
        known = np.concatenate([known, turned[has_label]])
        target += [to_item_labelling(label, "BA") for label in target]
    model = LogisticRegression(C=1.0, max_iter=5000, random_state=_SEED)
    model.fit(known, target)
    weights, intercepts = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(model.classes_) == 2:
        weights = np.concatenate([-weights, weights])
        intercepts = np.concatenate([-intercepts, intercepts])
    return Fitted(tuple(str(label) for label in model.classes_), weights, intercepts)


def _scores(fitted: Fitted, row: Floats) -> Floats:
    scores: Floats = fitted.weights @ row + fitted.intercepts
    return scores


def _digits(row: Floats) -> list[float]:
    """Six digits, and no negative zero."""
    return [float(f"{value:.6g}") + 0.0 for value in row.tolist()]
