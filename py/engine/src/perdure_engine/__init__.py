"""Perdure's way into Postgres: pool, migrations, embedded server, one typed call per SQL function."""
