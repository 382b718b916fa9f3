"""Tables of the connector, one module per concern."""

from connector.models.clock import Clock
from connector.models.closing import ClosedPeriod
from connector.models.discrepancies import Discrepancy
from connector.models.gaps import Gap
from connector.models.inbox import Delivery, RefusedDelivery
from connector.models.jobs import SyncJob
from connector.models.journal import MoneyFact
from connector.models.links import ClientLink, InvoiceLink, InvoiceRevision
from connector.models.listed import ListedInvoice
from connector.models.payments import CollectedPayment, OutsidePayment
from connector.models.plans import Plan, PlanStep
from connector.models.polling import PollFeed
from connector.models.roles import RoleGrant
from connector.models.settlement import BalanceMovement, Payout
from connector.models.stray import Allocation, StrayPayment
from connector.models.vendor_calls import CallCount, RateBucket, VendorIncident
from connector.models.writes import VendorWrite

__all__ = [
    "Allocation",
    "BalanceMovement",
    "CallCount",
    "ClientLink",
    "Clock",
    "ClosedPeriod",
    "CollectedPayment",
    "Delivery",
    "Discrepancy",
    "Gap",
    "InvoiceLink",
    "InvoiceRevision",
    "ListedInvoice",
    "MoneyFact",
    "OutsidePayment",
    "Payout",
    "Plan",
    "PlanStep",
    "PollFeed",
    "RateBucket",
    "RefusedDelivery",
    "RoleGrant",
    "StrayPayment",
    "SyncJob",
    "VendorIncident",
    "VendorWrite",
]
