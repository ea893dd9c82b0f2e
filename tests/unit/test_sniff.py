"""What a file is, whatever its sender calls it."""

import pytest

from wabot.sniff import mime_of
from wabot.testing.files import FILES, sample

OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

ROWS = [
    ("a picture that says so", b"\x89PNG\r\n\x1a\n", "image/png", "image/png"),
    ("a PNG called JPEG", b"\x89PNG\r\n\x1a\n", "image/jpeg", "image/png"),
    ("a page called a picture", b"<html><script>", "image/jpeg", "application/octet-stream"),
    ("a page called a page is shown as text", b"<html><script>", "text/html", "text/plain"),
    ("a drawing that may hold a script", b"<svg>", "image/svg+xml", "text/plain"),
    (
        "a program called a PDF",
        b"MZ\x90\x00",
        "application/pdf",
        "application/vnd.microsoft.portable-executable",
    ),
    ("a Word document is a zip inside", b"PK\x03\x04", OFFICE, OFFICE),
    ("a zip called a picture", b"PK\x03\x04", "image/png", "application/zip"),
    ("a voice note", b"OggS" + b"\0" * 24 + b"OpusHead", "audio/ogg; codecs=opus", "audio/ogg"),
    ("a film in an ogg", b"OggS" + b"\0" * 24 + b"\x80theora", "audio/ogg", "application/octet-stream"),
    ("a film", b"\0\0\0\x18ftypisom", "", "video/mp4"),
    ("sound alone in the same container", b"\0\0\0\x18ftypisom", "audio/mp4", "audio/mp4"),
    ("an iPhone's picture", b"\0\0\0\x18ftypheic", "image/jpeg", "image/heic"),
    ("a spreadsheet as text", b"a;b;c", "text/csv", "text/csv"),
    ("a type nobody could send in a header", b"a", "x/y\r\nSet-Cookie: a", "application/octet-stream"),
    ("nothing said and nothing known", b"abc", "", "application/octet-stream"),
    ("an empty file", b"", "image/png", "application/octet-stream"),
]


@pytest.mark.parametrize(
    ("head", "claimed", "found"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_bytes_count_and_not_the_name(head, claimed, found):
    assert mime_of(head, claimed) == found


@pytest.mark.parametrize("kind", FILES)
def test_the_samples_are_what_they_say(kind):
    assert mime_of(sample(kind)[:64], "") == FILES[kind][0].partition(";")[0]
