"""What counts as a quote of an item's text."""

from __future__ import annotations

from annotation.rules.quoting import quotes, texts_of

BODY = {
    "input": "How do I cancel?",
    "context": "",
    "messages": [{"role": "user", "text": "Please  help\nme now"}],
    "responses": ["Yes.", "Go to billing and choose cancel."],
}


def test_the_texts_of_a_body_are_all_but_its_role_names() -> None:
    assert texts_of(BODY) == {
        "How do I cancel?",
        "Please help me now",
        "Yes.",
        "Go to billing and choose cancel.",
    }


def test_a_text_within_another_is_a_quote_whatever_its_spaces() -> None:
    kept = {"examples": [{"why": "He wrote: please help\r\n me now. Please help  me now!"}]}
    assert not quotes(kept, texts_of({"input": "Help me, please"}))
    assert quotes(kept, texts_of({"input": "Please help\tme now"}))


def test_a_short_text_is_quoted_only_by_the_whole_of_it() -> None:
    assert not quotes("Yes. Go on.", {"Yes."})
    assert quotes([{"item": {"response": "Yes."}}], {"Yes."})


def test_no_text_is_quoted_by_nothing() -> None:
    assert not quotes({"examples": []}, texts_of(BODY))
    assert not quotes("anything at all", texts_of({}))
