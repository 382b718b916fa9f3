"""docs/vendor-calls.md names every call in the code, and no call that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from connector.vendors.stripe.account_calls import READ_PROBES, WRITE_PROBES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "vendor-calls.md"
NAME = re.compile(r"(freshbooks|stripe)(\.[a-z_]+){2}")
# Names that the code puts together; the test knows how, and fails for one that it does not know.
PUT_TOGETHER = {"stripe.invoices.*", "stripe.probe.*"}


def trees() -> Iterator[ast.Module]:
    for path in sorted((ROOT / "connector" / "vendors").rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def texts(node: ast.AST) -> Iterator[str]:
    """Every literal text, with * for each part that is put in; docstrings have spaces and drop out."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        elif isinstance(inner, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "*" for part in inner.values)
            yield "".join(str(part) for part in parts)


def verbs(node: ast.AST) -> Iterator[str]:
    """The verbs given to `_act`, which names the operation after them."""
    for inner in ast.walk(node):
        if not (isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute)):
            continue
        if inner.func.attr == "_act" and isinstance(inner.args[0], ast.Constant):
            yield "stripe.invoices." + str(inner.args[0].value)


def operations_in_code() -> set[str]:
    found = {text for tree in trees() for text in texts(tree) if NAME.fullmatch(text)}
    patterns = {text for tree in trees() for text in texts(tree) if re.fullmatch(r"[\w.*]+", text)}
    assert {text for text in patterns if NAME.match(text.replace("*", "x")) and "*" in text} == (
        PUT_TOGETHER
    )
    probes = [name for _, name, _ in READ_PROBES] + [parts[0] for _, parts in WRITE_PROBES]
    found |= {f"stripe.probe.{name}" for name in probes}
    return found | {verb for tree in trees() for verb in verbs(tree)}


def used_operations() -> set[str]:
    """Operations that something outside `connector/vendors` makes, directly or on the way.

    Callers are told by the vendor's name or by what clients are called in the product: `stripe`,
    `freshbooks`, `client`, `oauth`; what they call is followed within that vendor's folder.
    """
    wanted = set(_called_outside())
    found: set[str] = set()
    for vendor in ("freshbooks", "stripe"):
        functions = list(_functions(vendor))
        names = {name for receiver, name in wanted if receiver in {vendor, "client", "oauth"}}
        reached: set[str] = set()
        while names - reached:
            reached |= names
            for function in functions:
                if function.name in reached:
                    names |= {node.attr for node in ast.walk(function) if _is_own(node)}
        for function in functions:
            if function.name in reached:
                found |= {text for text in texts(function) if NAME.fullmatch(text)}
                found |= set(verbs(function))
                if "stripe.probe.*" in texts(function):
                    found |= {name for name in operations_in_code() if ".probe." in name}
    return found


def _functions(vendor: str) -> Iterator[ast.FunctionDef]:
    for path in sorted((ROOT / "connector" / "vendors" / vendor).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node


def _is_own(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _called_outside() -> Iterator[tuple[str, str]]:
    """What is asked of which client: ("stripe", "list_invoices") for `run.stripe.list_invoices`."""
    for package in ("audit", "config", "connector", "tenants"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.is_relative_to(ROOT / "connector" / "vendors"):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    yield _receiver(node.value), node.attr


def _receiver(node: ast.expr) -> str:
    """The last word of a name: "stripe" of `run.stripe`, "client" of `stripe_client(…)`."""
    if isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return str(name).lstrip("_").replace("_for_key", "").rpartition("_")[2]


def rows() -> list[list[str]]:
    """Cells of every row whose first cell is an operation."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if NAME.fullmatch(row[0].strip("`"))]


def test_the_page_and_the_code_name_the_same_calls() -> None:
    named = [row[0].strip("`") for row in rows()]
    assert len(named) == len(set(named))
    code = operations_in_code()
    assert code - set(named) == set(), "calls that the page does not explain"
    assert set(named) - code == set(), "calls on the page that are not in the code"


def test_calls_that_nobody_makes_are_marked() -> None:
    marked = {row[0].strip("`") for row in rows() if row[1].startswith("**not used yet**")}
    used = used_operations()
    assert marked & used == set(), "marked, but the product makes these calls"
    assert operations_in_code() - used - marked == set(), "nobody makes these calls: mark them"


def test_every_row_says_everything() -> None:
    marks = {"doc", "sdk", "seen", "told", "guess", "open"}
    for row in rows():
        assert len(row) == 7, row[0]
        assert all(row), row[0]
        assert marks & set(re.findall(r"\w+", row[5])), f"{row[0]} has no evidence"
        assert re.search(r"\b(GET|POST|PUT|DELETE) `", row[2]), row[0]
