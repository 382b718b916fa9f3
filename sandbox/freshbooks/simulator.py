"""FreshBooks as one object that the shared server can serve."""

import random
from dataclasses import asdict
from typing import Any

from sandbox.core.clock import Clock
from sandbox.core.vendor import ErrorKind, Request, Response, Route
from sandbox.core.webhooks import WebhookSender
from sandbox.freshbooks.access import Access
from sandbox.freshbooks.accounting import AccountingApi
from sandbox.freshbooks.acts import Acts
from sandbox.freshbooks.book import Account
from sandbox.freshbooks.callbacks import CallbacksApi
from sandbox.freshbooks.identity import IdentityApi
from sandbox.freshbooks.oauth import OAuthApi
from sandbox.freshbooks.online import OnlinePaymentsApi
from sandbox.freshbooks.pages.site import Site
from sandbox.freshbooks.people_acts import PeopleActs
from sandbox.freshbooks.problems import Problem, render_problem, too_many_requests
from sandbox.freshbooks.resource import Resource
from sandbox.freshbooks.world import App, World

RETRY_AFTER_S = 1


class FreshBooksSimulator:
    """The whole of simulated FreshBooks."""

    name = "freshbooks"

    def __init__(
        self,
        clock: Clock,
        webhooks: WebhookSender,
        rng: random.Random,
        app: App | None = None,
    ) -> None:
        app = app or App("sandbox-client", "sandbox-secret")
        self._world = World(clock, webhooks, rng, app)
        self._access = Access(self._world)
        self._oauth = OAuthApi(self._world)
        self._callbacks = CallbacksApi(self._world, self._access)
        self._acts = Acts(self._world, PeopleActs(self._world, self._oauth))

    @property
    def base_url(self) -> str:
        """Where this simulator can be reached; set before the server starts."""
        return self._world.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._world.base_url = url

    def routes(self) -> list[Route]:
        """API and pages."""
        acts = self._acts
        accounting = AccountingApi(
            self._world,
            self._access,
            [acts.clients, acts.invoices, acts.payments, acts.credit_notes, acts.taxes],
        )
        return [
            *self._oauth.routes(),
            *IdentityApi(self._world, self._access).routes(),
            *accounting.routes(),
            *self._callbacks.routes(),
            *OnlinePaymentsApi(self._world, self._access).routes(),
            *Site(self._world, acts).routes(),
        ]

    def state(self) -> dict[str, Any]:
        """The whole book: records as the API shows them, and what it never shows."""
        book = self._world.book
        return {
            "identities": [asdict(identity) for identity in book.identities.values()],
            "businesses": [asdict(business) for business in book.businesses.values()],
            "tokens": [asdict(token) for token in book.by_access.values()],
            "codes": [asdict(code) for code in book.codes.values()],
            "accounts": {
                account_id: self._account_state(account)
                for account_id, account in book.accounts.items()
            },
        }

    def _account_state(self, account: Account) -> dict[str, Any]:
        acts = self._acts
        resources: tuple[Resource[Any], ...] = (
            acts.clients,
            acts.invoices,
            acts.payments,
            acts.credit_notes,
            acts.taxes,
        )
        records = {
            resource.plural: [
                resource.render(account, row, ("lines", "credit_balance"))
                for row in resource.rows(account).values()
            ]
            for resource in resources
        }
        callbacks = [
            {**self._callbacks.render(one), "verifier": one.verifier, "failures": one.failures}
            for one in account.callbacks.values()
        ]
        return {
            "account_id": account.account_id,
            "business_id": account.business_id,
            "currency": account.currency,
            **records,
            "callbacks": callbacks,
            "callbacks_stopped": account.callbacks_stopped,
            "stripe_gateway": account.stripe_gateway,
            "emails": account.emails,
        }

    def reset(self) -> None:
        """Empty the book."""
        self._world.reset()
        self._access.windows.reset()

    def act(self, action: dict[str, Any]) -> dict[str, Any]:
        """What a person does."""
        return self._acts.act(action)

    def switches(self) -> dict[str, str]:
        """Open questions and today's answers."""
        return self._world.switches.current()

    def set_switches(self, answers: dict[str, str]) -> None:
        """Change answers."""
        self._world.switches.set(answers)

    def error_response(self, kind: ErrorKind, request: Request) -> Response:
        """FreshBooks' way to say this, in the family asked."""
        problems = {
            "status_429": too_many_requests(RETRY_AFTER_S),
            "status_500": Problem(500, "Internal server error."),
            "error_200": Problem(500, "Internal server error."),
            "no_such_route": Problem(1012, "Requested resource could not be found."),
        }
        response = render_problem(problems[kind], request, self._world.switches)
        if kind != "error_200":
            return response
        return Response(200, response.body, response.headers, response.content_type)
