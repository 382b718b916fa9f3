"""Every kind of credential that is known by its look is masked, wherever in a text it stands."""

from __future__ import annotations

import pytest

from config.logging import MASK, mask_secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("sk_live_4eC39H", MASK),
        ("a key rk_test_4eC39H, pasted", f"a key {MASK}, pasted"),
        ("pk_live_4eC39H", MASK),
        ("whsec_4eC39H", MASK),
        ("Authorization: Bearer\tabc.def", f"Authorization: {MASK}"),
        ("eyJhbGciOi.eyJzdWIi.x", MASK),
        ("postgresql://app:word@db/x", f"postgresql://{MASK}@db/x"),
        ("/connect/abcdefghijklmnopqrstu/", f"/connect/{MASK}/"),
        ("/webhooks/stripe/abcdefghijklmnopqrstu/", f"/webhooks/stripe/{MASK}/"),
        ("/webhooks/freshbooks/abcdefghijklmnopqrstu/", f"/webhooks/freshbooks/{MASK}/"),
        ("invoice:2903314 of https://invoice.stripe.com/i/acct_1", None),
        ("", None),
    ],
)
def test_a_credential_is_masked(text: str, masked: str | None) -> None:
    assert mask_secrets(text) == (text if masked is None else masked)
