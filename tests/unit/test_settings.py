"""What is configured from outside: defaults, refusals in words, the generated key."""

import pytest

from wabot.errors import BadSetting
from wabot.settings import load

KEY = "uma-chave-bem-comprida"


def settings(tmp_path, **environ):
    return load({"WABOT_HOME": str(tmp_path), **environ})


def test_with_nothing_set_everything_is_embedded(tmp_path):
    found = settings(tmp_path)
    assert (found.external_database, found.redis_url) == (False, "")
    assert (found.host, found.port, found.timezone) == ("127.0.0.1", 8000, "America/Sao_Paulo")


def test_a_key_is_generated_once_and_only_its_owner_may_read_it(tmp_path):
    first, second = settings(tmp_path), settings(tmp_path)
    assert first.secret_keys == second.secret_keys
    assert len(first.secret_keys[0]) > 40
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_several_keys_rotate(tmp_path):
    assert settings(tmp_path, SECRET_KEY=f"{KEY}-nova, {KEY}-velha").secret_keys == (
        f"{KEY}-nova",
        f"{KEY}-velha",
    )


@pytest.mark.parametrize(
    "elsewhere", [{"DATABASE_URL": "postgresql://x/y"}, {"PGHOST": "db"}, {"PGDATABASE": "loja"}]
)
def test_a_database_elsewhere_needs_a_key_of_its_own(tmp_path, elsewhere):
    with pytest.raises(BadSetting, match="SECRET_KEY: com DATABASE_URL"):
        settings(tmp_path, **elsewhere)
    assert settings(tmp_path, SECRET_KEY=KEY, **elsewhere).external_database


@pytest.mark.parametrize("url", ["postgresql://h/d", "postgres://h/d", "postgresql+asyncpg://h/d"])
def test_the_usual_spellings_of_a_database_are_taken(tmp_path, url):
    assert settings(tmp_path, SECRET_KEY=KEY, DATABASE_URL=url).database_url.endswith("://h/d")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "oitenta"),
        ("METRICS_PORT", "70000"),
        ("METRICS_TOKEN", "curto"),
        ("DATABASE_URL", "sqlite:///x"),
        ("REDIS_URL", "localhost:6379"),
        ("TIMEZONE", "Marte/Olympus"),
        ("TIMEZONE", "../../etc/passwd"),
        ("LOG_LEVEL", "tudo"),
        ("LOG_FORMAT", "xml"),
        ("DEBUG", "talvez"),
        ("SECRET_KEY", "curta"),
        ("GRAPH_API_URL", "ftp://x"),
    ],
)
def test_a_wrong_value_is_named(tmp_path, variable, value):
    with pytest.raises(BadSetting, match=f"^{variable}: "):
        settings(tmp_path, **{variable: value})


def test_secrets_are_not_in_the_representation(tmp_path):
    found = settings(
        tmp_path, SECRET_KEY=KEY, WHATSAPP_APP_SECRET="segredo", DATABASE_URL="postgresql://u:senha@h/d"
    )
    assert not {KEY, "segredo", "senha"} & set(repr(found).split())
    assert "senha" not in repr(found)


def test_files_are_kept_at_home_or_in_a_bucket(tmp_path):
    assert settings(tmp_path).media_url == ""
    assert settings(tmp_path, MEDIA_URL="s3://balde/wabot/").media_url == "s3://balde/wabot"


@pytest.mark.parametrize("url", ["balde", "https://balde", "s3://", "file:///tmp"])
def test_a_place_for_files_that_is_none_is_refused(tmp_path, url):
    with pytest.raises(BadSetting, match="MEDIA_URL: use s3://balde/pasta"):
        settings(tmp_path, MEDIA_URL=url)


def test_a_bucket_needs_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("wabot.settings.find_spec", lambda name: None)
    with pytest.raises(BadSetting, match=r"pip install 'wabot\[s3\]'"):
        settings(tmp_path, MEDIA_URL="s3://balde")
