"""Background work can be followed, stopped and tried again, and what it says of itself adds up."""
import json
import threading
import time

import pytest

from knowledge import LIGHTHOUSE, error, unique, upload


def book(parts: int, seed: str) -> str:
    return "\n\n".join(f"# Part {part}\n\n" + f"The {seed} number {part} is counted here, and written down. " * 12
                       for part in range(parts))


def events(http, job: str, **headers):
    """(id, name, job) of every event, as they come."""
    with http.stream("GET", f"/api/v1/jobs/{job}/events", headers=headers) as response:
        assert response.status_code == 200, response.read()
        fields = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])
                fields = {}


def check(progress: list[dict]):
    """Counters only rise and add up."""
    last = (0, 0, 0)
    for each in progress:
        chunks = each["chunks"]
        assert 0 <= chunks["reused"] <= chunks["done"] <= chunks["total"]
        now = (chunks["total"], chunks["done"], chunks["reused"])
        assert all(new >= old for new, old in zip(now, last)), (last, now)
        last = now


@pytest.fixture
def store(client) -> str:
    return client.vector_stores.create(name=unique("jobs")).id


def job_of(http, store: str, name: str, text: str) -> dict:
    made = http.put(f"/api/v1/knowledgebases/{store}/documents/{name}", content=text)
    assert made.status_code == 202, made.text
    return next(job for job in http.get("/api/v1/jobs").json()["data"] if job["document_id"] == made.json()["id"])


def test_the_events_of_a_job_rise_and_end_with_what_became_of_it(http, store):
    job = job_of(http, store, "book.md", book(300, "heron"))["id"]
    seen = list(events(http, job))
    ids = [id for id, _, _ in seen]
    assert ids == sorted(set(ids))
    assert [name for _, name, _ in seen][-1] == "completed"
    assert {name for _, name, _ in seen[:-1]} <= {"progress"}
    check([state["progress"] for _, _, state in seen])
    stages = [state["progress"]["stage"] for _, _, state in seen]
    order = ["queued", "reading", "chunking", "embedding", "storing"]
    assert [order.index(stage) for stage in stages] == sorted(order.index(stage) for stage in stages)
    # Somebody who comes back gets nothing that was seen, and the end in any case.
    assert [name for _, name, _ in events(http, job, **{"Last-Event-ID": str(ids[-1])})] == ["completed"]


def test_a_cancelled_job_stops_within_a_second_and_can_be_taken_up_again(http, client, store):
    job = job_of(http, store, "long.md", book(2_000, "crane"))["id"]
    while http.get(f"/api/v1/jobs/{job}").json()["progress"]["stage"] != "embedding":
        time.sleep(0.02)
    started = time.monotonic()
    assert http.post(f"/api/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
    # The next document is indexed at once: nothing is in its way.
    other = job_of(http, store, "short.md", LIGHTHOUSE)["id"]
    assert list(events(http, other))[-1][1] == "completed"
    assert time.monotonic() - started < 3
    assert http.get(f"/api/v1/jobs/{job}").json()["status"] == "cancelled"
    document = http.get(f"/api/v1/knowledgebases/{store}/documents/long.md").json()
    assert document["status"] == "cancelled" and document["chunk_count"] == 0
    assert http.post(f"/api/v1/jobs/{job}/retry").json()["status"] in ("queued", "running")
    assert http.post(f"/api/v1/jobs/{job}/cancel").json()["status"] == "cancelled"
    error(http.post(f"/api/v1/jobs/{other}/retry"), 409)
    assert client.vector_stores.retrieve(store).file_counts.cancelled == 1


def test_counts_add_up_at_every_moment_of_several_batches(http, client):
    stores = [client.vector_stores.create(name=unique("many")).id for _ in range(4)]
    wrong = []
    done = threading.Event()

    def watch(store: str, batch: str):
        last = 0
        while not done.is_set():
            counts = http.get(f"/v1/vector_stores/{store}/file_batches/{batch}").json()["file_counts"]
            ended = counts["completed"] + counts["failed"] + counts["cancelled"]
            if counts["total"] != 8 or counts["in_progress"] + ended != 8 or ended < last:
                wrong.append(counts)
            last = ended

    batches = []
    for number, store in enumerate(stores):
        files = [upload(client, f"{part}.md", book(3, f"bird-{number}-{part}")) for part in range(8)]
        batches.append((store, client.vector_stores.file_batches.create(vector_store_id=store, file_ids=files).id))
    watchers = [threading.Thread(target=watch, args=pair) for pair in batches]
    for watcher in watchers:
        watcher.start()
    for store, batch in batches:
        ended = client.vector_stores.file_batches.poll(batch, vector_store_id=store, poll_interval_ms=100)
        assert ended.file_counts.completed == 8
    done.set()
    for watcher in watchers:
        watcher.join()
    assert not wrong, wrong[:3]


def test_readers_find_the_old_or_the_new_version_and_never_none_or_both(http, store):
    def text(version: int) -> str:
        return f"# Ferry\n\nThe ferry leaves from pier {version} at noon.\n"

    def put(version: int):
        job = job_of(http, store, "ferry.md", text(version))["id"]
        assert list(events(http, job))[-1][1] == "completed"

    put(0)
    wrong, found, done = [], set(), threading.Event()

    def read():
        while not done.is_set():
            answer = http.post(f"/v1/vector_stores/{store}/search", json={"query": "Where does the ferry leave?"})
            texts = [part["text"] for each in answer.json()["data"] for part in each["content"]]
            if len(texts) != 1:
                wrong.append(texts)
            found.update(texts)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(1, 15):
        put(version)
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong, wrong[:3]
    assert len(found) > 3
