"""What can go wrong in words people can act on. The class says what happened; the message says what to do."""


class WabotError(Exception):
    """Base of everything wabot raises on purpose. Its text may be shown to a person."""


class BadSetting(WabotError):
    """An environment variable has a value that cannot be used."""


class Away(WabotError, ConnectionError):
    """The database cannot be reached, or cannot do its work now. Nobody's fault: what was asked may be asked again."""


class NotUnderstood(WabotError):
    """An answer that does not fit the question. Its text is the hint the customer reads."""


class FlowFault(WabotError):
    """A plugin's flow did something it must not do. Its text names the flow and the etapa."""


class PluginFailed(FlowFault):
    """A plugin's code failed in a turn; the cause is what it raised. `skippable`: the turn can do without it."""

    def __init__(self, plugin: str, cause: Exception, *, skippable: bool = False) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.plugin, self.skippable = plugin, skippable
        self.__cause__ = cause


def reason_of(error: Exception, most: int = 500) -> str:
    """What is written down about a failure: for operators, in a row, never in a log."""
    return (str(error) if isinstance(error, PluginFailed) else f"{type(error).__name__}: {error}")[:most]


class NewerState(WabotError):
    """A newer release of the flow wrote this state: a process that runs that release has to answer."""


class NoFile(WabotError):
    """A file that cannot be read: it was never fetched, has expired or was erased. Its text says which."""


class NoFileYet(NoFile):
    """A customer's file that is still being fetched: seconds, as a rule."""
