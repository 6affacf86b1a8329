"""The words that templates use: fields, errors, figures, pictures."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.messages import ERROR
from django.contrib.messages.storage.base import Message
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import RequestFactory

from accounts.models import User
from core import charts, styleguide
from core.errors import Conflict, NotHere
from measurement.estimate import Estimate, Interval

# Pages look up their links by name; the addresses of the other rooms are not needed here.
pytestmark = pytest.mark.urls("core.urls")


class ItemForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As raters see it.", max_length=5)
    kind = forms.ChoiceField(
        label="What is judged?", choices=[("s", "One"), ("p", "Two")], widget=forms.RadioSelect
    )
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea)
    is_sure = forms.BooleanField(label="I am sure")
    token = forms.CharField(widget=forms.HiddenInput)

    def clean(self) -> None:
        if self.data.get("name") == "taken":
            raise forms.ValidationError("This name is taken.")


def shown(source: str, **context: object) -> str:
    html: str = Template(source).render(Context(context))
    return re.sub(r"\s+", " ", html).strip()


# Fields


def test_a_field_ties_label_hint_and_control_together() -> None:
    html = shown("{% field form.name %}", form=ItemForm())
    assert '<label class="field__label" for="id_name">Name</label>' in html
    assert '<p class="field__hint" id="id_name_hint">As raters see it.</p>' in html
    assert 'aria-describedby="id_name_hint"' in html
    assert "aria-invalid" not in html


def test_a_refused_field_names_its_error_in_words() -> None:
    html = shown("{% field form.name %}", form=ItemForm({"name": ""}))
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name_hint id_name_error"' in html
    assert "This field is required." in html


def test_radios_are_a_named_group_and_none_is_preselected() -> None:
    html = shown("{% field form.kind %}", form=ItemForm())
    assert "<fieldset>" in html
    assert '<legend class="field__label">What is judged?</legend>' in html
    assert html.count('type="radio"') == 2
    assert "checked" not in html


def test_a_field_that_may_stay_empty_says_so() -> None:
    assert "· optional" in shown("{% field form.note %}", form=ItemForm())
    assert "optional" not in shown("{% field form.name %}", form=ItemForm())
    assert "optional" not in shown("{% field form.is_sure %}", form=ItemForm())


def test_a_check_box_stands_inside_its_label() -> None:
    html = shown("{% field form.is_sure %}", form=ItemForm())
    assert re.search(r'<label class="field__check" for="id_is_sure"><input type="checkbox"', html)


def test_a_hidden_field_is_nothing_but_its_input() -> None:
    html = shown("{% field form.token %}", form=ItemForm())
    assert html.startswith('<input type="hidden"')
    assert "label" not in html


def test_label_hint_and_height_can_be_given_in_the_template() -> None:
    html = shown('{% field form.note label="Why" hint="In a line." rows=9 %}', form=ItemForm())
    assert "Why" in html
    assert "In a line." in html
    assert 'rows="9"' in html


def test_what_was_typed_is_escaped_and_kept() -> None:
    html = shown("{% field form.name %}", form=ItemForm({"name": "<b>"}))
    assert 'value="&lt;b&gt;"' in html


# Error summary


def test_the_error_summary_leads_to_each_field() -> None:
    html = shown("{% error_summary form %}", form=ItemForm({"token": "x"}))
    assert '<a href="#id_name">Name: This field is required.</a>' in html
    assert '<a href="#id_kind_0">What is judged? This field is required.</a>' in html
    assert "3 things have to be mended" in html
    assert 'role="alert"' in html


def test_an_error_of_the_whole_form_has_no_link() -> None:
    data = {"name": "taken", "kind": "s", "is_sure": "on", "token": "x"}
    html = shown("{% error_summary form %}", form=ItemForm(data))
    assert "<li>This name is taken.</li>" in html


def test_there_is_no_summary_before_anything_was_sent_or_when_all_is_well() -> None:
    good = ItemForm({"name": "a", "kind": "s", "is_sure": "on", "token": "x"})
    assert shown("{% error_summary a b %}", a=ItemForm(), b=good) == ""


# Pagination


def test_pagination_keeps_the_other_parameters() -> None:
    request = RequestFactory().get("/items/", {"q": "a b", "page": "2"})
    page = Paginator(range(2500), 1000).page(2)
    html = shown("{% pagination page %}", page=page, request=request)
    assert "1,001–2,000 of 2,500" in html
    assert 'href="?q=a+b&amp;page=1"' in html
    assert 'href="?q=a+b&amp;page=3"' in html


def test_a_list_of_one_page_has_no_pagination() -> None:
    assert shown("{% pagination page %}", page=Paginator([1], 10).page(1)) == ""


# Figures


def text_of(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html).replace("\N{NO-BREAK SPACE}", " ")


def test_an_estimate_shows_value_interval_and_n() -> None:
    figure = Estimate(0.834, 1312, Interval(0.79, 0.8688))
    html = shown("{{ figure|estimate }}", figure=figure)
    assert text_of(html) == "0.83 [0.79, 0.87] · n = 1,312"
    assert shown("{% estimate figure %}", figure=figure) == html


def test_an_estimate_may_be_in_percent_and_without_n() -> None:
    figure = Estimate(0.8423, 412, Interval(0.804, 0.874))
    html = shown("{% estimate figure percent=True n=False %}", figure=figure)
    assert text_of(html) == "84.2 % [80.4, 87.4]"


def test_an_undefined_estimate_gives_its_reason_escaped() -> None:
    html = shown("{{ figure|estimate }}", figure=Estimate.undefined("only <one> rater"))
    assert "undefined: only &lt;one&gt; rater" in html


def test_no_estimate_at_all_is_a_dash() -> None:
    assert text_of(shown("{{ figure|estimate }}", figure=None)) == "–"


@pytest.mark.parametrize(
    ("source", "value", "words"),
    [
        ("{{ x|percent }}", 0.8421, "84.2 %"),
        ("{{ x|percent:0 }}", 0.8421, "84 %"),
        ("{{ x|percent }}", Estimate(0.5, 3), "50.0 %"),
        ("{{ x|percent }}", None, "–"),
        ("{{ x|decimal:3 }}", 0.12345, "0.123"),
        ("{{ x|decimal }}", None, "–"),
        ("{{ x|count }}", 12400, "12,400"),
        ("{{ x|count }}", None, "–"),
    ],
)
def test_numbers_are_written_one_way_everywhere(source: str, value: object, words: str) -> None:
    assert text_of(shown(source, x=value)) == words


@pytest.mark.parametrize(("kind", "mark"), [("good", "✓"), ("doubtful", "~"), ("poor", "×")])
def test_a_badge_repeats_its_colour_by_a_mark(kind: str, mark: str) -> None:
    html = shown("{% badge kind text %}", kind=kind, text="<word>")
    assert f'<span aria-hidden="true">{mark}</span>&lt;word&gt;' in html
    assert f"badge--{kind}" in html


# Pictures


def test_an_interval_plot_is_a_table_with_the_same_figures() -> None:
    rows = [
        charts.IntervalRow("Accuracy", Estimate(0.74, 90, Interval(0.68, 0.79)), badge="ok"),
        charts.IntervalRow("<b>", Estimate.undefined("no pairs"), href="/x/", second=True),
    ]
    plot = charts.interval_plot(rows, charts.Scale(target=0.667))
    html = shown('{% interval_plot plot caption="Alpha" name="Dimension" n="items" %}', plot=plot)
    assert '<caption class="visually-hidden">Alpha</caption>' in html
    assert "0.74 [0.68, 0.79]" in text_of(html)
    assert '<th scope="col" class="end plot-n">items</th>' in html
    assert '<a href="/x/">&lt;b&gt;</a>' in html
    assert "undefined: no pairs" in html
    assert html.count("<svg") == 4  # two rows, the axis and the bob inside it


def test_the_count_column_can_be_left_out() -> None:
    plot = charts.interval_plot([charts.IntervalRow("a", Estimate(0.7, 90))], charts.Scale())
    html = shown('{% interval_plot plot caption="Alpha" n="" %}', plot=plot)
    assert ">90<" not in html


def test_progress_takes_a_count_or_segments() -> None:
    assert "12 of 40" in shown("{% progress 12 40 %}")
    parts = [charts.Segment("kept", 3, "kept")]
    assert "progress__part--kept" in shown("{% progress parts 4 %}", parts=parts)


def test_markdown_is_rendered_and_cleaned() -> None:
    html = shown("{{ text|markdown }}", text="**a** <script>")
    assert "<strong>a</strong> &lt;script&gt;" in html


# The style guide shows every part


def test_the_style_guide_draws_every_part_without_inline_style_or_script() -> None:
    html = render_to_string("styleguide.html", styleguide.samples())
    for part in ("steps", "card", "table", "matrix", "plot", "badge", "stat", "tabs", "empty"):
        assert f'class="{part}' in html
    for part in ("notice", "toast", "field", "error-summary", "pagination", "progress", "choices"):
        assert part in html
    assert re.search(r"\s(style|on\w+)=", html) is None
    assert re.search(r"<script(?![^>]*\ssrc=)", html) is None


def test_no_two_elements_of_the_style_guide_share_an_id() -> None:
    html = render_to_string("styleguide.html", styleguide.samples())
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.django_db
@pytest.mark.urls("config.urls")
def test_the_style_guide_is_for_staff() -> None:
    request = RequestFactory().get("/styleguide/")
    request.user = User(username="lea", is_staff=False)
    with pytest.raises(NotHere):
        styleguide.styleguide(request)
    # The page's head says how many notices wait.
    request.user = User.objects.create(username="ada", is_staff=True)
    html = styleguide.styleguide(request).content.decode()
    assert "What are pages built of?" in html
    assert "ada" in html


def test_a_confirm_page_says_what_happens_and_posts_once_asked() -> None:
    request = RequestFactory().get("/")
    html = render_to_string(
        "components/confirm.html",
        {
            "question": "Retire the set?",
            "consequence": "Its items become development items.",
            "action": "Retire",
            "back_url": "/back/",
            "danger": True,
            "form": ItemForm(),
        },
        request,
    )
    assert "<h1>Retire the set?</h1>" in html
    assert "Its items become development items." in html
    assert 'method="post"' in html
    assert "csrfmiddlewaretoken" in html
    assert "button--danger" in html
    assert 'href="/back/"' in html
    assert 'id="id_name"' in html


@pytest.mark.parametrize("template", ["error.html", "_error.html"])
def test_a_refusal_shows_its_sentence_where_the_script_finds_it(template: str) -> None:
    refusal = Conflict("lease_lost", "It went back to <the queue>.")
    html = render_to_string(template, {"error": refusal})
    assert "<p data-sentence>It went back to &lt;the queue&gt;.</p>" in html


def test_messages_of_a_redirect_stand_at_the_top_of_the_page() -> None:
    message = Message(ERROR, "Row 4 <cannot> be read.")
    html = render_to_string("base.html", {"messages": [message]})
    assert "notice--poor" in html
    assert "Row 4 &lt;cannot&gt; be read." in html


@pytest.mark.urls("config.urls")
def test_the_demo_house_offers_its_people_at_the_sign_in_page() -> None:
    person = {"name": "Lea", "username": "lea", "role": "lead", "password": "known"}
    context = {"form": AuthenticationForm(), "next": "/x/"}
    assert "Demo" not in render_to_string("registration/login.html", context)
    html = render_to_string("registration/login.html", {**context, "demo_people": [person]})
    assert '<input type="hidden" name="username" value="lea">' in html
    assert html.count('<input type="hidden" name="next" value="/x/">') == 2


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_need_no_request_and_say_what_to_do(name: str) -> None:
    html = render_to_string(f"{name}.html")
    assert "data-sentence" in html
    assert html.count("<h1") == 1
