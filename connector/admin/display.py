"""How values are shown: amounts, states, times, links, JSON. Text in, safe HTML out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.redaction import redact
from connector.errors import UnsupportedCurrency
from connector.money import Money

NOTHING = "–"
Column = Callable[[Any], str]

GOOD, BUSY, WARN, BAD, QUIET = "good", "busy", "warn", "bad", "quiet"


def money(minor: int | None, currency: str) -> str:
    """An amount for people: "CAD 1,026.90", "JPY 5,000", "KWD 5.125"."""
    if minor is None:
        return NOTHING
    try:
        text = Money(minor, currency).to_decimal_string()
    except UnsupportedCurrency:
        return f"{minor} minor units of {currency or 'an unknown currency'}"
    whole, point, fraction = text.lstrip("-").partition(".")
    sign = "−" if text.startswith("-") else ""
    return f"{sign}{currency} {int(whole):,}{point}{fraction}"


def difference(minor: int | None, currency: str) -> str:
    """An amount that should be zero: quiet if it is, marked if it is not."""
    if minor is None:
        return NOTHING
    return format_html(
        '<span class="mlc-amount mlc-{}">{}</span>',
        GOOD if minor == 0 else BAD,
        money(minor, currency),
    )


def badge(text: str, tone: str = QUIET) -> SafeString:
    """A short state on a coloured ground."""
    return format_html('<span class="mlc-badge mlc-{}">{}</span>', tone, text)


def moment(at: datetime | None) -> str:
    """How long ago, or how soon; the exact time in UTC appears under the pointer."""
    if at is None:
        return NOTHING
    seconds = int((timezone.now() - at).total_seconds())
    span = _span(abs(seconds))
    words = "just now" if not span else f"{span} ago" if seconds > 0 else f"in {span}"
    return format_html(
        '<time class="mlc-when" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        exact(at),
        words,
    )


def _span(seconds: int) -> str:
    """A length of time in its largest unit; "" below a minute."""
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit:,} {name}"
    return ""


def exact(at: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def counted(count: int, noun: str) -> str:
    """A number with its word: "1 job", "1,200 deliveries"."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def link(url: str, text: str) -> SafeString:
    """A link within the admin."""
    return format_html('<a class="mlc-link" href="{}">{}</a>', url, text)


def outside_link(url: str, text: str) -> str:
    """A link to a vendor's page, in a window of its own; only real web addresses become links."""
    if not url.startswith(("https://", "http://")):
        return text
    return format_html(
        '<a class="mlc-link" href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, text
    )


def page_of(row: Model) -> str:
    """The address of a row's own page."""
    meta = row._meta  # noqa: SLF001 - Django's public way to a model's names
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def list_of(model: type[Model], **filters: Any) -> str:
    """The address of a list, filtered."""
    meta = model._meta  # noqa: SLF001 - Django's public way to a model's names
    return reverse(
        f"admin:{meta.app_label}_{meta.model_name}_changelist",
        query={name: str(value) for name, value in filters.items()},
    )


def pretty_json(data: Any) -> SafeString:
    """JSON to read, with whatever looks like a credential masked."""
    text = json.dumps(redact(data), indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="mlc-json">{}</pre>', text)


def lines(items: list[Any]) -> str:
    """A list of remarks, one below the other."""
    if not items:
        return NOTHING
    rows = [format_html("<li>{}</li>", item) for item in items]
    return format_html('<ul class="mlc-notes">{}</ul>', SafeString("".join(rows)))


# Columns: each makes one entry of `list_display` or of a fieldset -------------------------------


def column(name: str, show: Column, *, order: str = "") -> Column:
    """A column by a function of the row."""

    def shown(row: Any) -> str:
        return show(row)

    # The name becomes a CSS class, and must not be a field's name: its help text would appear.
    shown.__name__ = "shown_" + "".join(c if c.isalnum() else "_" for c in name.lower())
    vars(shown).update(short_description=name, admin_order_field=order or None)
    return shown


def text_column(name: str, show: Column, *, order: str = "") -> Column:
    """A longer text: it may take two lines, the rest is under the pointer."""

    def shortened(row: Any) -> str:
        text = str(show(row))
        if not text:
            return NOTHING
        return format_html('<span class="mlc-long" title="{}">{}</span>', text, text)

    return column(name, shortened, order=order)


def money_column(name: str, field: str, *, currency: str = "currency") -> Column:
    """An amount kept in minor units beside its currency."""
    return column(
        name,
        lambda row: format_html(
            '<span class="mlc-amount">{}</span>', money(getattr(row, field), getattr(row, currency))
        ),
        order=field,
    )


def difference_column(name: str, first: str, second: str) -> Column:
    """What two amounts differ by; where one side has nothing, that side counts as zero."""

    def show(row: Any) -> str:
        left, right = getattr(row, first), getattr(row, second)
        if left is None and right is None:
            return NOTHING
        return difference((left or 0) - (right or 0), row.currency)

    return column(name, show)


def state_column(name: str, field: str, tones: Mapping[str, str]) -> Column:
    """A state as a badge, with the wording of the model's choices."""

    def show(row: Any) -> str:
        value = str(getattr(row, field))
        if not value:
            return NOTHING
        words = getattr(row, f"get_{field}_display", lambda: value.replace("_", " ").capitalize())
        return badge(words(), tones.get(value, QUIET))

    return column(name, show, order=field)


def time_column(name: str, field: str) -> Column:
    """A time as "3 minutes ago"."""
    return column(name, lambda row: moment(getattr(row, field)), order=field)


def exact_time_column(name: str, field: str) -> Column:
    """A time to the second."""
    return column(
        name, lambda row: exact(at) if (at := getattr(row, field)) else NOTHING, order=field
    )
