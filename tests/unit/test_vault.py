"""Secrets at rest."""

import pytest

from wabot.vault import Vault, WrongKey


def test_what_goes_in_comes_out_and_looks_like_nothing_in_between():
    stored = Vault(["a-chave-de-hoje"]).encrypt("token da Meta")
    assert "token" not in stored
    assert Vault(["a-chave-de-hoje"]).decrypt(stored) == "token da Meta"


def test_the_same_secret_never_looks_the_same_twice():
    vault = Vault(["a-chave-de-hoje"])
    assert vault.encrypt("x") != vault.encrypt("x")


def test_a_new_key_in_front_still_reads_what_the_old_one_wrote():
    stored = Vault(["velha"]).encrypt("x")
    assert Vault(["nova", "velha"]).decrypt(stored) == "x"
    with pytest.raises(WrongKey, match="SECRET_KEY"):
        Vault(["nova"]).decrypt(stored)


def test_no_secret_stays_none():
    vault = Vault(["chave"])
    assert vault.decrypt(vault.encrypt("")) == ""
