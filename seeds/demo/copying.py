"""Rows into a table by COPY: a hundred times as fast as an INSERT per row."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from geoalchemy2 import WKBElement
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from core.models import Base


def copy_rows(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows are in the table, in this session's transaction. All of them name the same columns.

    JSON goes in as dicts and lists of dicts.
    """
    columns = list(rows[0])
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    connection = cast(psycopg.Connection, session.connection().connection.driver_connection)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_sent(row[column]) for column in columns])


def _sent(value: Any) -> Any:
    if isinstance(value, WKBElement):
        return value.desc  # hexadecimal, as PostGIS reads geometry from text
    return Jsonb(value) if isinstance(value, dict | list) else value
