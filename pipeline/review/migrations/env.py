"""How Alembic reaches the store: the engine is handed over, never read from a file."""

from alembic import context
from sqlalchemy import text

from pipeline.review.store import METADATA

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))  # the second of two that open a new store waits here
    else:
        connection.execute(text("SELECT pg_advisory_lock(7311043)"))
        connection.commit()
    context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()
    if engine.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_unlock(7311043)"))
        connection.commit()
