"""Tables of the connector, one module per concern."""

from connector.models.discrepancies import Discrepancy
from connector.models.inbox import Delivery, RefusedDelivery
from connector.models.jobs import SyncJob
from connector.models.links import ClientLink, InvoiceLink, InvoiceRevision
from connector.models.payments import CollectedPayment, OutsidePayment
from connector.models.polling import PollFeed
from connector.models.vendor_calls import CallCount, RateBucket
from connector.models.writes import VendorWrite

__all__ = [
    "CallCount",
    "ClientLink",
    "CollectedPayment",
    "Delivery",
    "Discrepancy",
    "InvoiceLink",
    "InvoiceRevision",
    "OutsidePayment",
    "PollFeed",
    "RateBucket",
    "RefusedDelivery",
    "SyncJob",
    "VendorWrite",
]
