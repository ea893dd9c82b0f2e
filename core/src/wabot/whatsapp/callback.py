"""What travels with a message as `biz_opaque_callback_data` and comes back with each of its statuses."""


def callback_of(outbox: int) -> str:
    """Our id, and nothing about anybody."""
    return f"wabot:{outbox}"


def outbox_id(callback: str) -> int | None:
    """Our id, as a status gave it back; None if it is not ours."""
    prefix, _, number = callback.partition(":")
    return int(number) if prefix == "wabot" and number.isdecimal() and len(number) < 19 else None
