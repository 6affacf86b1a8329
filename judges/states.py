"""States of the judges room."""

from __future__ import annotations

from django.db.models import TextChoices


class VersionKind(TextChoices):
    PROMPT = "prompt"
    RECORDED = "recorded"
    BASELINE = "baseline"
    PANEL = "panel"
    CASCADE = "cascade"


RUN_HERE = (VersionKind.PROMPT, VersionKind.BASELINE)
"""What can be run; the verdicts of the others were made elsewhere, or come of other versions."""


class KeyProvider(TextChoices):
    """Who a stored key is for: the language that the server speaks."""

    ANTHROPIC = "anthropic", "the Messages API"
    OPENAI = "openai", "the chat API of OpenAI"


class BaselineRule(TextChoices):
    """Judges that ask no model; the value is the version's `model`."""

    LONGER = "longer-response", "the longer response wins"
    MAJORITY = "majority", "always the commonest label"
    TRAINED = "trained", "word weights, trained on the development part"


class RunPurpose(TextChoices):
    ORDINARY = "ordinary"
    APPROVAL = "approval"
    PLAYGROUND = "playground"
    SERVING = "serving"
    IMPORTED = "imported"
    PROBE = "probe"


class RunMode(TextChoices):
    """How the calls of a run reach the provider."""

    DIRECT = "direct", "One by one, at once"
    BATCH = "batch", "In batches, within 24 hours"


class RunState(TextChoices):
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class CallState(TextChoices):
    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    FINISHED = "finished"


class PieceState(TextChoices):
    """Of calls that went to a provider together."""

    WRITTEN = "written"
    SUBMITTED = "submitted"
    ENDED = "ended"
    FETCHED = "fetched"
    REFUSED = "refused"
    LOST = "lost"


class AttemptState(TextChoices):
    SENT = "sent"
    FINAL = "final"


class ProbeKind(TextChoices):
    """What a probe of the bias laboratory looks for."""

    ORDER = "order", "Order"
    LENGTH = "length", "Length"
    FORMAT = "format", "Format"
    WORDING = "wording", "Wording"
    REPEAT = "repeat", "Repeat"
    SELF_PREFERENCE = "self_preference", "Self-preference"
    INJECTION = "injection", "Injection"


class ProbeState(TextChoices):
    RUNNING = "running"
    MEASURED = "measured"
    GIVEN_UP = "given_up"


class RequestState(TextChoices):
    """An approval request."""

    ASKED = "asked"
    JUDGING = "judging"
    INSUFFICIENT = "insufficient"
    MEASURED = "measured"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class DecisionKind(TextChoices):
    APPROVE = "approve"
    REFUSE = "refuse"
    EXCEPTION = "exception"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"


class GateDecision(TextChoices):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    INSUFFICIENT = "insufficient"
    UNATTAINABLE = "unattainable"
