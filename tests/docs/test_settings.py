"""Each setting is read by the code, explained in docs/settings.md and shown in .env.example."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_make_env_fills_what_has_no_default_and_nothing_that_somebody_left_blank(
    tmp_path: Path,
) -> None:
    example = text_of(".env.example").replace("# FRESHBOOKS_CLIENT_ID=", "FRESHBOOKS_CLIENT_ID=")
    (tmp_path / ".env.example").write_text(example)
    for file in ("requirements/dev.txt", "requirements/uv.txt", "requirements/install.sh"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()  # everything is installed: nothing to do
    first = _make_env(tmp_path)
    lines = first.splitlines()
    filled = {line.partition("=")[0] for line in lines if re.fullmatch(r"\w+=[0-9a-f]{64}", line)}
    assert filled == REQUIRED
    assert "FRESHBOOKS_CLIENT_ID=" in lines
    edited = first.replace("# DATABASE_URL=", "DATABASE_URL=").replace("# PORT=8000", "PORT=")
    (tmp_path / ".env").write_text(edited)
    assert _make_env(tmp_path) == edited


def _make_env(folder: Path) -> str:
    """The .env after `make env` in a folder."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "env"],
        cwd=folder,
        env={"PATH": path},
        check=True,
        timeout=60,
    )
    return (folder / ".env").read_text()


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
