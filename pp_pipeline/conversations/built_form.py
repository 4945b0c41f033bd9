"""Whether the warehouse has its tables of conversations in the form of this version of the program."""

from pp_pipeline.warehouse import Connection, WarehouseError

_NEWEST_COLUMNS = {
    "planned_messages": "drawn_occurrence",
    "all_events": "conversation",
    "conversation_atoms": "from_visit",
}
"""By table, a column that it has only in today's form."""


def check_form(connection: Connection) -> None:
    """Refuse a plan that an earlier version built: read by this one it would look as if its events were gone.

    Raises:
        WarehouseError: says to build it anew.
    """
    if not connection.table_exists("planned_messages"):
        return
    for table, column in _NEWEST_COLUMNS.items():
        columns = connection.columns(table)
        if column not in columns and (columns or table == "all_events"):
            raise WarehouseError(
                "the conversations' tables in the warehouse are of an earlier version of this program: `pp run` builds "
                "them anew, in one pass"
            )
