"""The two database roles and the database, the same as docker/postgres-init.sh makes.

`ml_owner` owns the database and runs migrations. `ml_app` is what the application connects with:
neither owner nor superuser, so row-level security binds it.
"""

import psycopg
from psycopg import sql

OWNER = "ml_owner"
APPLICATION = "ml_app"
DATABASE = "ml_connector"
_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_GRANT_TABLES = (
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner}"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application}"
)
_GRANT_SEQUENCES = (
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {application}"
)


def ensure_roles(superuser_url: str, *, owner_password: str, application_password: str) -> None:
    """Make both roles and the database, or give existing roles these passwords.

    The grants go into `template1`, so that every database made later, those of tests included,
    starts with them.
    """
    with psycopg.connect(f"{superuser_url}/template1", autocommit=True) as connection:
        _ensure_role(connection, OWNER, f"{_ATTRIBUTES} CREATEDB", owner_password)
        _ensure_role(connection, APPLICATION, f"{_ATTRIBUTES} NOCREATEDB", application_password)
        for grant in (_GRANT_TABLES, _GRANT_SEQUENCES):
            connection.execute(_with_roles(grant))
    with psycopg.connect(f"{superuser_url}/postgres", autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(DATABASE), sql.Identifier(OWNER)
                )
            )


def _ensure_role(connection: psycopg.Connection, name: str, attributes: str, password: str) -> None:
    """Create a role, or set an existing one to these attributes and this password."""
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = "ALTER" if found else "CREATE"
    # One of our own constants, never input: role attributes cannot be bound as parameters.
    statement = sql.SQL(f"{verb} ROLE {{}} {attributes} PASSWORD {{}}")
    connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def _with_roles(statement: str) -> sql.Composed:
    """A statement of ours with the names of both roles filled in."""
    return sql.SQL(statement).format(
        owner=sql.Identifier(OWNER), application=sql.Identifier(APPLICATION)
    )
