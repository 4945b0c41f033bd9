"""What dbt and the database say when a model fails, as it may stand in logs and run histories."""

import re


def without_values(message: str) -> str:
    """A database's error text without what stood in rows: logs and run histories hold no personal data (DESIGN 6).

    Errors of the SQL itself (unknown column, types that can't be compared) stay whole; of errors in the data the
    quoted values go, and PostgreSQL's DETAIL and CONTEXT. Of a table in the form of an earlier version of this program
    it is told what builds it anew; dbt's own advice would lose days.
    """
    if "on_schema_change" in message:
        return (
            "its table has other columns: an earlier version of this program built it. `pp run` builds all its days "
            "anew, in one pass"
        )
    if re.search(r"(Binder|Catalog|Parser|Compilation) Error|does not exist|syntax error", message):
        return message
    kept = re.split(r"^\s*(?:DETAIL|CONTEXT|LINE)\b", message, maxsplit=1, flags=re.MULTILINE)[0]
    return re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", "'...'", kept).strip()
