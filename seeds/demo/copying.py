"""Rows into a table by COPY: a hundred times as fast as an INSERT per row."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import psycopg
from geoalchemy2 import WKBElement
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from core.models import Base


def copy_rows(session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows are in the table, in this session's transaction. All of them name the same columns.

    JSON goes in as dicts and lists, arrays as lists; which of the two a list is, the column says.
    """
    columns = list(rows[0])
    json = {column.name for column in table.__table__.columns if isinstance(column.type, JSONB)}
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    connection = cast(psycopg.Connection, session.connection().connection.driver_connection)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([_sent(row[column], column in json) for column in columns])


def _sent(value: Any, is_json: bool) -> Any:
    if isinstance(value, WKBElement):
        return value.desc  # hexadecimal, as PostGIS reads geometry from text
    return Jsonb(value) if is_json and value is not None else value
