"""Alembic's entry: runs the migrations in the transaction that `Ledger` has begun, all or none.

`alembic` on the command line is not used; opening a ledger migrates it.
"""

from alembic import context

from pp_pipeline.ledger import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
