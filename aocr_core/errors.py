"""What can go wrong in a way that a user can mend. The command line prints the message and nothing else."""


class AocrError(Exception):
    """The work failed: a broken file, an empty data set, a model of another configuration (exit code 1)."""

    exit_code = 1


class UsageError(AocrError):
    """The request itself was wrong: an unknown option value, a path that is not there (exit code 2)."""

    exit_code = 2


class FinalError(AocrError):
    """What has been done so far is of no use: going on with it would end in the same."""


class LostError(AocrError):
    """Another process of the same work has gone; started again, all of it may go well.

    The exit code is that of a process that was told to end (SIGTERM): what looks after processes, as Vertex AI does,
    takes 1 for a mistake in the program, and this for something that passes.
    """

    exit_code = 143
