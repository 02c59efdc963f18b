"""The one root of every error that a user is meant to read."""


class AdvsepError(Exception):
    """Something the user can act on.

    The message is one sentence that names the thing at fault (a file, an option, a device),
    what was expected, what was found and what to do. Programs print it and exit with code 2.
    """
