#!/bin/sh
# Runs once, when the database container makes its files: the same two roles and the same
# database as config/embedded/roles.py. ml_app is neither owner nor superuser, so row-level
# security binds it. The grants go into template1, so that every later database has them.
set -eu
: "${DATABASE_OWNER_PASSWORD:?}" "${DATABASE_APP_PASSWORD:?}"

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname template1 \
    --set owner_password="$DATABASE_OWNER_PASSWORD" \
    --set application_password="$DATABASE_APP_PASSWORD" <<'SQL'
CREATE ROLE ml_owner LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS CREATEDB
    PASSWORD :'owner_password';
CREATE ROLE ml_app LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS NOCREATEDB
    PASSWORD :'application_password';
ALTER DEFAULT PRIVILEGES FOR ROLE ml_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ml_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ml_owner GRANT USAGE, SELECT ON SEQUENCES TO ml_app;
SQL
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --command "CREATE DATABASE ml_connector OWNER ml_owner"
