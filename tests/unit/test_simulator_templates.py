"""Templates at the simulated Meta: made, named, checked, filled in."""

import pytest

from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.screen import bubble_of
from wabot.testing.simulator.templates import Templates

WABA = "300000000000001"
SAUDADE = {
    "name": "saudade",
    "language": "pt_BR",
    "category": "MARKETING",
    "components": [
        {"type": "HEADER", "format": "TEXT", "text": "Oi, {{1}}!"},
        {"type": "BODY", "text": "Faz {{2}} dias que você não vem, {{1}}."},
        {"type": "FOOTER", "text": "Responda SAIR para não receber mais"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Quero pedir"},
                {"type": "URL", "text": "Cardápio", "url": "https://loja.example/{{1}}"},
            ],
        },
    ],
}


def parameters(*words: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": word} for word in words]


def send(name: str = "saudade", language: str = "pt_BR", **parts: list[dict[str, str]]) -> dict:
    components = [{"type": kind, "parameters": given} for kind, given in parts.items()]
    return {"name": name, "language": {"code": language}, "components": components}


@pytest.fixture
def templates() -> Templates:
    known = Templates()
    known.add(WABA, SAUDADE)
    return known


def test_the_customer_sees_it_filled_in(templates):
    content = send(header=parameters("Ana"), body=parameters("Ana", "40"))
    content["components"] += [
        {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"payload": "pedir:1"}]},
        {"type": "button", "sub_type": "url", "index": 1, "parameters": parameters("ana")},
    ]
    bubble = bubble_of("wamid.1", {"type": "template", "template": content}, templates.sent(WABA, content))
    assert (bubble.header, bubble.text) == ("Oi, Ana!", "Faz 40 dias que você não vem, Ana.")
    assert bubble.footer == "Responda SAIR para não receber mais"
    assert [(b.id, b.title, b.url) for b in bubble.buttons] == [
        ("pedir:1", "Quero pedir", ""),
        ("", "Cardápio", "https://loja.example/ana"),
    ]
    assert bubble.options == ["Quero pedir"]  # a link is followed, not answered with


def test_parameters_may_have_names():
    templates = Templates()
    components = [{"type": "BODY", "text": "Olá, {{nome}}"}]
    templates.add(WABA, SAUDADE | {"name": "ola", "components": components})
    content = send("ola", body=[{"type": "text", "parameter_name": "nome", "text": "Ana"}])
    bubble = bubble_of("wamid.1", {"type": "template", "template": content}, templates.sent(WABA, content))
    assert bubble.text == "Olá, Ana"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (send("adeus"), 132001),
        (send(language="en_US"), 132001),
        (send(header=parameters("Ana"), body=parameters("Ana")), 132000),  # one of two
        (send(body=parameters("Ana", "40")), 132000),  # the header's is missing
    ],
)
def test_what_does_not_fit_the_template_is_refused(templates, content, code):
    with pytest.raises(GraphError) as refused:
        templates.sent(WABA, content)
    assert refused.value.code == code


def test_an_account_without_templates_takes_any_name_unless_strict():
    assert Templates().sent(WABA, send("qualquer")) is None
    with pytest.raises(GraphError):
        Templates(strict=True).sent(WABA, send("qualquer"))


@pytest.mark.parametrize(
    "template",
    [
        "saudade",
        {"name": "saudade"},
        SAUDADE | {"name": "Saudade!"},
        SAUDADE | {"category": "SPAM"},
        SAUDADE,  # there already
    ],
    ids=["no object", "no language", "a name with capitals", "an unknown category", "twice"],
)
def test_a_template_that_cannot_be_made(templates, template):
    with pytest.raises(GraphError) as refused:
        templates.add(WABA, template)
    assert refused.value.code == 100


def test_a_template_is_removed_in_all_languages(templates):
    templates.add(WABA, SAUDADE | {"language": "es"})
    templates.remove(WABA, "saudade")
    assert templates.of(WABA) == []
