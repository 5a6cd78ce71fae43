"""OpenAI's own client puts many files into a knowledge base at once and waits for them."""
import io

import openai
import pytest

from knowledge import LIGHTHOUSE, MILL, error, unique, upload


def named(name: str, content: str | bytes) -> io.BytesIO:
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    file.name = name
    return file


def counts(batch) -> dict:
    return {name: count for name, count in batch.file_counts.to_dict().items() if count}


@pytest.fixture
def store(client) -> str:
    return client.vector_stores.create(name=unique("batch")).id


def test_upload_and_poll_indexes_what_it_can_and_counts_the_rest_as_failed(client, store):
    files = [named("lighthouse.md", LIGHTHOUSE), named("mill.md", MILL), named("blank.txt", "  \n ")]
    batch = client.vector_stores.file_batches.upload_and_poll(vector_store_id=store, files=files, poll_interval_ms=100)
    assert batch.status == "completed" and batch.object == "vector_store.files_batch"
    assert counts(batch) == {"completed": 2, "failed": 1, "total": 3}
    listed = list(client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store))
    assert sorted(file.status for file in listed) == ["completed", "completed", "failed"]
    failed, = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store, filter="failed")
    assert failed.last_error.code == "invalid_file"
    found = client.vector_stores.search(store, query="When was the lighthouse built?").data
    assert found[0].filename == "lighthouse.md"


def test_create_and_poll_takes_ids_or_files_with_attributes(client, store):
    ids = [upload(client, "lighthouse.md", LIGHTHOUSE), upload(client, "mill.md", MILL)]
    batch = client.vector_stores.file_batches.create_and_poll(vector_store_id=store, file_ids=ids, poll_interval_ms=100)
    assert counts(batch) == {"completed": 2, "total": 2}
    again = client.vector_stores.file_batches.create_and_poll(
        vector_store_id=store, poll_interval_ms=100,
        files=[{"file_id": ids[0], "attributes": {"kind": "tower"}}, {"file_id": ids[1], "attributes": {"kind": "mill"}}])
    assert counts(again) == {"completed": 2, "total": 2}
    assert client.vector_stores.files.retrieve(ids[1], vector_store_id=store).attributes == {"kind": "mill"}


def test_a_batch_says_how_long_to_wait_and_cancels_what_is_not_done(client, store):
    ids = [upload(client, f"{number}.md", f"# Part {number}\n\n" + f"Sentence {number} stands here. " * 2_000)
           for number in range(12)]
    answer = client.vector_stores.file_batches.with_raw_response.create(vector_store_id=store, file_ids=ids)
    assert answer.headers["openai-poll-after-ms"] == "250"
    batch = client.vector_stores.file_batches.cancel(answer.parse().id, vector_store_id=store)
    assert batch.status == "cancelled" and batch.file_counts.in_progress == 0
    assert batch.file_counts.cancelled > 0 and batch.file_counts.total == 12
    again = client.vector_stores.file_batches.poll(batch.id, vector_store_id=store, poll_interval_ms=100)
    assert counts(again) == counts(batch), "what was cancelled stays so"


def test_wrong_batches_are_refused_with_the_place_of_the_mistake(client, http, store):
    file = upload(client, "mill.md", MILL)
    path = f"/v1/vector_stores/{store}/file_batches"
    error(http.post(path, json={"file_ids": [file, "file-none"]}), 404, param="file_ids[1]")
    error(http.post(path, json={"files": [{"file_id": "file-none"}]}), 404, param="files[0].file_id")
    error(http.post(path, json={"files": [{"file_id": file}], "file_ids": [file]}), 400, param="files")
    error(http.post(path, json={}), 400, param="file_ids")
    error(http.post(path, json={"file_ids": []}), 400, param="file_ids")
    error(http.post(path, json={"file_ids": [file] * 2_001}), 400, param="file_ids")
    assert list(client.vector_stores.files.list(store)) == []
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.file_batches.retrieve("vsfb_none", vector_store_id=store)
