"""The one error that a reader of score files has to expect."""


class ScoreFileError(ValueError):
    """A score file cannot be used; one line says which file, what is wrong and what to do."""
