"""The PostgreSQL server of the tests is real, private and gone afterwards."""

import psycopg2
import sqlalchemy

from pp_pipeline_tests.postgres_server import PostgresDatabase, PostgresServer


def test_each_database_is_empty_and_its_own(
    postgres_server: PostgresServer, postgres_database: PostgresDatabase
) -> None:
    other = postgres_server.create_database()
    with psycopg2.connect(other.url) as connection, connection.cursor() as cursor:
        cursor.execute("create table seen_only_here (number integer)")
    with psycopg2.connect(postgres_database.url) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_tables where schemaname = 'public'")
        assert cursor.fetchone() == (0,)
    postgres_server.drop_database(other)


def test_the_ledger_address_names_the_driver(postgres_database: PostgresDatabase) -> None:
    engine = sqlalchemy.create_engine(postgres_database.sqlalchemy_url)
    with engine.connect() as connection:
        name = connection.execute(sqlalchemy.text("select current_database()")).scalar()
    engine.dispose()
    assert name == postgres_database.name
