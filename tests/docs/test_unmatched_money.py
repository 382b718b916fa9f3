"""docs/unmatched-money.md says what the code does: states with their words, points of suggestions."""

from __future__ import annotations

import re

from connector.mapping import matching
from connector.models import StrayPayment
from connector.roles import FINANCE
from tenants.models import Tenant
from tests.docs.reading import rows, section, text_of

PAGE = "unmatched-money.md"


def test_every_state_is_there_with_the_words_of_the_admin() -> None:
    shown = {cells[0].strip("`"): cells[1] for cells in rows(text_of("docs", PAGE))}
    assert shown == {member.value: str(member.label) for member in StrayPayment.State}


def test_the_points_are_the_codes() -> None:
    points = re.findall(r"^\| .* \| (−?\d+) \|$", section(PAGE, "Suggestions"), re.MULTILINE)
    assert [int(text.replace("−", "-")) for text in points] == [
        matching.NAMED,
        matching.CLIENT,
        matching.EMAIL,
        matching.EXACT,
        matching.CLOSE,
        matching.NEAR,
        matching.OTHER_CLIENT,
    ]


def test_the_setting_is_called_as_on_the_tenants_page() -> None:
    field = Tenant._meta.get_field("applies_exact_matches")
    assert f"*{str(field.verbose_name).capitalize()}*" in text_of("docs", PAGE)
    assert field.get_default() is False


def test_who_may_match_is_named() -> None:
    assert f"*{FINANCE}* may match" in section("operating.md", "Unmatched money")
