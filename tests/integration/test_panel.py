"""The panel over HTTP: who is let in, who is kept out, and what a browser is told not to do."""

import contextlib
import re

import pytest
import pytest_asyncio
from tests.live import add_bot, platform
from tests.visitor import SENHA, Visitor, add_person

from wabot import people, sessions
from wabot.db.engine import DB

ANA = "ana@loja.com.br"


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(platform(database_uri, tmp_path, worker=False, plugin=None))
        running.other = await add_bot(running.process.settings, "Padaria", phone_number_id="2")

        def visitor() -> Visitor:
            visitor = Visitor(running.url)
            stack.push_async_callback(visitor.close)
            return visitor

        running.visitor = visitor
        yield running


@pytest_asyncio.fixture
async def ana(office):
    """Dona of the first chatbot, signed in."""
    office.ana = await add_person(ANA, dono=office.bot.id)
    visitor = office.visitor()
    assert (await visitor.signs_in(ANA)).status_code == 303
    return visitor


def error_at(page, field):
    found = re.search(rf'id="{field}-erro"[^>]*>([^<]+)<', page.text)
    return found[1] if found else None


# -- coming in -----------------------------------------------------------------------------------------------


async def test_whoever_is_not_signed_in_is_asked_to_and_comes_back_to_where_they_were_going(office):
    await add_person(ANA, dono=office.bot.id)
    visitor = office.visitor()
    wanted = f"/painel/{office.bot.id}/plugins/?ver=tudo"
    refused = await visitor.get(wanted)
    assert refused.status_code == 303
    asked = await visitor.get(refused.headers["location"])
    [back] = re.findall(r'name="next" value="([^"]+)"', asked.text)
    assert (await visitor.signs_in(ANA, next=back)).headers["location"] == wanted
    assert (await visitor.get(wanted)).status_code == 200


@pytest.mark.parametrize(
    "next", ["https://mau.example/", "//mau.example/", "/\\mau.example", "/painel/../api/"]
)
async def test_signing_in_leads_to_no_other_site(office, next):
    await add_person(ANA, dono=office.bot.id)
    assert (await office.visitor().signs_in(ANA, next=next)).headers["location"] == "/painel/"


async def test_the_email_may_be_written_in_any_case_and_with_spaces(office):
    await add_person(" Ana@Loja.com.BR ", dono=office.bot.id)
    assert (await office.visitor().signs_in("ANA@loja.com.br ")).status_code == 303


@pytest.mark.parametrize(
    ("email", "senha"),
    [(ANA, "outra senha"), ("ninguem@loja.com.br", SENHA), ("não é e-mail", SENHA), (ANA, "x" * 5000)],
)
async def test_a_wrong_email_and_a_wrong_password_look_the_same_and_the_email_is_kept(office, email, senha):
    await add_person(ANA)
    visitor = office.visitor()
    answer = await visitor.signs_in(email, senha)
    assert answer.status_code == 400
    assert error_at(answer, "senha") == "E-mail ou senha não conferem."
    assert f'value="{email}"' in answer.text
    assert senha not in answer.text
    assert visitor.session is None


async def test_an_empty_form_says_at_each_field_what_is_missing(office):
    answer = await office.visitor().signs_in(" ", "")
    assert error_at(answer, "email") == "Escreva o seu e-mail."
    assert error_at(answer, "senha") == "Escreva a sua senha."


async def test_guessing_is_slowed_down_even_for_the_right_password_and_for_nobodys_email(office):
    await add_person(ANA)
    for email in (ANA, "ninguem@loja.com.br"):
        for _ in range(5):
            assert (await office.visitor().signs_in(email, "um palpite")).status_code == 400
        refused = await office.visitor().signs_in(email, SENHA)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 181
        assert error_at(refused, "email") == "Foram muitas tentativas. Espere 3 minutos e tente de novo."


async def test_guessing_many_emails_from_one_address_is_slowed_down(office):
    await DB.execute("UPDATE sign_in_throttle SET full_until = now() + interval '1 day'")
    visitor = office.visitor()
    answers = [(await visitor.signs_in(f"p{n}@loja.com.br", "palpite")).status_code for n in range(31)]
    assert answers == [400] * 30 + [429]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(office):
    await add_person(ANA)
    [cookie] = [
        value
        for value in (await office.visitor().signs_in(ANA)).headers.get_list("set-cookie")
        if value.startswith("wabot_session=")
    ]
    flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert "secure" not in flags  # plain HTTP, as on one's own machine: a browser would not send it back


async def test_over_https_through_a_proxy_both_cookies_are_for_https_only(office):
    await add_person(ANA)
    visitor = office.visitor()
    visitor.http.headers["X-Forwarded-Proto"] = "https"
    shown = await visitor.get("/painel/entrar/")
    assert "secure" in shown.headers["set-cookie"].lower()
    token = re.findall(r'name="_csrf_token" value="([^"]+)"', shown.text)[0]
    answer = await visitor.http.post(
        "/painel/entrar/",
        data={"_csrf_token": token, "email": ANA, "senha": SENHA},
        headers={"Cookie": f"wabot_csrf={token}"},  # the client would not send a Secure cookie over HTTP
    )
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


async def test_a_session_somebody_else_put_into_the_browser_is_not_taken_over(office):
    await add_person(ANA)
    await add_person("mau@example.com")
    thief, victim = office.visitor(), office.visitor()
    await thief.signs_in("mau@example.com")
    for planted in (thief.session, "planted-by-somebody"):
        victim.http.cookies.clear()
        token = (
            (await victim.get("/painel/entrar/")).text.split('name="_csrf_token" value="')[1].split('"')[0]
        )
        victim.http.cookies.set("wabot_session", planted, domain="127.0.0.1", path="/")
        answer = await victim.http.post(
            "/painel/entrar/", data={"_csrf_token": token, "email": ANA, "senha": SENHA}
        )
        assert answer.cookies["wabot_session"] != planted
        assert await sessions.find(planted) is None


# -- forms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/painel/entrar/", "/painel/sair/", "/painel/senha/"])
async def test_a_form_that_another_site_sends_is_refused_on_a_page(office, ana, path):
    answer = await ana.http.post(path, data={"email": ANA, "senha": SENHA})
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "A página ficou velha" in answer.text
    assert (await ana.get("/painel/senha/")).status_code == 200  # and she is still signed in


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("&email=a&email=b&senha=x", 400),
        ("&email=%00a@b.co&senha=%00", 400),
        ("&email=%ED%A0%80@b.co&senha=%ED%A0%80", 400),
        ("&email=a@b.co&senha=" + "x" * 2_000_000, 413),
    ],
    ids=["a field twice", "NUL", "half a character", "two megabytes"],
)
async def test_a_form_that_no_browser_sends_is_answered_with_a_page(office, fields, status):
    visitor = office.visitor()
    token = re.findall(r'name="_csrf_token" value="([^"]+)"', (await visitor.get("/painel/entrar/")).text)[0]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await visitor.http.post("/painel/entrar/", content=f"_csrf_token={token}{fields}", headers=form)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_a_form_from_before_a_change_of_the_secret_key_works_after_a_reload(office):
    await add_person(ANA)
    visitor = office.visitor()
    visitor.http.cookies.set("wabot_csrf", "f" * 128, domain="127.0.0.1", path="/painel")
    assert (await visitor.signs_in(ANA)).status_code == 403
    assert (await visitor.signs_in(ANA)).status_code == 303


async def test_the_webhook_and_the_api_know_nothing_of_it(office):
    assert (await office.deliver(b"{}")).status_code == 200
    made = await (await office.api()).post(
        "/api/clientes/", json={"chatbot": office.bot.id, "telefone": "5511900000001"}
    )
    assert made.status_code == 201
    assert "set-cookie" not in made.headers


# -- who sees what -------------------------------------------------------------------------------------------


async def test_somebody_with_one_chatbot_goes_straight_to_it(office, ana):
    assert (await ana.get("/painel/")).headers["location"] == f"/painel/{office.bot.id}/"
    assert "Dono" in (await ana.get(f"/painel/{office.bot.id}/")).text


async def test_a_chatbot_of_another_business_looks_as_if_it_did_not_exist(office, ana):
    for path in (
        f"/painel/{office.other.id}/",
        f"/painel/{office.other.id}/plugins/",
        "/painel/999/",
        f"/painel/{2**40}/",
    ):
        answer = await ana.get(path)
        assert answer.status_code == 404
        assert "Padaria" not in answer.text
        assert "Página não encontrada" in answer.text


async def test_the_chooser_shows_and_finds_only_ones_own(office):
    both = await add_person("bia@loja.com.br", leitor=office.bot.id)
    await people.grant(both.id, office.other.id, "dono")
    await add_bot(office.process.settings, "Segredo", phone_number_id="3")
    bia = office.visitor()
    await bia.signs_in("bia@loja.com.br")
    listed = (await bia.get("/painel/")).text
    assert ("Loja" in listed, "Padaria" in listed, "Segredo" in listed) == (True, True, False)
    part = (await bia.get("/painel/?busca=pad", **{"HX-Request": "true"})).text
    assert ("Loja" in part, "Padaria" in part, "<html" in part) == (False, True, False)


async def test_a_superuser_sees_every_chatbot(office):
    await add_person("raiz@wabot.com.br", superuser=True)
    root = office.visitor()
    await root.signs_in("raiz@wabot.com.br")
    assert "Padaria" in (await root.get("/painel/")).text
    assert (await root.get(f"/painel/{office.other.id}/")).status_code == 200


async def test_somebody_without_a_role_reads_whom_to_ask(office):
    await add_person(ANA)
    visitor = office.visitor()
    await visitor.signs_in(ANA)
    assert "Você ainda não tem chatbots" in (await visitor.get("/painel/")).text


# -- staying and going ---------------------------------------------------------------------------------------


async def signed_in(visitor):
    return (await visitor.get("/painel/senha/")).status_code == 200


async def test_signing_out_ends_the_session_itself(office, ana):
    kept = ana.session
    assert (await ana.post("/painel/sair/", page="/painel/senha/")).headers["location"] == "/painel/entrar/"
    assert ana.session is None
    ana.http.cookies.set("wabot_session", kept, domain="127.0.0.1", path="/")
    assert not await signed_in(ana)


async def test_somebody_who_is_disabled_is_out_at_once_and_cannot_come_back(office, ana):
    await people.set_active(office.ana.id, False)
    assert not await signed_in(ana)
    assert (await office.visitor().signs_in(ANA)).status_code == 400
    await people.set_active(office.ana.id, True)
    assert not await signed_in(ana)
    assert (await office.visitor().signs_in(ANA)).status_code == 303


async def test_a_role_that_is_withdrawn_counts_with_the_next_click(office, ana):
    await people.withdraw(office.ana.id, office.bot.id)
    assert (await ana.get(f"/painel/{office.bot.id}/")).status_code == 404


async def test_a_new_password_ends_the_other_sessions_and_asks_for_the_old_one(office, ana):
    elsewhere = office.visitor()
    await elsewhere.signs_in(ANA)

    async def change(atual, nova, repetida=None):
        fields = {"atual": atual, "nova": nova, "repetida": repetida or nova}
        return await ana.post("/painel/senha/", page="/painel/senha/", **fields)

    assert error_at(await change("não é esta", "uma senha nova"), "atual") == "Esta não é a sua senha atual."
    assert "pelo menos 10" in error_at(await change(SENHA, "curta"), "nova")
    assert "diferentes" in error_at(await change(SENHA, "uma senha nova", "outra senha nova"), "repetida")
    assert await signed_in(elsewhere)
    assert "a senha nova já vale" in (await change(SENHA, "uma senha nova")).text
    assert await signed_in(ana)
    assert not await signed_in(elsewhere)
    assert (await office.visitor().signs_in(ANA)).status_code == 400
    assert (await office.visitor().signs_in(ANA, "uma senha nova")).status_code == 303


@pytest.mark.parametrize(("column", "age"), [("used_at", "12 hours"), ("started_at", "7 days")])
async def test_a_session_ends_after_a_while_without_a_click_and_after_a_week_in_any_case(
    office, ana, column, age
):
    await DB.execute(f"UPDATE panel_session SET {column} = now() - interval '{age}' + interval '1 minute'")
    assert await signed_in(ana)
    await DB.execute(f"UPDATE panel_session SET {column} = now() - interval '{age}'")
    assert not await signed_in(ana)


# -- the browser ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/painel/entrar/", "/painel/", "/painel/nada/", "/painel/1/"])
async def test_every_page_forbids_scripts_of_others_frames_and_copies(office, path):
    headers = (await office.visitor().get(path)).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_files_of_the_panel_are_kept_by_browsers_and_come_from_here(office):
    shown = (await office.visitor().get("/painel/entrar/")).text
    files = re.findall(r'(?:href|src)="([^"#]+)"', shown)
    assert len(files) >= 4
    for file in files:
        assert file.startswith("/painel/static/")
        answer = await office.visitor().get(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        small = int(answer.headers.get("content-length", 10**6)) < 1000
        assert small or answer.headers["content-encoding"] == "gzip"


async def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(office):
    asked = {"HX-Request": "true", "HX-Current-URL": f"{office.url}/painel/{office.bot.id}/plugins/"}
    answer = await office.visitor().get("/painel/?busca=x", **asked)
    assert answer.headers["hx-redirect"] == f"/painel/entrar/?next=/painel/{office.bot.id}/plugins/"
    assert "<html" not in answer.text


async def test_what_is_not_there_is_a_page_in_the_panel_and_a_problem_document_in_the_api(office):
    page = await office.visitor().get("/painel/nada/disso/")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    problem = await office.visitor().get("/api/nada/")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


async def test_what_fails_on_our_side_is_a_page_without_details(office, ana, monkeypatch):
    async def broken(*_):
        raise KeyError("secret detail")

    monkeypatch.setattr("wabot.chatbots.matching", broken)
    answer = await ana.get("/painel/")
    assert answer.status_code == 500
    assert "Algo falhou do nosso lado" in answer.text
    assert "secret detail" not in answer.text
