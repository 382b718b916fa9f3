"""CONTRIBUTING.md and docs/architecture.md name what is there, all of it, and nothing else."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

from django.apps import apps

from tests.docs.reading import ROOT, first_words, section, text_of

OURS = ("audit", "config", "connector", "tenants")
NO_LAYER = {"apps", "migrations", "static", "templates"}
_DOTTED = re.compile(r"`([a-z_]+(?:\.[A-Za-z_]+)+)`")


def test_every_folder_of_tests_is_explained() -> None:
    named = set(first_words(text_of("CONTRIBUTING.md")))
    there = {
        f"tests/{folder.name}"
        for folder in (ROOT / "tests").iterdir()
        if (folder.is_dir() and any(folder.rglob("test_*.py"))) or folder.name == "pipeline"
    }
    assert there <= named
    assert all((ROOT / name).is_dir() for name in named)


def test_every_table_is_named() -> None:
    named = set(first_words(section("architecture.md", "Tables")))
    models = {model.__name__ for name in OURS if name != "config" for model in _models(name)}
    assert named == models


def _models(app: str) -> list[type]:
    return list(apps.get_app_config(app).get_models())


def test_every_module_of_the_connector_has_its_layer() -> None:
    named = set(first_words(section("architecture.md", "Parts")))
    there = {path.stem for path in (ROOT / "connector").iterdir() if not path.name.startswith("_")}
    assert there - NO_LAYER <= named


def test_every_dotted_name_exists() -> None:
    for name in _DOTTED.findall(text_of("docs", "architecture.md")):
        assert _exists(name), name


def test_every_function_and_index_that_is_named_exists() -> None:
    words = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)`", text_of("docs", "architecture.md")))
    source = "\n".join(path.read_text() for name in OURS for path in (ROOT / name).rglob("*.py"))
    assert words
    assert {word for word in words if not re.search(rf"\b{word}\b", source)} == set()


def _exists(name: str) -> bool:
    """Whether a name such as "sync.pair.sync_invoice" leads to something of ours."""
    if name.startswith(("tool.", "tenants.E", "invoice_payment.")) or (ROOT / name).exists():
        return True
    prefixes = ("", "connector.")
    return any(_resolves(f"{prefix}{name}") for prefix in prefixes)


def _resolves(name: str) -> bool:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:cut])
        if not (path.is_dir() or path.with_suffix(".py").exists()):
            continue
        found = importlib.import_module(".".join(parts[:cut]))
        for attribute in parts[cut:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return Path(inspect.getsourcefile(importlib.import_module(parts[0])) or "").is_relative_to(
            ROOT
        )
    return False
