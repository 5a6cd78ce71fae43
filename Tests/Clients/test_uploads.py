"""`/uploads`: a file in parts becomes a file like any other."""
import hashlib
import os

import pytest
from openai.types import Upload
from openai.types.uploads import UploadPart

from knowledge import error, unique
from strict import strict


def begin(http, size: int, **more) -> dict:
    body = {"filename": "whole.md", "purpose": "assistants", "bytes": size, "mime_type": "text/markdown"} | more
    made = http.post("/v1/uploads", json=body)
    assert made.status_code == 200, made.text
    upload = strict(Upload, made.json())
    assert upload.status == "pending" and upload.expires_at - upload.created_at == 3600 and upload.file is None
    return made.json()["id"]


def send(http, upload: str, data: bytes):
    return http.post(f"/v1/uploads/{upload}/parts", files={"data": ("data", data)})


def part(http, upload: str, data: bytes) -> str:
    made = send(http, upload, data)
    assert made.status_code == 200, made.text
    assert strict(UploadPart, made.json()).upload_id == upload
    return made.json()["id"]


def complete(http, upload: str, parts: list[str], **more):
    return http.post(f"/v1/uploads/{upload}/complete", json={"part_ids": parts} | more)


def test_parts_become_a_file_in_the_order_that_is_asked_for(http, client):
    pieces = [os.urandom(70_000), b"second", os.urandom(1 << 20)]
    whole = b"".join(pieces)
    upload = begin(http, len(whole), filename="größe.bin", purpose="user_data")
    ids = [part(http, upload, pieces[position]) for position in (2, 0, 1)]
    ended = complete(http, upload, [ids[1], ids[2], ids[0]], md5=hashlib.md5(whole).hexdigest())
    assert ended.status_code == 200, ended.text
    made = strict(Upload, ended.json())
    assert made.status == "completed" and made.file.bytes == len(whole) and made.file.purpose == "user_data"
    assert client.files.content(made.file.id).content == whole
    assert client.files.retrieve(made.file.id).filename == "größe.bin"
    # A client that did not hear the answer asks again.
    assert complete(http, upload, ids).json() == ended.json()
    error(send(http, upload, b"x"), 409)
    error(http.post(f"/v1/uploads/{upload}/cancel"), 409)


def test_the_chunked_helper_of_the_client_works_and_the_file_can_be_searched(client):
    text = (f"# The weir at {unique('Odern')}\n\nThe weir was repaired in 1934.\n\n" + "Water flows. " * 400).encode()
    upload = client.uploads.upload_file_chunked(
        file=text, filename="weir.md", bytes=len(text), mime_type="text/markdown", purpose="assistants",
        part_size=1000, md5=hashlib.md5(text).hexdigest())
    assert upload.status == "completed"
    store = client.vector_stores.create(name=unique("weir")).id
    client.vector_stores.files.create_and_poll(vector_store_id=store, file_id=upload.file.id, poll_interval_ms=100)
    found = client.vector_stores.search(store, query="When was the weir repaired?").data
    assert found[0].filename == "weir.md"


def test_a_cancelled_upload_takes_nothing_more(http):
    upload = begin(http, 4)
    id = part(http, upload, b"abcd")
    ended = http.post(f"/v1/uploads/{upload}/cancel")
    assert strict(Upload, ended.json()).status == "cancelled"
    assert http.post(f"/v1/uploads/{upload}/cancel").json() == ended.json()
    error(send(http, upload, b"abcd"), 409)
    error(complete(http, upload, [id]), 409)


def test_only_what_was_announced_is_accepted(http):
    upload = begin(http, 4)
    one, other = part(http, upload, b"ab"), part(http, upload, b"cd")
    error(complete(http, upload, [one]), 400, "part_ids")
    error(complete(http, upload, [one, one]), 400, "part_ids[1]")
    error(complete(http, upload, [one, "part_missing"]), 404, "part_ids[1]")
    error(complete(http, upload, [one, other], md5="0" * 32), 400, "md5")
    error(http.post(f"/v1/uploads/{upload}/complete", json={}), 400, "part_ids")
    error(send(http, upload, b"x" * 9), 400, "data")
    error(send(http, upload, b""), 400, "data")
    error(http.post(f"/v1/uploads/{upload}/parts", files={"file": ("f", b"x")}), 400, "data")
    assert complete(http, upload, [one, other]).json()["status"] == "completed"


@pytest.mark.parametrize("change, parameter", [
    ({"filename": None}, "filename"), ({"filename": "../x"}, "filename"), ({"filename": ""}, "filename"),
    ({"purpose": None}, "purpose"), ({"mime_type": None}, "mime_type"), ({"bytes": None}, "bytes"),
    ({"bytes": 0}, "bytes"), ({"bytes": 10**13}, "bytes"), ({"bytes": "many"}, "bytes"),
])
def test_bad_requests_are_told_what_is_wrong_with_them(http, change, parameter):
    body = {"filename": "a.md", "purpose": "assistants", "bytes": 3, "mime_type": "text/plain"}
    error(http.post("/v1/uploads", json=body | change), 400, parameter)


def test_another_tenant_sees_no_upload(server, http, stranger):
    upload = begin(http, 4)
    mine = part(http, upload, b"abcd")
    with server.http(stranger) as other:
        error(send(other, upload, b"abcd"), 404)
        error(other.get(f"/v1/uploads/{upload}"), 404)
        error(complete(other, upload, [mine]), 404)
        error(other.post(f"/v1/uploads/{upload}/cancel"), 404)
        theirs = begin(other, 4)
        error(complete(other, theirs, [mine]), 404, "part_ids[0]")
    assert complete(http, upload, [mine]).json()["status"] == "completed"


def test_parts_survive_a_crash_and_nothing_of_a_cut_off_part_stays(another_server):
    server = another_server().start()
    with server.http() as http:
        upload = begin(http, 8)
        first = part(http, upload, b"abcd")
    server.kill()
    (server.data / "parts" / "part_nobody").write_bytes(b"left by a crash")
    server.start()
    assert sorted(path.name for path in (server.data / "parts").iterdir()) == [first]
    with server.http() as http:
        second = part(http, upload, b"efgh")
        made = complete(http, upload, [first, second]).json()
        assert http.get(f"/v1/files/{made['file']['id']}/content").content == b"abcdefgh"
    assert list((server.data / "parts").iterdir()) == []
