"""A key of a provider, as an admin sets it."""

from __future__ import annotations

from typing import Any

from django import forms

from judges.models import ProviderKey
from judges.services.keys import MOST_KEY_CHARS
from judges.states import KeyProvider


class KeyForm(forms.Form):
    """An address and its key. What was typed as a key is never sent back."""

    provider = forms.ChoiceField(label="The server speaks", choices=KeyProvider.choices)
    base_url = forms.CharField(
        label="Base URL",
        max_length=300,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="For example https://api.anthropic.com, or http://127.0.0.1:11434 for a server "
        "on this machine. Prompts with the items' texts go there.",
    )
    key = forms.CharField(
        label="Key",
        max_length=MOST_KEY_CHARS,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text="Goes to this address only and is never shown again. For a server that asks "
        "for none, any word will do.",
    )

    def chosen(self) -> KeyProvider:
        return KeyProvider(self.cleaned_data["provider"])


def key_initial(row: ProviderKey | None) -> dict[str, Any]:
    """A form that replaces the key of an address."""
    return {"provider": row.provider, "base_url": row.base_url} if row else {}
