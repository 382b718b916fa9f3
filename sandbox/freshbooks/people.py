"""Making businesses, logins and memberships."""

from sandbox.freshbooks.book import Account, Business, Identity, Membership
from sandbox.freshbooks.world import World

ACCOUNT_ROLE_OF = {
    "owner": "admin",
    "business_partner": "admin",
    "business_manager": "business_manager",
    "business_employee": "business_employee",
    "business_accountant": "business_accountant",
    "contractor": "contractor",
    "client": "client",
}


def create_business(
    world: World, *, name: str, email: str, currency: str, first_name: str, accounting: bool
) -> tuple[Identity, Business]:
    """A business owned by the login of that e-mail, which is made if it is new."""
    book = world.book
    identity = book.identity_by_email(email) or create_identity(world, email, first_name)
    number = book.next_business_id
    book.next_business_id += 11
    account_id = _free_account_id(world) if accounting else None
    business = Business(number, world.new_uuid(), name, account_id)
    book.businesses[business.id] = business
    add_membership(world, identity, business, "owner")
    if account_id is not None:
        book.accounts[account_id] = Account(account_id, business.id, identity.id, currency)
    return identity, business


def create_identity(world: World, email: str, first_name: str) -> Identity:
    """A new login."""
    book = world.book
    identity = Identity(
        id=book.next_identity_id,
        uuid=world.new_uuid(),
        email=email,
        first_name=first_name,
        last_name="Example",
        created_at=world.now(),
    )
    book.next_identity_id += 7
    book.identities[identity.id] = identity
    return identity


def add_membership(world: World, identity: Identity, business: Business, role: str) -> None:
    """Let an identity into a business."""
    number = world.book.next_membership_id
    world.book.next_membership_id += 3
    membership = Membership(number, business.id, role, ACCOUNT_ROLE_OF[role])
    identity.memberships.append(membership)


def _free_account_id(world: World) -> str:
    while True:
        account_id = world.word(6)
        if account_id not in world.book.accounts:
            return account_id
