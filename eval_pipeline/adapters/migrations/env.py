"""Run by Alembic: migrates over the connection and inside the transaction that it is given."""

from alembic import context

from eval_pipeline.adapters.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    compare_type=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
