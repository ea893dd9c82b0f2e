"""The pages of one chatbot, in the order in which people see them. Whoever has a page adds it here."""

from collections.abc import Iterable, Sequence

import msgspec

from wabot.parts import Bound, Papel, PluginPage
from wabot.people import Person


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


def pages_for(person: Person, chatbot: int, of_plugins: Iterable[Bound[PluginPage]] = ()) -> list[PanelLink]:
    """What this person may open at this chatbot: the panel's own pages, then those of its plugins."""
    pages = [*_pages.values(), *map(_entry, of_plugins)]
    return [
        PanelLink(f"/painel/{chatbot}/{page.path}", page.title)
        for page in pages
        if person.may(chatbot, page.papel)
    ]


def here(links: Sequence[PanelLink], path: str) -> str:
    """The entry that a page belongs to: the one whose address it has, or begins with."""
    around = [link.href for link in links if f"{path.rstrip('/')}/".startswith(link.href)]
    return max(around, key=len, default="")


def _entry(bound: Bound[PluginPage]) -> PanelPage:
    page = bound.value
    path = f"{bound.plugin}/{page.path}/" if page.path else f"{bound.plugin}/"
    return PanelPage(path, f"{page.icon} {page.title}".strip(), page.papel)


add(PanelPage("", "Visão geral"), PanelPage("plugins/", "Plugins"))
