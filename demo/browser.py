"""A person's browser, as far as the demo needs one: pages, forms, buttons, cookies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

TIMEOUT_S = 60


class PageError(RuntimeError):
    """A page was not what a person would have expected."""


@dataclass
class Form:
    """One form: where it goes, and what would be sent if nothing were changed."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Page:
    """What the browser shows."""

    url: str
    status: int
    text: str

    def form(self, *, field_name: str = "", action: str = "") -> Form:
        """The form that has this field, or whose address ends like this."""
        reader = _FormReader()
        reader.feed(self.text)
        for form in reader.forms:
            has_field = not field_name or field_name in form.names
            if has_field and (not action or form.action.endswith(action)):
                return form
        raise PageError(f"{self.url} has no form with {field_name or action!r}")


class Browser:
    """Keeps cookies, follows redirects, fills in forms."""

    def __init__(self) -> None:
        self._http = requests.Session()

    def open(self, url: str) -> Page:
        """Go to an address."""
        return self._page(self._http.get(url, timeout=TIMEOUT_S))

    def submit(self, page: Page, form: Form, changes: Mapping[str, str] | None = None) -> Page:
        """Fill in a form of a page and send it; a button goes in as one more change."""
        data = {**form.fields, **(changes or {})}
        url = urljoin(page.url, form.action) if form.action else page.url
        headers = {"Referer": page.url}
        if form.method == "post":
            answer = self._http.post(url, data=data, headers=headers, timeout=TIMEOUT_S)
        else:
            answer = self._http.get(url, params=data, headers=headers, timeout=TIMEOUT_S)
        return self._page(answer)

    def _page(self, answer: requests.Response) -> Page:
        page = Page(answer.url, answer.status_code, answer.text)
        if answer.status_code >= 400:
            raise PageError(f"{answer.request.method} {answer.url}: {answer.status_code}")
        return page


class _FormReader(HTMLParser):
    """Collects forms with what their fields hold."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the beginnings of forms and fields."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is not None:
            self._take_field(self._open, tag, given)

    def handle_endtag(self, tag: str) -> None:
        """Note their ends."""
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        """A textarea's text is its value."""
        if self._textarea and self._open is not None:
            self._open.fields[self._textarea] += data

    def _take_field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if name:
            form.names.add(name)
        if tag == "input" and name:
            self._take_input(form, name, given)
        elif tag == "textarea" and name:
            self._textarea = name
            form.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            form.fields[self._select] = given.get("value", "")
        elif tag == "button" and name:
            form.buttons.add((name, given.get("value", "")))

    @staticmethod
    def _take_input(form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind == "submit":
            form.buttons.add((name, given.get("value", "")))
        elif kind not in ("radio", "checkbox"):
            form.fields[name] = given.get("value", "")
        elif "checked" in given:
            form.fields[name] = given.get("value", "on")
