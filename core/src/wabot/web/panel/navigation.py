"""The pages of one chatbot, in the order in which people see them. Whoever has a page adds it here."""

import msgspec

from wabot.people import Papel, Person


class PanelPage(msgspec.Struct, frozen=True):
    """One entry of the navigation."""

    path: str
    """Under `/painel/{chatbot}/`, with a slash at its end; empty: the first page."""
    title: str
    papel: Papel = "leitor"
    """Who gets to see it: this role or a higher one."""


class PanelLink(msgspec.Struct, frozen=True):
    """An entry as one person sees it at one chatbot."""

    href: str
    title: str


_pages: dict[str, PanelPage] = {}


def add(*pages: PanelPage) -> None:
    """Put pages at the end of the navigation; one at a path that is there already takes its place."""
    _pages.update((page.path, page) for page in pages)


def pages_for(person: Person, chatbot: int) -> list[PanelLink]:
    """What this person may open at this chatbot."""
    return [
        PanelLink(f"/painel/{chatbot}/{page.path}", page.title)
        for page in _pages.values()
        if person.may(chatbot, page.papel)
    ]


add(PanelPage("", "Visão geral"), PanelPage("plugins/", "Plugins"))
