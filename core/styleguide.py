"""What the style guide shows: one invented sample of each part that pages are built of."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import charts, matrices
from core.errors import NotHere
from core.filters import FilterForm, search
from core.registry import Step

RESPONSE = """You can move the export to a background job, so the page answers at once:

1. Add a worker queue for long tasks and give it its own process.
2. In the view, create the job and return its address with status `202`.

```python
def export(request):
    job = exports.enqueue(account=request.user.account)  # returns at once
    return JsonResponse({"job": job.id}, status=202)
```

| rows | time |
| ---: | ---: |
| 5,000 | 2 s |
| 20,000 | 41 s |

> Exports below 5,000 rows stay quick enough. See [the help page](https://example.org/help).

![a picture becomes a link](https://example.org/chart.png)

مرحبا، هذا نص من اليمين إلى اليسار.
"""


class SampleFilter(FilterForm):
    """What a list is narrowed by."""

    q = search("Round", hint="Name, dataset or guideline")
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "any"), ("open", "open"), ("closed", "closed")]
    )


class SampleForm(forms.Form):
    """A field of each kind; bound to nothing, so that it shows its errors."""

    name = forms.CharField(label="Name of the dataset", help_text="As raters will see it.")
    kind = forms.ChoiceField(
        label="What is judged?",
        choices=[("single", "One response"), ("pair", "Two responses, side by side")],
        widget=forms.RadioSelect,
    )
    share = forms.DecimalField(
        label="Share that is sealed", required=False, help_text="0 keeps the dataset open."
    )
    level = forms.ChoiceField(
        label="Level of measurement",
        choices=[("nominal", "nominal"), ("ordinal", "ordinal"), ("interval", "interval")],
    )
    upload = forms.FileField(label="File", help_text="CSV, JSON or JSONL.", required=False)
    why = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    is_agreed = forms.BooleanField(label="The labels were not used in writing a judge")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """For those who build pages; nobody else learns that it is there."""
    if not getattr(request.user, "is_staff", False):
        raise NotHere
    return render(request, "styleguide.html", samples())


def samples() -> dict[str, Any]:
    """The context of `styleguide.html`; every figure in it is invented and says so on the page."""
    return {
        "steps": _steps(),
        "current_step": "agree",
        "form": SampleForm(),
        "filter": SampleFilter(QueryDict()),
        "sort": "-agreement",
        "refused_form": SampleForm({}, prefix="refused"),
        "defined": _estimate(0.832, 0.791, 0.868, 312),
        "undefined": {
            "value": None,
            "n": 40,
            "interval": None,
            "undefined_because": "all raters used one category",
        },
        "tabs": [
            {"name": "Overview", "url": "#tabs", "is_current": True, "count": ""},
            {"name": "Items", "url": "#tabs", "is_current": False, "count": "1,240"},
            {"name": "Versions", "url": "#tabs", "is_current": False, "count": "4"},
        ],
        "segments": [
            charts.Segment("from cache", 181, "kept"),
            charts.Segment("answered", 338),
            charts.Segment("without a verdict", 6, "poor"),
        ],
        "page_obj": Paginator(range(240), 25).page(3),
        "response": RESPONSE,
        **_pictures(),
    }


def _estimate(value: float, low: float, high: float, n: int) -> dict[str, object]:
    return {"value": value, "n": n, "interval": [low, high], "undefined_because": ""}


def _steps() -> list[Step]:
    return [
        Step("data", "Data", "#steps", "1,240 items", "3 thin spots", is_done=True),
        Step("guideline", "Guideline", "#steps", "3.1", "published 18 Nov", is_done=True),
        Step("rate", "Rate", "#steps", "86\N{NO-BREAK SPACE}%", "1,064 of 1,240", is_done=False),
        Step("agree", "Agree", "#steps", "2 of 4", "Completeness: settle 38 items", is_done=False),
        Step("judge", "Judge", "#steps", "v4", "waits for 500 sealed labels", is_done=False),
    ]


def _pictures() -> dict[str, Any]:
    alphas = (
        ("Accuracy", _estimate(0.74, 0.68, 0.79, 1064), "doubtful", "tentative"),
        ("Completeness", _estimate(0.61, 0.54, 0.67, 1064), "poor", "settle first"),
        ("Clarity", _estimate(0.69, 0.63, 0.74, 1064), "doubtful", "tentative"),
        ("Safety", _estimate(0.88, 0.81, 0.94, 1064), "good", "reliable"),
    )
    rows = [
        charts.IntervalRow(name, estimate, badge_kind=kind, badge=badge)
        for name, estimate, kind, badge in alphas
    ]
    versions = [
        ("v4", "both orders, reason first", _estimate(0.857, 0.820, 0.887, 412), "$1.94"),
        ("v3", "score first", _estimate(0.842, 0.804, 0.874, 412), "$1.61"),
        ("v2", "no worked examples", _estimate(0.811, 0.771, 0.846, 412), "$1.22"),
        ("Longer response wins", "baseline", _estimate(0.604, 0.470, 0.651, 412), "–"),
    ]
    pairs = {
        ("Ana", "Ben"): 0.74,
        ("Ana", "Cem"): 0.71,
        ("Ana", "Efe"): 0.48,
        ("Ben", "Cem"): 0.76,
        ("Ben", "Efe"): 0.51,
        ("Cem", "Efe"): 0.46,
    }
    sessions = [
        ("guideline 2.0", _estimate(0.38, 0.29, 0.46, 60)),
        ("2.1", _estimate(0.47, 0.39, 0.55, 60)),
        ("3.0", _estimate(0.55, 0.48, 0.62, 80)),
        ("3.1", _estimate(0.61, 0.54, 0.67, 1064)),
    ]
    uses = {"Ana": (4, 18, 61, 120, 97), "Ben": (6, 22, 70, 118, 84), "Efe": (31, 77, 102, 61, 29)}
    return {
        "alphas": charts.interval_plot(rows, charts.Scale(0.3, 1, target=0.667)),
        "versions": versions,
        "gate_scale": charts.Scale(0.5, 1, target=0.8, ceiling=0.866),
        "confusion": matrices.confusion_matrix(
            ("A", "tie", "B"), ((126, 18, 16), (9, 21, 12), (14, 17, 221))
        ),
        "pairs": matrices.rater_matrix(("Ana", "Ben", "Cem", "Efe"), pairs),
        "uses": charts.distribution_strip(("1", "2", "3", "4", "5"), uses),
        "sessions": charts.trend(
            sessions, charts.Scale(0.2, 0.9, target=0.667), name="Alpha of completeness by session"
        ),
    }
