#!/bin/sh
# Run once by the image of PostgreSQL, on an empty data folder: two databases, each with an owner of
# its own who cannot see the other. Passwords come from files and are never in a command line.
set -eu

create() {
  owner="$1" password_file="$2"
  psql --quiet --set ON_ERROR_STOP=1 --set owner="$owner" --username "$POSTGRES_USER" <<SQL
\\set secret \`cat $password_file\`
CREATE ROLE :"owner" LOGIN PASSWORD :'secret';
CREATE DATABASE :"owner" OWNER :"owner";
REVOKE ALL ON DATABASE :"owner" FROM PUBLIC;
SQL
}

create dagster /run/secrets/dagster_pg_password
create eval_store /run/secrets/store_password
