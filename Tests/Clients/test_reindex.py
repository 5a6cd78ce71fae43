"""A knowledge base changes its chunking behind what answers, and neither kills nor uploads get in the way."""
import time

import pytest

from knowledge import ask, attach, references, unique, upload

WINDOWS = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 10}}


def report(number: int) -> str:
    lines = [f"Ship {number} carried {number + part} barrels of salt in week {part}, and came home on a {day}. "
             f"Her master was paid {part * 3 + number} crowns." for part in range(60) for day in ("Monday", "Friday")]
    return f"# Ship number {number}\n\n" + "\n\n".join(lines)


def ended(http, job: str, seconds: float = 240) -> dict:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = http.get(f"/api/v1/jobs/{job}").json()
        if state["status"] in ("completed", "failed", "cancelled"):
            return state
        time.sleep(0.05)
    raise AssertionError(f"the job did not end: {state}")


def completed(server, job: str) -> bool:
    with server.http() as http:
        return http.get(f"/api/v1/jobs/{job}").json()["status"] == "completed"


def nearly(hits: list[tuple[str, float, str]]) -> list[tuple]:
    """The same hits with much the same scores: these lean on what unrelated questions reach in a knowledge base, which is
    measured when it is first searched, and may have been before the last document came or went."""
    return [(name, pytest.approx(score, abs=0.05), text) for name, score, text in hits]


def found(client, store: str, query: str) -> list[tuple]:
    hits = client.vector_stores.search(store, query=query, max_num_results=5).data
    return [(hit.filename, hit.score, hit.content[0].text) for hit in hits]


def test_a_re_index_outlives_kills_and_the_old_answers_stay_until_it_is_done(another_server):
    server = another_server().start()
    client = server.openai()
    store = client.vector_stores.create(name=unique("ships")).id
    files = [upload(client, f"ship{number}.md", report(number)) for number in range(8)]
    batch = client.vector_stores.file_batches.create_and_poll(store, file_ids=files, poll_interval_ms=100)
    assert batch.file_counts.completed == len(files)
    query = "barrels of salt on ship number 7"
    before = found(client, store, query)

    with server.http() as http:
        changed = http.post(f"/v1/vector_stores/{store}", json={"chunking_strategy": WINDOWS}).json()
    job = changed["reindexing"]["job_id"]
    done = 0
    for _ in range(2):
        with server.http() as http:
            while True:
                state = http.get(f"/api/v1/jobs/{job}").json()
                assert state["status"] in ("queued", "running", "completed"), state
                now = state["progress"]["documents"] or {"done": 0}
                if now["done"] > done or state["status"] == "completed":
                    break
                time.sleep(0.01)
        # A fast machine may be done before it can be killed a second time.
        if state["status"] == "completed":
            break
        assert found(client, store, query) == before or completed(server, job)
        server.kill()
        server.start()
        client = server.openai()
        assert found(client, store, query) == before or completed(server, job)
        with server.http() as http:
            again = http.get(f"/api/v1/jobs/{job}").json()["progress"]["documents"]
        assert again["done"] >= now["done"], "a document that was done is done again"
        done = again["done"]
    # What comes and goes meanwhile is there, and gone, afterwards.
    late = attach(client, store, upload(client, "late.md", "The ferry of Lund crosses the sound at noon.")).id
    client.vector_stores.files.delete(files[0], vector_store_id=store)

    with server.http() as http:
        state = ended(http, job)
        assert state["status"] == "completed", state
        shown = http.get(f"/v1/vector_stores/{store}").json()
        assert shown["reindexing"] is None and shown["chunking_strategy"] == WINDOWS
        documents = {file.id: file for file in client.vector_stores.files.list(store, limit=100)}
        assert set(documents) == {*files[1:], late}
        assert {file.status for file in documents.values()} == {"completed"}
        assert found(client, store, "When does the ferry of Lund cross?")[0][0] == "late.md"
        assert "ship0.md" not in {name for name, _, _ in found(client, store, "Ship number 0 carried barrels of salt")}
        answer = ask(http, "When does the ferry of Lund cross the sound?", alan={"knowledgebase_ids": [store]})
        assert references(answer)[0]["filename"] == "late.md"

        # The same as a new one with these settings.
        fresh = client.vector_stores.create(name=unique("fresh")).id
        client.vector_stores.file_batches.create_and_poll(
            fresh, files=[{"file_id": id, "chunking_strategy": WINDOWS} for id in documents], poll_interval_ms=100)
        for words in (query, "paid crowns", "week 11 Friday", "ferry"):
            assert found(client, store, words) == nearly(found(client, fresh, words))

        # And back again.
        back = http.post(f"/api/v1/knowledgebases/{store}/rollback")
        assert back.status_code == 202, back.text
        assert ended(http, back.json()["reindexing"]["job_id"])["status"] == "completed"
        assert found(client, store, "When does the ferry of Lund cross?")[0][0] == "late.md"
        assert "ship0.md" not in {name for name, _, _ in found(client, store, "Ship number 0 carried barrels of salt")}
        assert http.get(f"/v1/vector_stores/{store}").json()["former_index"]["chunking_strategy"] == WINDOWS

    looked = server.run("kb", "reindex", store, "--chunking", "fixed:120:0", "--wait")
    assert looked.returncode == 0 and looked.stdout.strip() == "completed", looked.stderr
    assert server.run("kb", "reindex", store, "--chunking", "fixed:120:0").stdout.strip() == "nothing to change"
    assert server.run("kb", "rollback", store, "--wait").returncode == 0
    server.stop()
    checked = server.run("fsck", "--deep")
    assert checked.returncode == 0, checked.stdout + checked.stderr
