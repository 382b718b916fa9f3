"""The page where a person allows an app to use their FreshBooks."""

from collections.abc import Mapping, Sequence
from html import escape

from sandbox.core.vendor import Response
from sandbox.freshbooks.book import Identity
from sandbox.freshbooks.pages.layout import page

_KEPT = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


def consent_page(query: Mapping[str, str], identities: Sequence[Identity]) -> Response:
    """Pick a login, then Allow or Deny; the query travels in hidden fields."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(query[name], quote=True)}">'
        for name in _KEPT
        if name in query
    )
    logins = "".join(
        f'<label class="pick"><input type="radio" name="login" '
        f'value="{escape(one.email, quote=True)}"{" checked" if first else ""}>'
        f"{escape(one.first_name)} {escape(one.last_name)} "
        f'<span class="quiet">{escape(one.email)}</span></label>'
        for first, one in ((one is identities[0], one) for one in identities)
    )
    if not logins:
        logins = '<p class="quiet">There is no login yet. Make a business on the start page.</p>'
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in query.get("scope", "").split())
    asked = f"<ul>{scopes}</ul>" if scopes else "<p>everything it is registered for</p>"
    return page(
        "Allow access?",
        f"<section><p><b>{escape(query['client_id'])}</b> asks for:</p>{asked}",
        f'<form method="post"><h2>Log in as</h2>{logins}{hidden}<div class="actions">'
        '<button name="decision" value="allow">Allow</button>'
        '<button class="plain" name="decision" value="deny">Deny</button>'
        "</div></form></section>",
    )


def refusal_page(message: str) -> Response:
    """What cannot be redirected back: unknown app, address or login."""
    return page("An error has occurred", error=message, status=400)
