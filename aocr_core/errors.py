"""What can go wrong in a way that a user can mend. The command line prints the message and nothing else."""


class AocrError(Exception):
    """The work failed: a broken file, an empty data set, a model of another configuration (exit code 1)."""

    exit_code = 1


class UsageError(AocrError):
    """The request itself was wrong: an unknown option value, a path that is not there (exit code 2)."""

    exit_code = 2
