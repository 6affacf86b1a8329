"""What an endpoint can do: read from its Models API, known from a table, or declared.

The profile is frozen with a version (`VersionSpec.capabilities`), so that the same version asks in
the same way for ever. What is not known is None, and keeps nothing from being tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from judges.rules.spec import VersionSpec

EFFORTS = ("low", "medium", "high", "xhigh", "max")
THINKING = ("adaptive", "disabled")
NOT_KNOWN = "not known"
DECLARABLE = (
    ("prompt_cache", "keep prompts in a cache"),
    ("token_counting", "count the tokens of a request"),
    ("thinking", "think, or not, when asked to"),
    ("effort", "take a word for the effort"),
    ("sampling", "take a temperature"),
)
"""What an author may say of a server that tells nothing itself."""
TABLE_AS_OF = date(2026, 11, 1)

# Longest beginning first. Thinking cannot be switched off in these; says the models' own pages.
_ALWAYS_THINKING = ("claude-opus-5-5", "claude-fable-5", "claude-mythos-5")
_CLAUDE = "claude-"
_SIMULATED = "sim-"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one model at one address can do; limits are in tokens.

    `native_output`: takes a JSON schema beside the prompt. `thinking` and `efforts`: the words that
    it takes. `sampling`: takes a temperature.
    """

    native_output: bool | None = None
    prompt_cache: bool = False
    batches: bool = False
    token_counting: bool = False
    sampling: bool = False
    thinking: tuple[str, ...] | None = None
    efforts: tuple[str, ...] | None = None
    max_tokens: int | None = None
    max_input_tokens: int | None = None

    def frozen(self, *, structured_output: str, prompt_cache: bool) -> dict[str, object]:
        """What a version keeps: the profile, and what the version makes of it."""
        return {
            "structured_output": structured_output,
            "native_output": self.native_output,
            "prompt_cache": prompt_cache and self.prompt_cache,
            "batches": self.batches,
            "token_counting": self.token_counting,
            "sampling": self.sampling,
            "thinking": None if self.thinking is None else list(self.thinking),
            "efforts": None if self.efforts is None else list(self.efforts),
            "max_tokens": self.max_tokens,
            "max_input_tokens": self.max_input_tokens,
        }


_MESSAGES_API = Profile(prompt_cache=True, batches=True, token_counting=True)
SIMULATED = Profile(
    native_output=True,
    prompt_cache=True,
    batches=True,
    token_counting=True,
    thinking=THINKING,
    efforts=EFFORTS,
    max_tokens=64_000,
    max_input_tokens=200_000,
)


def of_table(model: str) -> Profile | None:
    """What is known of a model without asking anybody; None for one that nobody here knows."""
    if model.startswith(_SIMULATED):
        return SIMULATED
    if not model.startswith(_CLAUDE):
        return None
    thinking = ("adaptive",) if model.startswith(_ALWAYS_THINKING) else None
    return Profile(
        native_output=True,
        prompt_cache=_MESSAGES_API.prompt_cache,
        batches=_MESSAGES_API.batches,
        token_counting=_MESSAGES_API.token_counting,
        thinking=thinking,
    )


def table_source() -> str:
    """How a profile from the table names where it comes from."""
    return f"table of Plumbline, as of {TABLE_AS_OF:%b %Y}"


def of_model_info(info: Mapping[str, Any]) -> Profile | None:
    """The profile that the Models API gives; None when it says nothing of capabilities.

    Caching and token counting belong to the API itself, not to a model, and are not listed there.
    """
    said = info.get("capabilities")
    if not isinstance(said, Mapping):
        return None
    return Profile(
        native_output=_is_supported(said.get("structured_outputs")),
        prompt_cache=_MESSAGES_API.prompt_cache,
        batches=bool(_is_supported(said.get("batch"))),
        token_counting=_MESSAGES_API.token_counting,
        thinking=_words(_part(said.get("thinking"), "types"), THINKING),
        efforts=_words(said.get("effort"), EFFORTS),
        max_tokens=_limit(info.get("max_tokens")),
        max_input_tokens=_limit(info.get("max_input_tokens")),
    )


def declared(*, can: Collection[str], native_output: bool, max_tokens: int | None) -> Profile:
    """The profile that the author of a version declares; `can` holds words of DECLARABLE."""
    return Profile(
        native_output=native_output,
        prompt_cache="prompt_cache" in can,
        token_counting="token_counting" in can,
        sampling="sampling" in can,
        thinking=THINKING if "thinking" in can else (),
        efforts=EFFORTS if "effort" in can else (),
        max_tokens=max_tokens,
    )


def shown(can: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """A frozen profile as names and words for people; what is not in it is not known."""
    return (
        ("JSON schema beside the prompt", _yes_or_no(can.get("native_output"))),
        ("Prompt cache", _yes_or_no(can.get("prompt_cache"))),
        ("Batches", _yes_or_no(can.get("batches"))),
        ("Token counting", _yes_or_no(can.get("token_counting"))),
        ("Temperature", _yes_or_no(can.get("sampling"))),
        ("Thinking", _listed(can.get("thinking"))),
        ("Effort", _listed(can.get("efforts"))),
        ("Longest answer", _tokens(can.get("max_tokens"))),
        ("Longest prompt", _tokens(can.get("max_input_tokens"))),
    )


def problems(version: VersionSpec) -> Iterator[str]:
    """What a version asks of its endpoint that the endpoint's frozen profile says it cannot do."""
    can = version.capabilities
    if version.structured_output == "native" and can.get("native_output") is False:
        yield (
            f"{version.model} takes no JSON schema beside the prompt. "
            "Choose the schema in the prompt as the form of the answer."
        )
    yield from _word_problems(version, "thinking", version.thinking, can.get("thinking"))
    yield from _word_problems(version, "effort", version.effort, can.get("efforts"))
    if version.temperature is not None and can.get("sampling") is not True:
        yield (
            f"{version.model} is not known to take a temperature; Claude models take none. "
            "Leave it empty, or say under what the server can that it takes one."
        )
    if version.thinking and version.provider == "openai":
        yield "The chat API of OpenAI has no word for thinking; choose an effort instead."
    most = can.get("max_tokens")
    if isinstance(most, int) and version.max_tokens * 2 > most:
        yield (
            f"{version.model} answers with at most {most:,} tokens, and an answer that is cut off "
            f"is asked for again with twice the room. Choose at most {most // 2:,}."
        )


def _word_problems(
    version: VersionSpec, name: str, chosen: str | None, taken: object
) -> Iterator[str]:
    if not chosen or not isinstance(taken, Sequence) or chosen in taken:
        return
    known = ", ".join(str(word) for word in taken)
    mend = f"It takes: {known}." if known else "Leave it at the model's own."
    yield f"{version.model} does not take the {name} {chosen!r}. {mend}"


def _yes_or_no(said: object) -> str:
    return {True: "yes", False: "no"}.get(said, NOT_KNOWN) if isinstance(said, bool) else NOT_KNOWN


def _listed(said: object) -> str:
    if not isinstance(said, Sequence):
        return NOT_KNOWN
    return ", ".join(str(word) for word in said) or "no"


def _tokens(said: object) -> str:
    return f"{said:,} tokens" if isinstance(said, int) else NOT_KNOWN


def _is_supported(said: object) -> bool | None:
    found = _part(said, "supported")
    return found if isinstance(found, bool) else None


def _part(said: object, name: str) -> object:
    return said.get(name) if isinstance(said, Mapping) else None


def _words(said: object, known: Sequence[str]) -> tuple[str, ...] | None:
    """Those of the words that are supported; None when nothing is said about any of them."""
    found = {word: _is_supported(_part(said, word)) for word in known}
    if all(is_supported is None for is_supported in found.values()):
        return None
    return tuple(word for word in known if found[word])


def _limit(said: object) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and said > 0 else None
