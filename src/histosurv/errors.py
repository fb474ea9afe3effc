"""The one exception that a user's mistake raises."""

MISTAKE = "histosurv: "  # opens the line in which a command tells it


class InputError(Exception):
    """Something the user brought is wrong and the user can mend it.

    The message is one line: where (file, row, column), what was found, what to do. The command
    line prints it without a traceback; the workflow shows it before any job starts.
    """
