"""What can go wrong in words people can act on. The class says what happened; the message says what to do."""


class WabotError(Exception):
    """Base of everything wabot raises on purpose. Its text may be shown to a person."""


class BadSetting(WabotError):
    """An environment variable has a value that cannot be used."""


class NotUnderstood(WabotError):
    """An answer that does not fit the question. Its text is the hint the customer reads."""


class FlowFault(WabotError):
    """A plugin's flow did something it must not do. Its text names the flow and the etapa."""
