"""Where somebody goes after signing in: back to a page of ours, and nowhere else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wabot.web.panel.places import HOME, chat_address, safe_next


@pytest.mark.parametrize(
    "wanted", ["/painel/", "/painel/7/plugins/?ver=tudo&p=2", "/admin/", "/admin/#/cliente"]
)
def test_a_page_of_ours_is_gone_back_to(wanted):
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "painel/",
        "https://mau.example/painel/",
        "//mau.example/painel/",
        "/\\mau.example/painel/",
        "/painel/\\..\\..\\",
        "/painel/../../api/",
        "/painel/\r\nSet-Cookie: a=b",
        "/painelista/",
        "/api/clientes/",
        "/painel/entrar/?next=/painel/entrar/",
        "javascript:alert(1)",
        "/painel/" + "x" * 500,
    ],
)
def test_anything_else_becomes_the_first_page(wanted):
    assert safe_next(wanted) == HOME


@given(st.text())
@example("/painel/\x00")
@example("/painel/\u2028")
def test_nothing_leads_elsewhere_or_into_a_header(wanted):
    place = safe_next(wanted)
    assert place.startswith(("/painel/", "/admin/"))
    assert place.isascii()
    assert place.isprintable()


def test_a_chatbot_is_tried_on_whatsapp_or_with_what_stands_in_for_it():
    assert chat_address("http://127.0.0.1:8001", "5511900000000") == "http://127.0.0.1:8001/"
    tried = chat_address("https://graph.facebook.com", "5511900000000", "quero uma mesa")
    assert tried == "https://wa.me/5511900000000?text=quero%20uma%20mesa"
