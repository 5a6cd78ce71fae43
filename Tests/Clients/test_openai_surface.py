"""The routes that OpenAI's own client uses."""
import base64
import json
import struct

import httpx
import openai
import pytest

from knowledge import LIGHTHOUSE, attach, error, knowledge_base, question, unique, upload

PREFIXES = ["/v1", "/api/v1/oai", "/oai", "/v2", ""]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_surface_is_mounted(server, prefix):
    client = server.openai(prefix)
    assert "extractive" in {model.id for model in client.models.list().data}
    assert client.chat.completions.create(**question("Hello")).choices[0].message.role == "assistant"
    assert client.embeddings.create(model="all-MiniLM-L6-v2", input="a cat").data[0].embedding
    assert client.files.list() is not None and client.vector_stores.list() is not None


def test_every_listed_model_can_be_retrieved(client):
    listed = client.models.list().data
    assert {"extractive", "all-MiniLM-L6-v2", "echo", "vendor/echo"} <= {model.id for model in listed}
    for model in listed:
        assert client.models.retrieve(model.id).id == model.id


@pytest.mark.parametrize("id", ["vendor/echo", "vendor%2Fecho"])
def test_a_slash_in_a_model_id_may_be_raw_or_escaped(http, id):
    assert http.get(f"/v1/models/{id}").json()["id"] == "vendor/echo"


def test_models_describe_themselves(http):
    model = http.get("/v1/models/all-MiniLM-L6-v2").json()
    assert model["object"] == "model" and isinstance(model["created"], int) and model["owned_by"]
    assert model["meta_data"]["hidden_size"] == 384 and model["meta_data"]["max_sequence_length"] == 256
    assert "max_output_length" in model["meta_data"]


def test_an_unknown_model_is_not_found(http):
    error(http.get("/v1/models/no/such-model"), 404, code="model_not_found")
    error(http.post("/v1/chat/completions", json=question("x") | {"model": "no/such-model"}), 404, "model",
          "model_not_found")


def test_embeddings_put_related_texts_close_together(client):
    answer = client.embeddings.create(model="all-MiniLM-L6-v2", input=["a cat", "a kitten", "tax law"])
    cat, kitten, tax = (each.embedding for each in answer.data)
    assert [each.index for each in answer.data] == [0, 1, 2] and len(cat) == 384
    assert dot(cat, cat) == pytest.approx(1, abs=1e-3)
    assert dot(cat, kitten) > 0.7 and dot(cat, tax) < 0.3
    # "a cat" is [CLS] a cat [SEP]: four tokens, like the other two.
    assert answer.usage.prompt_tokens == 12 and answer.usage.total_tokens == 12


def test_embeddings_are_the_same_in_base64_as_in_numbers(http):
    def embedding(kind):
        body = {"model": "all-MiniLM-L6-v2", "input": "a cat", "encoding_format": kind}
        return http.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]

    numbers, text = embedding("float"), embedding("base64")
    assert struct.unpack("<384f", base64.b64decode(text)) == pytest.approx(numbers, abs=1e-6)


def test_files_come_back_as_they_were_sent(client):
    data = bytes(range(256)) * 100
    file = client.files.create(file=("wörter & mehr.bin", data), purpose="user_data")
    assert (file.bytes, file.filename, file.purpose, file.object) == (len(data), "wörter & mehr.bin", "user_data", "file")
    assert client.files.content(file.id).content == data
    assert client.files.retrieve(file.id).to_dict() == file.to_dict()
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_lists_of_files_page_through_everything_once(client):
    made = {upload(client, f"page{n}.txt", f"Text number {n}.") for n in range(7)}
    seen = [file.id for file in client.files.list(limit=3)]
    assert made <= set(seen) and len(seen) == len(set(seen))


def test_lists_of_vector_stores_page_through_everything_once(client):
    made = {client.vector_stores.create(name=unique("page")).id for _ in range(7)}
    seen = [store.id for store in client.vector_stores.list(limit=3)]
    assert made <= set(seen) and len(seen) == len(set(seen))


def test_a_vector_store_is_made_changed_and_removed(client):
    store = client.vector_stores.create(name="first", metadata={"team": "harbour"})
    assert (store.object, store.name, store.metadata) == ("vector_store", "first", {"team": "harbour"})
    assert store.file_counts.total == 0
    assert client.vector_stores.update(store.id, name="second").name == "second"
    assert client.vector_stores.retrieve(store.id).name == "second"
    assert client.vector_stores.delete(store.id).deleted


def test_a_vector_store_can_be_made_with_its_files(client):
    files = [upload(client, f"part{n}.md", f"# Part {n}\n\nPart {n} of the boat is made of oak.\n") for n in range(3)]
    store = client.vector_stores.create(name=unique("whole"), file_ids=files)
    # Queued files count from the first answer on; official helpers poll this number.
    assert store.file_counts.total == 3
    for file in files:
        assert client.vector_stores.files.poll(file, vector_store_id=store.id, poll_interval_ms=100).status == "completed"
    done = client.vector_stores.retrieve(store.id)
    assert done.status == "completed" and done.file_counts.completed == 3 and done.usage_bytes > 0


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("how", ["detached", "deleted"])
def test_a_document_outlives_one_of_two_files_with_its_bytes(client, gone, how):
    store = client.vector_stores.create(name=unique("twins")).id
    files = [upload(client, name, LIGHTHOUSE) for name in ("first.md", "second.md")]
    assert files[0] != files[1]
    for file in files:
        assert attach(client, store, file).status == "completed"
    lost, kept = files[gone], files[1 - gone]
    if how == "detached":
        client.vector_stores.files.delete(lost, vector_store_id=store)
    else:
        client.files.delete(lost)

    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.retrieve(lost, vector_store_id=store)
    assert client.vector_stores.files.retrieve(kept, vector_store_id=store).status == "completed"
    assert [document.id for document in client.vector_stores.files.list(store)] == [kept]
    found = client.vector_stores.search(store, query="When did the last keeper retire?").data
    assert found and {(each.file_id, each.filename) for each in found} == {(kept, ["first.md", "second.md"][1 - gone])}

    client.vector_stores.files.delete(kept, vector_store_id=store)
    assert not client.vector_stores.files.list(store).data
    assert not client.vector_stores.search(store, query="When did the last keeper retire?").data


def test_search_finds_the_passage_and_ranks_it(client, light):
    found = client.vector_stores.search(light, query="When did the last keeper retire?", max_num_results=3)
    assert 1 <= len(found.data) <= 3
    assert "1994" in found.data[0].content[0].text and found.data[0].filename == "lighthouse.md"
    scores = [each.score for each in found.data]
    assert scores == sorted(scores, reverse=True) and all(0 <= score <= 1 for score in scores)


def test_search_respects_attributes(client):
    store = client.vector_stores.create(name=unique("years")).id
    for year in (2019, 2024):
        file = upload(client, f"report{year}.md", f"# Report {year}\n\nIn {year} the harbour counted {year} ships.\n")
        client.vector_stores.files.create_and_poll(vector_store_id=store, file_id=file, attributes={"year": year},
                                                   poll_interval_ms=100)
    recent = client.vector_stores.search(store, query="ships in the harbour",
                                         filters={"type": "gt", "key": "year", "value": 2020})
    assert {each.filename for each in recent.data} == {"report2024.md"}
    assert recent.data[0].attributes["year"] == 2024


def test_both_ways_of_sending_a_key_work(server):
    for headers in ({"Authorization": f"Bearer {server.key}"}, {"X-API-KEY": server.key}):
        assert httpx.get(f"{server.base}/v1/models", headers=headers).status_code == 200


def test_every_answer_carries_a_request_id_of_its_own(http):
    ids = [http.get("/v1/models").headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3


def test_health_needs_no_key(server):
    assert httpx.get(f"{server.base}/healthz").status_code == 200
    assert httpx.get(f"{server.base}/readyz").status_code == 200


def test_alans_face_makes_a_knowledge_base_that_openai_sees(http, client):
    made = http.post("/api/v1/knowledgebases", json={"title": unique("alan"), "description": "About a lighthouse"})
    assert made.status_code in (200, 201), made.text
    base = made.json()
    assert base["id"] == base["resource_id"] and base["description"] == "About a lighthouse"
    sent = http.post(f"/api/v1/knowledgebases/{base['id']}/documents",
                     files={"file": ("lighthouse.md", LIGHTHOUSE.encode(), "text/markdown")})
    assert sent.status_code == 202, sent.text
    document = sent.json()
    assert document["filename"] == "lighthouse.md" and document["id"] and document["status"]
    client.vector_stores.files.poll(document["file_id"], vector_store_id=base["id"], poll_interval_ms=100)
    assert client.vector_stores.retrieve(base["id"]).name == base["title"]
    assert base["id"] in {each["id"] for each in http.get("/api/v1/knowledgebases").json()["knowledgebases"]}
    assert document["file_id"] in http.get(f"/api/v1/knowledgebases/{base['id']}/documents").text
    gone = http.delete(f"/api/v1/knowledgebases/{base['id']}/documents/{document['file_id']}")
    assert 200 <= gone.status_code < 300
    assert not client.vector_stores.search(base["id"], query="lighthouse").data


def test_an_expert_is_made_read_changed_and_removed(http, light):
    settings = {"user_system_prompt": "Be kind.", "model": "extractive", "temperature": 0.4, "top_p": 0.9,
                "knowledgebase_ids": [light], "initial_message": "Ahoy!", "suggestions": ["When was it built?"],
                "initial_conversation": [{"role": "user", "content": "Hi"}], "icon": "general", "on_empty": "refuse"}
    title = unique("expert")
    made = http.post("/api/v1/experts", json={"title": title, "description": "Knows lamps", "settings": settings}).json()
    assert made["id"] == made["resource_id"]
    read = http.get(f"/api/v1/experts/{made['id']}").json()
    assert (read["title"], read["description"]) == (title, "Knows lamps")
    assert {name: read["settings"][name] for name in settings} == settings
    assert made["id"] in {each["id"] for each in http.get("/api/v1/experts").json()["experts"]}
    changed = http.put(f"/api/v1/experts/{made['id']}",
                       json={"title": title, "settings": {**settings, "temperature": 0.9}})
    assert changed.status_code == 200 and changed.json()["settings"]["temperature"] == 0.9
    gone = http.delete(f"/api/v1/experts/{made['id']}")
    assert gone.status_code == 200 and gone.json() == {"id": made["id"], "object": "expert", "deleted": True}
    error(http.get(f"/api/v1/experts/{made['id']}"), 404)


def test_unknown_fields_are_ignored(http):
    body = question("Hello", mirostat=2, instruction_template="Alpaca", nonsense={"a": [1, None]})
    assert http.post("/v1/chat/completions", json=body).status_code == 200


def test_a_message_may_be_made_of_parts(http, light):
    parts = [{"type": "text", "text": "When was the lighthouse"}, {"type": "text", "text": "of Velden built?"}]
    body = question("", alan={"knowledgebase_ids": [light]}) | {"messages": [{"role": "user", "content": parts}]}
    assert "1871" in json.dumps(http.post("/v1/chat/completions", json=body).json()["choices"])


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))
