"""Words planted where they must not be read, and who must never read which.

Every one begins with `zz-`, so that nothing else holds it by accident.
"""

from __future__ import annotations

from datetime import timedelta

from tests.builders import NOON

NOW = NOON + timedelta(hours=2)
API_KEY = "zz-the-key-of-the-provider"

SYSTEMS = ("zz-system-alpha", "zz-system-beta")
OPEN_VERDICT_WHY = "zz-why-of-the-judge-open"
OPEN_ANSWER = "zz-answer-of-the-judge-open"
SEALED_VERDICT_WHY = "zz-why-of-the-judge-sealed"
SEALED_ANSWER = "zz-answer-of-the-judge-sealed"
SERVED_VERDICT_WHY = "zz-why-of-the-judge-served-beside-sealed"
SERVED_ANSWER = "zz-answer-of-the-judge-served-beside-sealed"
OPEN_REFERENCE_WHY = "zz-why-of-the-reference-open"
SEALED_REFERENCE_WHY = "zz-why-of-the-reference-sealed"
EXTRA = "zz-column-nobody-mapped"
EXTERNAL_ID = "zz-id-"
CLUSTER = "zz-cluster-"
DRAFT_OF_BEN = "zz-draft-of-ben"
FLAG_OF_BEN = "zz-flag-of-ben"
NOTICE_OF = "zz-notice-of-"
SAID_IN_SESSION = "zz-said-in-a-session"
SETTLED_IN_SESSION = "zz-settled-in-a-session-because"
CLAUSE_OF_SESSION = "zz-clause-that-a-session-found-wanting"


def rationale(who: str, where: str) -> str:
    """What a rater wrote: `who`, on an item `now` being rated, of an `open` or `sealed` part, or in
    a session that is still `blind`."""
    return f"zz-why-of-{who}-{where}"


HIDDEN_FROM_ANA = frozenset(
    {
        *SYSTEMS,
        OPEN_VERDICT_WHY,
        OPEN_ANSWER,
        SEALED_VERDICT_WHY,
        SEALED_ANSWER,
        SERVED_VERDICT_WHY,
        SERVED_ANSWER,
        OPEN_REFERENCE_WHY,
        SEALED_REFERENCE_WHY,
        EXTRA,
        EXTERNAL_ID,
        CLUSTER,
        DRAFT_OF_BEN,
        FLAG_OF_BEN,
        SAID_IN_SESSION,
        SETTLED_IN_SESSION,
        CLAUSE_OF_SESSION,
        *(
            rationale(who, where)
            for who in ("ben", "cem")
            for where in ("now", "open", "sealed", "blind")
        ),
    }
)
"""What a rater does not read before the reveal."""

HIDDEN_WHILE_SEALED = frozenset(
    {
        SEALED_VERDICT_WHY,
        SEALED_ANSWER,
        SERVED_VERDICT_WHY,
        SERVED_ANSWER,
        SEALED_REFERENCE_WHY,
        *(rationale(who, "sealed") for who in ("ana", "ben", "cem")),
        *(rationale(who, "blind") for who in ("ana", "ben", "cem")),
    }
)
"""What leads, judge authors, adjudicators and admins do not read while the set lives, and while a
session is rated blind."""

HIDDEN_WHILE_RATING = frozenset(
    {
        OPEN_VERDICT_WHY,
        OPEN_ANSWER,
        DRAFT_OF_BEN,
        *(rationale(who, "now") for who in ("ana", "ben", "cem")),
    }
)
"""What somebody who leads and rates does not read of the items of the round being rated."""
