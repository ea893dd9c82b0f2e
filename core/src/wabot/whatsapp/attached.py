"""Files, places and cards as Meta's JSON."""

from typing import Any, NamedTuple

from wabot.contents import Contact, File, Location, Telephone
from wabot.message import (
    CAPTION_LIMIT,
    AudioMessage,
    DocumentMessage,
    FileMessage,
    ImageMessage,
    VideoMessage,
)
from wabot.whatsapp.limits import fitting

MB = 1024 * 1024
NAME_LIMIT = 1024


class _Class(NamedTuple):
    """What Meta takes of one class of files: content types (none: any) and bytes."""

    formats: frozenset[str]
    most: int


_AUDIO = {"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}
_CLASSES = {
    "image": _Class(frozenset({"image/jpeg", "image/png"}), 5 * MB),
    "video": _Class(frozenset({"video/mp4", "video/3gpp"}), 16 * MB),
    "audio": _Class(frozenset(_AUDIO), 16 * MB),
    "document": _Class(frozenset(), 100 * MB),
    "sticker": _Class(frozenset({"image/webp"}), 500 * 1024),
}


def filed(message: FileMessage, media_id: str) -> dict[str, Any]:
    """A file by its id at Meta, or by a link that Meta fetches itself."""
    kind = str(type(message).__struct_config__.tag)
    content: dict[str, Any] = {**_source(kind, message, media_id)}
    match message:
        case ImageMessage(caption=caption) | VideoMessage(caption=caption) | DocumentMessage(caption=caption):
            if caption:
                content["caption"] = fitting("caption", caption, CAPTION_LIMIT)
        case AudioMessage(voice=True):
            content["voice"] = True
    if isinstance(message, DocumentMessage) and (name := _filename(message)):
        content["filename"] = name
    return {"type": kind, kind: content}


def _source(kind: str, message: FileMessage, media_id: str) -> dict[str, str]:
    if message.file is None:
        return linked(message.link)
    if message.link:
        raise ValueError(f"{kind}: give a link or a file, not both")
    _check_file(kind, message.file)
    if isinstance(message, AudioMessage) and message.voice and message.file.mime_type != "audio/ogg":
        raise ValueError(f"voice: {message.file.mime_type}, a voice note has to be OGG with Opus")
    if not media_id:
        raise ValueError(f"{kind}: the file has not been uploaded")
    return {"id": media_id}


def _check_file(kind: str, file: File) -> None:
    formats, most = _CLASSES[kind]
    if formats and file.mime_type not in formats:
        raise ValueError(f"{kind}: {file.mime_type}, Meta takes {', '.join(sorted(formats))}")
    if file.size > most:
        raise ValueError(f"{kind}: {file.size} bytes, at most {most} allowed")


def _filename(message: DocumentMessage) -> str:
    return message.filename or (message.file.filename if message.file else "")


def linked(link: str) -> dict[str, str]:
    """Meta fetches the file itself."""
    if not link.startswith(("https://", "http://")):
        raise ValueError("link: not an http(s) URL")
    return {"link": link}


def location(place: Location) -> dict[str, Any]:
    for name, degrees, most in (("latitude", place.latitude, 90), ("longitude", place.longitude, 180)):
        if not abs(degrees) <= most:  # NaN compares with nothing
            raise ValueError(f"{name}: not from -{most} to {most}")
    told = {"name": place.name, "address": place.address}
    return {
        "latitude": place.latitude,
        "longitude": place.longitude,
        **{key: words for key, words in told.items() if words},
    }


def card(card: Contact) -> dict[str, Any]:
    """Meta wants a part of the name besides the whole of it."""
    name = fitting("contact name", card.name, NAME_LIMIT)
    shown: dict[str, Any] = {"name": {"formatted_name": name, "first_name": name.split()[0]}}
    if card.phones:
        shown["phones"] = [_phone(phone) for phone in card.phones]
    if card.emails:
        shown["emails"] = [{"email": email} for email in card.emails]
    if card.company:
        shown["org"] = {"company": card.company}
    return shown


def _phone(phone: Telephone) -> dict[str, str]:
    told = {"phone": phone.number, "wa_id": phone.wa_id, "type": phone.type}
    return {key: words for key, words in told.items() if words}
