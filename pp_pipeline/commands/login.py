"""Who gives a command."""

import getpass

from pp_pipeline.settings import SettingsError


def login_name() -> str:
    """The name of this login, to be written down with what it decides.

    Raises:
        SettingsError: it has none.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise SettingsError("this login has no name to write down; say --by NAME") from None
