"""What was acknowledged is there after a crash, once."""
import concurrent.futures
import sys
import threading
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks" / "kills"))
import kills  # noqa: E402

from knowledge import ask, attach, references, unique, upload

ANIMALS = ["badger", "crane", "dolphin", "eagle", "ferret", "goose", "hedgehog", "ibex", "jackal", "kestrel",
           "lynx", "marmot", "newt", "otter", "pelican", "quail", "raven", "salmon", "toad", "walrus"]
TOWNS = ["Arles", "Bergen", "Cadiz", "Dresden", "Esbjerg", "Florence", "Ghent", "Hamburg", "Innsbruck", "Krakow"]
DOCUMENTS = {f"{animal}-{town}.md": f"# The {animal} of {town}\n\nThe {animal} of {town} sleeps under the old bridge.\n"
             for town in TOWNS for animal in ANIMALS}


def test_a_crash_while_200_documents_are_taken_in_loses_and_doubles_nothing(another_server):
    server = another_server().start()
    store = server.openai().vector_stores.create(name=unique("zoo")).id
    acknowledged: dict[str, str] = {}  # the file's name for each file id that was acknowledged
    enough = threading.Event()

    def send(name: str):
        try:
            with server.http() as http:
                file = http.post("/v1/files", files={"file": (name, DOCUMENTS[name].encode())},
                                 data={"purpose": "assistants"})
                document = http.post(f"/v1/vector_stores/{store}/files", json={"file_id": file.json()["id"]})
                if file.status_code < 300 and document.status_code < 300:
                    acknowledged[file.json()["id"]] = name
        except (httpx.TransportError, ValueError):
            return  # the server died under this one; whether it was taken is open
        if len(acknowledged) >= 120:
            enough.set()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, name) for name in DOCUMENTS]
        assert enough.wait(120), "too few uploads were acknowledged"
        server.kill()
        concurrent.futures.wait(sent)
    assert 120 <= len(acknowledged) <= 200

    server.start()
    client = server.openai()
    indexed(client, store, seconds=240)
    documents = list(client.vector_stores.files.list(store, limit=50))
    ids = [document.id for document in documents]
    assert len(ids) == len(set(ids)) <= 200
    assert set(acknowledged) <= set(ids), "an acknowledged document is lost"
    assert {document.status for document in documents} == {"completed"}
    assert client.vector_stores.retrieve(store).file_counts.completed == len(ids)

    for file, name in list(acknowledged.items())[::8]:
        words = DOCUMENTS[name].splitlines()[-1]
        found = client.vector_stores.search(store, query=words, max_num_results=20).data
        assert found[0].filename == name and found[0].file_id == file, words
        assert [each.filename for each in found].count(name) == 1, "a document is indexed twice"
        assert client.files.content(file).text == DOCUMENTS[name]
    server.stop()


def test_20_kills_leave_the_chunks_and_vectors_of_a_quiet_run_and_nothing_else(tmp_path):
    print(kills.run(tmp_path, kills=20, seed=6))


def test_a_delete_holds_after_a_crash(another_server):
    server = another_server().start()
    client = server.openai()
    store = client.vector_stores.create(name=unique("short")).id
    files = [upload(client, name, DOCUMENTS[name]) for name in list(DOCUMENTS)[:3]]
    for file in files:
        assert attach(client, store, file).status == "completed"
    client.vector_stores.files.delete(files[0], vector_store_id=store)
    server.kill()
    server.start()
    client = server.openai()
    assert {document.id for document in client.vector_stores.files.list(store)} == set(files[1:])
    found = client.vector_stores.search(store, query="Who sleeps under the old bridge?").data
    assert {each.file_id for each in found} == set(files[1:])
    server.stop()


def test_everything_is_still_there_after_a_polite_restart(another_server):
    server = another_server().start()
    client = server.openai()
    store = client.vector_stores.create(name="kept").id
    name = "otter-Ghent.md"
    assert attach(client, store, upload(client, name, DOCUMENTS[name])).status == "completed"
    with server.http() as http:
        key = http.post("/api/v1/keys", json={"name": "kept", "role": "user"}).json()["key"]
        expert = http.post("/api/v1/experts", json={"title": "kept", "settings": {"knowledgebase_ids": [store]}}).json()
    server.stop()
    server.start()
    with server.http(key) as http:
        answer = ask(http, "Where does the otter of Ghent sleep?", alan={"expert_id": expert["id"]})
        assert references(answer)[0]["filename"] == name
    server.stop()


def test_a_stop_with_an_open_stream_and_a_full_queue_is_still_a_clean_stop(another_server, upstream):
    server = another_server(ALMANAC_UPSTREAM_URL=upstream.url, ALMANAC_UPSTREAM_KEY="x",
                            ALMANAC_UPSTREAM_MODELS="trickle").start()
    client = server.openai()
    store = client.vector_stores.create(name=unique("queue"),
                                        file_ids=[upload(client, name, DOCUMENTS[name]) for name in list(DOCUMENTS)[:60]]).id
    stream = client.chat.completions.create(model="trickle", messages=[{"role": "user", "content": "x"}], stream=True)
    next(iter(stream))
    server.stop()
    server.start()
    assert indexed(server.openai(), store, seconds=120).file_counts.completed == 60
    server.stop()


def indexed(client, store: str, seconds: float):
    """Waits until no document is in progress any more."""
    deadline = time.monotonic() + seconds
    while (state := client.vector_stores.retrieve(store)).file_counts.in_progress:
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    return state
