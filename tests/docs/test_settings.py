"""Each setting is read by the code, explained in docs/settings.md and shown in .env.example."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.docs.reading import ROOT, first_words, rows, text_of

_IN_SETTINGS = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"|_database\("([A-Z_]+)"\)')
_IN_SHELL = re.compile(r"(?<!\$)\$\{([A-Z_]+)[:}]")
_EXAMPLE = re.compile(r"^(# )?([A-Z_]+)=(.*)$", re.MULTILINE)
REQUIRED = {
    "SECRET_KEY",
    "FIELD_ENCRYPTION_KEYS",
    "POSTGRES_PASSWORD",
    "DATABASE_OWNER_PASSWORD",
    "DATABASE_APP_PASSWORD",
    "REDIS_PASSWORD",
}


def _read_by_the_code() -> set[str]:
    named = {one or two for one, two in _IN_SETTINGS.findall(text_of("config", "settings.py"))}
    for file in ("Procfile", "docker-compose.yml"):
        named |= set(_IN_SHELL.findall(text_of(file)))
    return named


def _documented() -> dict[str, list[str]]:
    return {cells[0].strip("`"): cells for cells in rows(text_of("docs", "settings.md"))}


def _example() -> dict[str, tuple[bool, str]]:
    """Name -> whether it is only shown as a comment, and its value."""
    found = _EXAMPLE.findall(text_of(".env.example"))
    return {name: (bool(comment), value) for comment, name, value in found}


def test_the_names_are_the_same_in_code_documentation_and_example() -> None:
    documented = first_words(text_of("docs", "settings.md"))
    assert len(documented) == len(set(documented))
    assert set(documented) == _read_by_the_code() == set(_example())


def test_blank_lines_of_the_example_are_exactly_what_has_no_default() -> None:
    blank = {name for name, (comment, value) in _example().items() if not comment and not value}
    assert blank == REQUIRED
    assert {name for name in REQUIRED if _documented()[name][1] == "none"} == REQUIRED


def test_the_example_shows_the_documented_defaults() -> None:
    for name, (_, value) in _example().items():
        if value:
            assert _documented()[name][1] == f"`{value}`", name


def test_documented_defaults_are_the_ones_in_the_code() -> None:
    show = (
        "from config import settings; import json;"
        "print(json.dumps({n: getattr(settings, n) for n in dir(settings) if n.isupper()},"
        " default=str))"
    )
    done = _python(show, SECRET_KEY="x" * 40, FIELD_ENCRYPTION_KEYS="k")
    values = json.loads(done)
    for name, cells in _documented().items():
        default = cells[1].strip("`")
        if name in values and name not in REQUIRED:
            value = values[name]
            spelled = ",".join(value) if isinstance(value, list) else str(value)
            assert spelled.lower() == default.replace("empty", ""), name


@pytest.mark.parametrize("owner", [None, ""])
def test_an_empty_owner_address_is_as_good_as_none(owner: str | None) -> None:
    show = "from config.settings import DATABASES as d; print(d['owner'] == d['default'], d['owner']['NAME'])"
    named = {} if owner is None else {"DATABASE_OWNER_URL": owner}
    address = "postgresql://ml_app:p@127.0.0.1:1/books"
    done = _python(
        show, SECRET_KEY="x" * 40, FIELD_ENCRYPTION_KEYS="k", DATABASE_URL=address, **named
    )
    assert done == "True books\n"


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FIELD_ENCRYPTION_KEYS"])
def test_nothing_starts_without_a_key(missing: str) -> None:
    keys = {"SECRET_KEY": "x" * 40, "FIELD_ENCRYPTION_KEYS": "k"} | {missing: ""}
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _python("import config.settings", **keys)
    assert f"{missing} is missing" in caught.value.stderr


def _python(code: str, **environment: str) -> str:
    """What a fresh Python with only these settings prints."""
    bare = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=bare | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout
