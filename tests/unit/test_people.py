"""Who may do what, which e-mails are the same, and which passwords will not do."""

import pytest

from wabot.passwords import COMMONEST, LONGEST, SHORTEST, WeakPassword, fits, hashed, outdated, require_strong
from wabot.people import PAPEIS, NotAnEmail, Person, normalised

EMAIL = "ana.souza@loja.com.br"


@pytest.mark.parametrize(
    ("own", "may"),
    [
        ("leitor", {"leitor"}),
        ("operador", {"leitor", "operador"}),
        ("dono", {"leitor", "operador", "dono"}),
    ],
)
def test_a_role_may_what_the_lower_ones_may_and_only_on_its_chatbot(own, may):
    ana = Person(1, EMAIL, roles={7: own})
    assert {papel for papel in PAPEIS if ana.may(7, papel)} == may
    assert not any(ana.may(8, papel) for papel in PAPEIS)
    assert ana.chatbots == {7}


def test_a_superuser_may_everything_everywhere():
    root = Person(1, EMAIL, superuser=True)
    assert all(root.may(8, papel) for papel in PAPEIS)
    assert root.chatbots is None


@pytest.mark.parametrize(
    "written", [" Ana.Souza@Loja.com.br\n", "ANA.SOUZA@LOJA.COM.BR", "ana.souza＠loja.com.br"]
)
def test_an_email_is_the_same_in_any_case_and_width(written):
    assert normalised(written) == EMAIL


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ana",
        "ana@loja",
        "ana@@loja.com",
        "ana souza@loja.com",
        "<ana@loja.com>",
        "ana\x00@loja.com",
        f"{'a' * 250}@b.co",
    ],
)
def test_what_is_no_email_is_said(written):
    with pytest.raises(NotAnEmail, match="não parece um e-mail"):
        normalised(written)


@pytest.mark.parametrize(
    ("senha", "said"),
    [
        ("curta", "pelo menos 10"),
        ("x" * (LONGEST + 1), "no máximo 200"),
        (EMAIL.upper(), "não pode ser o seu e-mail"),
        ("ana.souza", "pelo menos 10"),
        ("Senha123456", "das primeiras"),
        ("aaaaaaaaaaaa", "das primeiras"),
        ("1212121212", "das primeiras"),
    ],
)
def test_a_weak_password_is_refused_with_what_to_do(senha, said):
    with pytest.raises(WeakPassword, match=said):
        require_strong(senha, EMAIL)


@pytest.mark.parametrize("senha", ["três pratos de trigo", "correct horse", "k7#mPq2!vX"])
def test_a_good_password_is_taken(senha):
    require_strong(senha, EMAIL)


def test_the_list_of_the_commonest_holds_none_that_is_too_short_anyway():
    assert {word for word in COMMONEST if len(word) < SHORTEST or word != word.casefold()} == set()


async def test_what_is_kept_is_not_the_password_and_fits_only_it():
    kept = await hashed("três pratos de trigo")
    assert kept.startswith("$argon2id$")
    assert await fits(kept, "três pratos de trigo")
    assert await fits(kept, "tre\u0302s pratos de trigo")  # the accent typed as a character of its own
    assert not await fits(kept, "tres pratos de trigo")
    assert not await fits(None, "the password of nobody")
    assert not await fits("rubbish", "três pratos de trigo")


async def test_a_password_kept_with_other_parameters_is_due_for_a_new_hash():
    assert outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$Jc1CmFCHkhpFqOoQJSNT1w")
    assert not outdated(await hashed("três pratos de trigo"))
