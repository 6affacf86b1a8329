"""What the Messages API's server says without judging anything: its models, and counted tokens.

Short questions of a page, asked once, each with a client of its own: a page never waits long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from judges.providers.common import UNTRACED, trusted
from judges.rules.spec import RenderedRequest

if TYPE_CHECKING:
    from anthropic import Anthropic

PATIENCE_SECONDS = 3.0


class NotTold(Exception):
    """The server could not be asked, or did not say; the text is a sentence without the key."""


def model_info(*, api_key: str, base_url: str, model: str) -> dict[str, Any]:
    """What GET /v1/models/{model} answers, as plain JSON values. Raises NotTold."""
    import anthropic

    try:
        with _client(api_key, base_url) as client:
            return client.models.retrieve(model).to_dict()
    except anthropic.NotFoundError:
        raise NotTold(f"the Models API knows no {model}") from None
    except anthropic.APIStatusError as error:
        raise NotTold(f"the Models API answered {error.status_code}") from None
    # A page must not fail because a server answers with something else than the SDK expects.
    except Exception:
        raise NotTold("the Models API could not be reached") from None


def count_tokens(*, api_key: str, base_url: str, requests: Sequence[RenderedRequest]) -> list[int]:
    """The input tokens of each request, as the server counts them. Raises NotTold."""
    try:
        with _client(api_key, base_url) as client:
            return [_counted(client, request) for request in requests]
    except Exception:
        raise NotTold("the server counted no tokens") from None


def _counted(client: Anthropic, request: RenderedRequest) -> int:
    more: dict[str, Any] = {
        "messages": [{"role": turn.role, "content": turn.text} for turn in request.turns]
    }
    if request.structured_output == "native":
        schema = {"type": "json_schema", "schema": dict(request.schema)}
        more["output_config"] = {"format": schema}
    if request.thinking is not None:
        more["thinking"] = {"type": request.thinking}
    found = client.messages.count_tokens(model=request.model, system=request.system, **more)
    # The SDK builds its answer from anything that is JSON.
    counted: object = found.input_tokens
    if not isinstance(counted, int) or counted < 0:
        raise TypeError("no count")
    return counted


def _client(api_key: str, base_url: str) -> Anthropic:
    import anthropic

    return anthropic.Anthropic(
        api_key=api_key,
        base_url=base_url,
        max_retries=0,
        timeout=PATIENCE_SECONDS,
        http_client=anthropic.DefaultHttpxClient(follow_redirects=False, verify=trusted()),
        open_telemetry=UNTRACED,
    )
