"""The frame and the small building blocks of all pages. Everything shown is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

from sandbox.core.vendor import Response

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #f5f6f8; color: #1d2733;
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
header { background: #14324e; color: #fff; padding: .8rem 1.5rem; }
header a { color: #fff; text-decoration: none; font-weight: 600; }
header small { opacity: .75; margin-left: .8rem; }
main { max-width: 68rem; margin: 1.5rem auto; padding: 0 1rem; }
section { background: #fff; border: 1px solid #dfe4ea; border-radius: 8px;
  padding: 1rem 1.25rem; margin-bottom: 1.25rem; }
h1 { font-size: 1.5rem; margin: .2rem 0 1rem; }
h2 { font-size: 1.05rem; margin: 0 0 .7rem; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; color: #5b6b7b; font-weight: 500; font-size: .85rem; }
th, td { padding: .4rem .5rem; border-bottom: 1px solid #edf0f3; vertical-align: middle; }
tr:last-child > * { border-bottom: 0; }
table + h2 { margin-top: 1rem; } p.quiet + h2 { margin-top: 1rem; }
main > a { display: inline-block; margin-bottom: .8rem; }
.amount { text-align: right; font-variant-numeric: tabular-nums; }
form { margin: 0; }
form.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: flex-end; }
form.inline { display: inline; }
label { display: flex; flex-direction: column; font-size: .8rem; color: #5b6b7b; gap: .15rem; }
label.pick { flex-direction: row; align-items: center; gap: .5rem; font-size: 1rem;
  color: inherit; padding: .25rem 0; }
input, select { font: inherit; padding: .35rem .5rem; border: 1px solid #c4ccd5;
  border-radius: 5px; background: #fff; }
label.pick input { margin: 0; }
button { font: inherit; padding: .38rem .9rem; border: 1px solid #0b6b4a; border-radius: 5px;
  background: #0f7d57; color: #fff; cursor: pointer; }
button.plain { background: #fff; color: #38495a; border-color: #c4ccd5; }
button.danger { background: #fff; color: #a3242b; border-color: #dba6a9; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 9px; font-size: .8rem;
  background: #e6ebf0; }
.badge.paid { background: #d5f0e3; } .badge.overdue { background: #fbdcdc; }
.badge.partial { background: #fdf0cf; }
.error { background: #fbdcdc; border-color: #e9b3b3; }
.quiet { color: #5b6b7b; } .actions { display: flex; gap: .5rem; margin-top: .8rem; }
a { color: #0b5cad; }
"""


def page(title: str, *parts: str, error: str = "", status: int = 200) -> Response:
    """A whole page; the parts are HTML already."""
    notice = f'<section class="error">{escape(error)}</section>' if error else ""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · FreshBooks sandbox</title><style>{_STYLE}</style></head>"
        '<body><header><a href="/">FreshBooks sandbox</a>'
        "<small>simulated, no real money</small></header>"
        f"<main><h1>{escape(title)}</h1>{notice}{''.join(parts)}</main></body></html>"
    )
    return Response(status, html, content_type="text/html")


def redirect(path: str) -> Response:
    """After a POST: go and look."""
    return Response(303, headers={"Location": path})


def section(heading: str, *parts: str) -> str:
    """A box with a heading."""
    return f"<section><h2>{escape(heading)}</h2>{''.join(parts)}</section>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    """A table; cells are HTML already. Headings that start with `>` are amounts."""
    body = "".join(f"<tr>{''.join(map(_cell, headings, row))}</tr>" for row in rows)
    if not body:
        return f'<p class="quiet">{escape(empty)}</p>'
    head = "".join(_cell(text, escape(text.lstrip(">")), "th") for text in headings)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(heading: str, html: str, tag: str = "td") -> str:
    css = ' class="amount"' if heading.startswith(">") else ""
    return f"<{tag}{css}>{html}</{tag}>"


def field(label: str, name: str, value: str = "", *, kind: str = "text", size: int = 14) -> str:
    """A labelled input."""
    return (
        f"<label>{escape(label)}<input type={kind} name={name} size={size} "
        f'value="{escape(value, quote=True)}"></label>'
    )


def choice(label: str, name: str, options: Sequence[tuple[str, str]], chosen: str = "") -> str:
    """A labelled select of (value, text)."""
    items = "".join(
        f'<option value="{escape(value, quote=True)}"{" selected" if value == chosen else ""}>'
        f"{escape(text)}</option>"
        for value, text in options
    )
    return f"<label>{escape(label)}<select name={name}>{items}</select></label>"


def form(action: str, *parts: str, button: str) -> str:
    """A row of inputs with its button."""
    inner = "".join(parts)
    return (
        f'<form class="row" method="post" action="{escape(action, quote=True)}">'
        f"{inner}<button>{escape(button)}</button></form>"
    )


def button(action: str, text: str, css: str = "plain") -> str:
    """A form that is only a button."""
    return (
        f'<form class="inline" method="post" action="{escape(action, quote=True)}">'
        f'<button class="{css}">{escape(text)}</button></form>'
    )


def link(path: str, text: str) -> str:
    """A link."""
    return f'<a href="{escape(path, quote=True)}">{escape(text)}</a>'


def badge(text: str) -> str:
    """A status."""
    return f'<span class="badge {escape(text, quote=True)}">{escape(text)}</span>'
