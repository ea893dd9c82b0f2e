"""wabot: many corporate WhatsApp chatbots, every conversation flow a plugin.

This page is the public API for plugin authors. A plugin imports nothing else of the core, except `wabot.testing`
in its tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wabot import spared as _spared
from wabot.contents import (
    Contact,
    Contacts,
    File,
    Form,
    Location,
    Media,
    Order,
    OrderItem,
    Referral,
    Telephone,
)
from wabot.errors import NoFile, NoFileYet, NotUnderstood
from wabot.flow import Ask, Chatbot, Choose, Cliente, Context, End, Files, Flow, Go, Handover, Option, Outcome
from wabot.hookspecs import hookimpl
from wabot.message import (
    AudioMessage,
    ContactsMessage,
    DocumentMessage,
    ImageMessage,
    Inbound,
    LocationMessage,
    ReactionMessage,
    StickerMessage,
    TemplateMessage,
    TextMessage,
    VideoMessage,
)
from wabot.parts import (
    AdminTable,
    BotContext,
    Campaign,
    Filter,
    Horario,
    Html,
    Job,
    Override,
    PageContext,
    Planilha,
    PluginPage,
    Privacy,
    Reais,
    Recipient,
    Recorded,
    Say,
    Secret,
    Sink,
    Versioned,
)
from wabot.text import clean, fold, reais

if TYPE_CHECKING:  # these need the database or the web framework, which the command line should not wait for
    from wabot.db.engine import DB
    from wabot.legacy.taking import Legacy, LegacyKind
    from wabot.legacy.values import Unfit
    from wabot.mailings import Mailing
    from wabot.web.rest import Access, Created, Invalid, Listing, Page, sorted_by

_spared.spare()  # before any library is imported

_ON_DEMAND = {
    "DB": "wabot.db.engine",
    "Mailing": "wabot.mailings",
    "Legacy": "wabot.legacy.taking",
    "LegacyKind": "wabot.legacy.taking",
    "Unfit": "wabot.legacy.values",
    "Access": "wabot.web.rest",
    "Created": "wabot.web.rest",
    "Invalid": "wabot.web.rest",
    "Listing": "wabot.web.rest",
    "Page": "wabot.web.rest",
    "sorted_by": "wabot.web.rest",
}

__all__ = [
    "DB",
    "Access",
    "AdminTable",
    "Ask",
    "AudioMessage",
    "BotContext",
    "Campaign",
    "Chatbot",
    "Choose",
    "Cliente",
    "Contact",
    "Contacts",
    "ContactsMessage",
    "Context",
    "Created",
    "DocumentMessage",
    "End",
    "File",
    "Files",
    "Filter",
    "Flow",
    "Form",
    "Go",
    "Handover",
    "Horario",
    "Html",
    "ImageMessage",
    "Inbound",
    "Invalid",
    "Job",
    "Legacy",
    "LegacyKind",
    "Listing",
    "Location",
    "LocationMessage",
    "Mailing",
    "Media",
    "NoFile",
    "NoFileYet",
    "NotUnderstood",
    "Option",
    "Order",
    "OrderItem",
    "Outcome",
    "Override",
    "Page",
    "PageContext",
    "Planilha",
    "PluginPage",
    "Privacy",
    "ReactionMessage",
    "Reais",
    "Recipient",
    "Recorded",
    "Referral",
    "Say",
    "Secret",
    "Sink",
    "StickerMessage",
    "Telephone",
    "TemplateMessage",
    "TextMessage",
    "Unfit",
    "Versioned",
    "VideoMessage",
    "clean",
    "fold",
    "hookimpl",
    "reais",
    "sorted_by",
]


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return getattr(import_module(_ON_DEMAND[name]), name)
    raise AttributeError(f"module 'wabot' has no attribute {name!r}")
