"""Where files are kept: the same promises on a disk and in a bucket."""

import asyncio
import os
import time

import httpx
import pytest
import pytest_asyncio

from wabot.errors import BadSetting
from wabot.storage import ABANDONED_AFTER, DRAFTS, NotKept, Storage, key_of

LARGE = os.urandom(1 << 20) * 11  # in several parts, in a bucket


@pytest.fixture(scope="module")
def s3():
    """An S3-compatible service on this machine; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3, monkeypatch):
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    for name, value in (keys | {"AWS_ENDPOINT_URL": s3}).items():
        monkeypatch.setenv(name, value)
    httpx.put(f"{s3}/balde", trust_env=False).raise_for_status()
    return "s3://balde/wabot"


@pytest_asyncio.fixture(params=["folder", "bucket"])
async def storage(request, tmp_path):
    url = request.getfixturevalue("bucket") if request.param == "bucket" else ""
    found = Storage()
    found.open(tmp_path, url)
    return found


async def kept(storage, content, chatbot=1):
    async with storage.draft() as draft:
        draft.write(content)
        await storage.keep(draft, chatbot)
        return draft.sha256


@pytest.mark.parametrize("content", [b"oi", LARGE], ids=["small", "large"])
async def test_what_is_kept_is_read_back_by_its_business_alone(storage, content):
    sha256 = await kept(storage, content)
    assert await storage.read(1, sha256) == content
    with pytest.raises(NotKept):
        await storage.read(2, sha256)


async def test_what_is_removed_is_gone_and_may_be_removed_again(storage):
    sha256 = await kept(storage, b"oi")
    await storage.remove(1, sha256)
    await storage.remove(1, sha256)
    with pytest.raises(NotKept):
        await storage.read(1, sha256)


async def test_no_draft_stays_behind(storage, tmp_path):
    await kept(storage, b"oi")
    async with storage.draft() as draft:
        draft.write(b"half, and then not wanted")
    assert list((tmp_path / "media" / DRAFTS).iterdir()) == []


async def test_drafts_of_a_process_that_was_killed_are_cleared_away_at_the_next_start(tmp_path):
    storage = Storage()
    storage.open(tmp_path)
    drafts = tmp_path / "media" / DRAFTS
    old, young = drafts / "old", drafts / "young"
    for path in (old, young):
        await asyncio.to_thread(path.write_bytes, b"x")
    long_ago = time.time() - ABANDONED_AFTER - 1
    os.utime(old, (long_ago, long_ago))
    storage.open(tmp_path)
    assert [path.name for path in drafts.iterdir()] == ["young"]


async def test_files_are_for_their_owner_only(tmp_path):
    storage = Storage()
    storage.open(tmp_path)
    await kept(storage, b"oi")
    folders = [path for path in (tmp_path / "media").rglob("*") if path.is_dir()]
    files = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in (*folders, *files)} == {0}


def test_a_home_that_cannot_be_written_to_is_said_in_one_line(tmp_path):
    (tmp_path / "casa").write_text("a file where the folder should be")
    with pytest.raises(BadSetting, match=r"WABOT_HOME: não é possível gravar em .*casa"):
        Storage().open(tmp_path / "casa")


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, "a" * 65])
def test_only_a_digest_is_a_name(name):
    with pytest.raises(ValueError, match="not the SHA-256"):
        key_of(1, name)
