"""The Messages API's side of the simulator: checks, answers, errors, tokens. No network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from judges.simulator import answers
from judges.simulator.judges import PLANTED
from judges.simulator.script import Step

MIN_CACHED_TOKENS = 512
CONTEXT_TOKENS = 200_000
MAX_OUTPUT_TOKENS = 64_000
_REMOVED = ("temperature", "top_p", "top_k")
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body (or raw bytes) and headers of one response."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


class Rejected(Exception):
    """A request that the API would not take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def error(status: int, message: str, code: str = "", retry_after: float | None = None) -> Answer:
    """An error in the API's shape."""
    said: dict[str, object] = {"type": _ERROR_TYPES.get(status, "api_error"), "message": message}
    if code:
        said["details"] = {"error_code": code}
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return Answer(status, {"type": "error", "error": said}, headers)


def parse_body(body: bytes) -> dict[str, Any]:
    """The request's JSON object. Raises ``Rejected``."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Rejected(400, "The request body is not valid JSON.") from None
    if not isinstance(request, dict):
        raise Rejected(400, "The request body is not an object.")
    return request


def check(request: Mapping[str, Any], *, counting: bool = False) -> None:
    """Refuse what the API refuses. Raises ``Rejected`` with the API's status."""
    for name in _REMOVED:
        if name in request:
            raise Rejected(400, f"{name}: Extra inputs are not permitted")
    if request.get("stream"):
        raise Rejected(400, "stream: the simulator does not stream")
    if request.get("model") not in PLANTED:
        raise Rejected(404, f"model: {request.get('model')}")
    limit = request.get("max_tokens")
    if not counting and (not isinstance(limit, int) or not 1 <= limit <= MAX_OUTPUT_TOKENS):
        raise Rejected(400, f"max_tokens: must be a whole number from 1 to {MAX_OUTPUT_TOKENS}")
    _check_turns(request.get("messages"))
    _check_output(request.get("output_config"))
    if input_tokens(request) > CONTEXT_TOKENS:
        raise Rejected(400, f"prompt is too long: more than {CONTEXT_TOKENS} tokens")


def input_tokens(request: Mapping[str, Any]) -> int:
    """A token for every four bytes of text, system included."""
    texts = [_text(request.get("system"))]
    texts += [_text(turn["content"]) for turn in request["messages"]]
    return sum(tokens(text) for text in texts)


def tokens(text: str) -> int:
    """A token for every four bytes, rounded up."""
    return -(-len(text.encode("utf-8", "replace")) // 4)


def digest(request: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the request's content."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def message(
    request: Mapping[str, Any], *, step: Step | None, seed: int, warm: set[str]
) -> dict[str, Any]:
    """The judge's message. ``warm`` holds the digests of cached system blocks, and learns."""
    judge = PLANTED[request["model"]]
    schema = _schema(request)
    prompt = _text(request["messages"][0]["content"])
    text = (
        "I am a simulated judge and answer only in the form of a JSON schema."
        if schema is None
        else answers.answer(judge, prompt, schema, seed, system=_text(request.get("system")))
    )
    text, stop_reason = _bend(text, step)
    limit = int(request["max_tokens"])
    if stop_reason == "end_turn" and tokens(text) > limit:
        text, stop_reason = text[: limit * 4], "max_tokens"
    return {
        "id": f"msg_sim_{digest(request)[:24]}",
        "type": "message",
        "role": "assistant",
        "model": "sim-other-1" if _does(step, "renamed") else judge.model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": _usage(request, text, warm),
    }


def _does(step: Step | None, do: str) -> bool:
    return step is not None and step.do == do


def _bend(text: str, step: Step | None) -> tuple[str, str]:
    """The scripted answer instead of the judge's, and the stop reason."""
    if step is None:
        return text, "end_turn"
    half = text[: len(text) // 2]
    bent = {
        "bad_json": (half, "end_turn"),
        "prose": (f"Here is what I think. {text} I hope this helps.", "end_turn"),
        "fenced": (f"```json\n{text}\n```", "end_turn"),
        "out_of_scale": (_out_of_scale(text), "end_turn"),
        "refusal": ("", "refusal"),
        "truncated": (half, "max_tokens"),
    }
    return bent.get(step.do, (text, "end_turn"))


def _out_of_scale(text: str) -> str:
    answer = json.loads(text)
    for part in answer.values():
        part["label"] = 97
    return json.dumps(answer)


def _usage(request: Mapping[str, Any], text: str, warm: set[str]) -> dict[str, Any]:
    """Tokens by kind; a marked system block of enough tokens is written once and then read."""
    total, cached = input_tokens(request), 0
    written = read = 0
    system = request.get("system")
    if isinstance(system, list) and any(block.get("cache_control") for block in system):
        cached = tokens(_text(system))
        key = digest({"model": request["model"], "system": system})
        if cached < MIN_CACHED_TOKENS:
            cached = 0
        elif key in warm:
            read = cached
        else:
            written = cached
            warm.add(key)
    return {
        "input_tokens": total - cached,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": tokens(text),
        "service_tier": "standard",
    }


def _schema(request: Mapping[str, Any]) -> Mapping[str, object] | None:
    output = request.get("output_config") or {}
    form = output.get("format")
    if isinstance(form, dict):
        schema: Mapping[str, object] = form["schema"]
        return schema
    return answers.schema_in(_text(request.get("system")))


def _text(content: object) -> str:
    """The text of a system or a turn, given as a text or as blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return ""


def _check_turns(turns: object) -> None:
    if not isinstance(turns, list) or not turns:
        raise Rejected(400, "messages: at least one message is required")
    for turn in turns:
        if not isinstance(turn, dict) or turn.get("role") not in {"user", "assistant"}:
            raise Rejected(400, "messages: each needs the role user or assistant")
        if not _text(turn.get("content")).strip():
            raise Rejected(400, "messages: text content blocks must be non-empty")
    if turns[0]["role"] != "user":
        raise Rejected(400, "messages: the first message must use the user role")


def _check_output(output: object) -> None:
    if output is None:
        return
    if not isinstance(output, dict):
        raise Rejected(400, "output_config: must be an object")
    form = output.get("format")
    if form is None:
        return
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        raise Rejected(400, "output_config.format.type: must be json_schema")
    schema = form.get("schema")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Rejected(400, "output_config.format.schema: must describe an object")
    if schema.get("additionalProperties") is not False:
        raise Rejected(400, "output_config.format.schema: additionalProperties must be false")


def scripted_error(step: Step | None) -> Answer | None:
    """The refusal that a step of the script stands for, if it is one."""
    if step is None:
        return None
    wait = step.seconds
    errors = {
        "rate_limit": lambda: error(429, "Rate limit reached.", retry_after=wait),
        "ramp_limit": lambda: error(
            429, "Traffic grew too fast.", "ramp_limit_exceeded", retry_after=wait
        ),
        "spend_limit": lambda: error(
            429, "The spend limit is reached.", "enforced_spend_limit_reached"
        ),
        "payment": lambda: error(402, "Payment is required."),
        "unauthorized": lambda: error(401, "invalid x-api-key"),
        "too_large": lambda: error(413, "Request exceeds the maximum size"),
        "too_long": lambda: error(400, "prompt is too long: 250000 tokens"),
        "error": lambda: error(500, "Internal server error"),
        "overloaded": lambda: error(529, "Overloaded"),
    }
    make = errors.get(step.do)
    return make() if make is not None else None
