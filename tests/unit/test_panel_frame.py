"""The panel's navigation and guards, without a browser."""

from types import SimpleNamespace

import pytest
from litestar.exceptions import PermissionDeniedException

from wabot.people import Person
from wabot.web.panel import navigation
from wabot.web.panel.guards import needs
from wabot.web.panel.navigation import PanelLink, PanelPage

ANA = Person(1, "ana@loja.com.br", roles={7: "operador"})


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.setattr(navigation, "_pages", {})


def test_a_page_is_shown_to_whom_may_open_it_at_this_chatbot(pages):
    navigation.add(PanelPage("", "Visão geral"), PanelPage("pessoas/", "Pessoas", papel="dono"))
    assert navigation.pages_for(ANA, 7) == [PanelLink("/painel/7/", "Visão geral")]
    assert navigation.pages_for(ANA, 8) == []


def test_a_page_takes_the_place_of_the_one_at_the_same_path(pages):
    navigation.add(PanelPage("", "Visão geral"), PanelPage("plugins/", "Plugins"))
    navigation.add(PanelPage("", "Início"))
    assert [link.title for link in navigation.pages_for(ANA, 7)] == ["Início", "Plugins"]


async def test_a_guard_lets_in_whoever_has_the_role_and_says_to_others_which_one_it_takes():
    connection = SimpleNamespace(user=ANA, path_params={"chatbot_id": 7})
    await needs("operador")(connection, None)
    with pytest.raises(PermissionDeniedException, match="ser dono deste chatbot"):
        await needs("dono")(connection, None)
