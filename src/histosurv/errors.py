"""The one exception that a user's mistake raises."""

MISTAKE = "histosurv: "  # opens the line in which a command tells it


class InputError(Exception):
    """Something the user brought is wrong and the user can mend it.

    The message is one line: where (file, row, column), what was found, what to do. The command
    line prints it without a traceback; the workflow shows it before any job starts.

    Parameters
    ----------
    message : str
        That line; letters of a name that would end it, or steer a terminal, are written as escapes.
    code : str
        Reason code for the quality table, where one spot is wrong and the others go on.
    """

    def __init__(self, message: str, code: str = "unreadable") -> None:
        told = (of if of.isprintable() else of.encode("unicode_escape").decode() for of in message)
        super().__init__("".join(told))
        self.code = code
