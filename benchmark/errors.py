"""What a user did wrong or what is wrong with their files, said in one line."""


class CoopbenchError(Exception):
    """A fault the user can mend; the message says what is wrong, where, and what to do.

    The command line prints the message without a traceback and exits with code 1.
    """


class UsageError(CoopbenchError):
    """The command or its options are wrong; the command line exits with code 2."""
