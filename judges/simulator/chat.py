"""The chat API of OpenAI in front of the same judges: requests and answers put into its words.

Enough for a judge: no streaming, no tools, one choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from judges.simulator.messages import Answer, Rejected

_FINISHED = {"end_turn": "stop", "max_tokens": "length", "refusal": "stop"}


def as_message(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request as the Messages API knows it. Raises ``Rejected``."""
    turns = body.get("messages")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise Rejected(400, "messages: a list of messages is required")
    system = [turn.get("content", "") for turn in turns if turn.get("role") == "system"]
    request: dict[str, Any] = {
        "model": body.get("model"),
        "max_tokens": body.get("max_completion_tokens", body.get("max_tokens")),
        "system": "\n".join(str(text) for text in system),
        "messages": [turn for turn in turns if turn.get("role") != "system"],
    }
    if body.get("stream"):
        request["stream"] = True
    form = body.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        described = form.get("json_schema")
        schema = described.get("schema") if isinstance(described, dict) else None
        request["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return request


def answer(said: Answer) -> Answer:
    """The Messages API's answer in the words of the chat API; bytes stay as they are."""
    body = said.body
    if not isinstance(body, dict):
        return said
    if body.get("type") == "error":
        return Answer(said.status, {"error": _error(body["error"])}, said.headers)
    if body.get("type") != "message":
        return said
    return Answer(said.status, _completion(body), said.headers)


def _completion(message: Mapping[str, Any]) -> dict[str, Any]:
    text = "".join(block["text"] for block in message["content"])
    stopped = message["stop_reason"]
    refused = "I decline to judge this." if stopped == "refusal" else None
    found: dict[str, Any] = {
        "id": message["id"].replace("msg_", "chatcmpl_"),
        "object": "chat.completion",
        "created": 0,
        "model": message["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": refused},
                "finish_reason": _FINISHED.get(stopped),
            }
        ],
    }
    usage = message.get("usage")
    if usage is not None:
        read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
        prompt = usage["input_tokens"] + read + written
        found["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": usage["output_tokens"],
            "total_tokens": prompt + usage["output_tokens"],
            "prompt_tokens_details": {"cached_tokens": read},
        }
    return found


def _error(said: Mapping[str, Any]) -> dict[str, Any]:
    code = said.get("details", {}).get("error_code")
    if code and "spend_limit" in code:
        code = "insufficient_quota"
    return {"message": said["message"], "type": said["type"], "code": code, "param": None}
