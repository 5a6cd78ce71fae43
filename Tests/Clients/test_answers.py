"""Answers rest on the chosen documents and cite them."""
import json

import pytest

from knowledge import (LIGHTHOUSE, ask, cited, content, error, events, extracted_text, knowledge_base,
                       question, references, unique, upload)

BUILT = "When was the lighthouse of Velden built?"


def test_an_answer_says_what_the_document_says_and_cites_it(http, light):
    answer = ask(http, BUILT, alan={"knowledgebase_ids": [light]})
    assert "1871" in content(answer) and "[1]" in content(answer)
    first = cited(answer)[0]
    assert first["knowledgebase_id"] == light and first["filename"] == "lighthouse.md"
    assert "1871" in first["quote"] and 0 <= first["score"] <= 1
    assert {"index", "document_id", "file_id", "title", "heading_path", "start", "end", "attributes"} <= first.keys()
    assert answer["usage"]["total_tokens"] == sum(answer["usage"][f"{kind}_tokens"] for kind in ("prompt", "completion"))


def test_references_are_numbered_from_one(http, light):
    answer = ask(http, "What do you know about the keeper and the lamp?", alan={"knowledgebase_ids": [light]})
    assert [reference["index"] for reference in references(answer)] == list(range(1, len(references(answer)) + 1))


def test_annotations_name_the_cited_files(http, light):
    answer = ask(http, BUILT, alan={"knowledgebase_ids": [light]})
    annotations = answer["choices"][0]["message"]["annotations"]
    assert {note["type"] for note in annotations} == {"file_citation"}
    files = {reference["file_id"] for reference in cited(answer)}
    assert files and all(file in json.dumps(annotations) for file in files)


def test_the_reply_says_what_was_searched_and_found(http, light):
    answer = ask(http, BUILT, alan={"knowledgebase_ids": [light]})
    assert answer["alan"]["resolved"]["knowledgebase_ids"] == [light]
    assert answer["alan"]["resolved"]["source"] == "request"
    retrieval = answer["alan"]["retrieval"]
    assert retrieval["grounded"] is True and retrieval["candidates"] >= retrieval["used"] >= 1
    assert retrieval["top_score"] == pytest.approx(max(each["score"] for each in references(answer)))


# Umlauts, an emoji beyond the first plane, a flag of two code points and a family joined by zero-width joiners: a quote
# that counted bytes or UTF-16 units would be cut in the wrong place.
CHARACTERS = """# Die Mühle 🏭 von Öst

Vor der Mühle weht die Flagge 🇩🇪 und es wohnt dort die Familie 👩‍👩‍👧 Süß. Grüße 😀 aus Öst!

## Der Müller

Der Müller heißt Jörg Größenwald und mahlt Dinkel 🌾 für zwölf Bäcker. Er ist 61 Jahre alt.
"""
HTML = """<html><head><title>Bäckerei</title></head><body><h1>Die Bäckerei 🥨</h1>
<p>Die B&auml;ckerei   verkauft
Brezeln f&uuml;r 0,90 Euro &amp; Zöpfe.</p></body></html>"""


@pytest.mark.parametrize("name, text, query", [
    ("plain.md", LIGHTHOUSE, BUILT),
    ("signs.md", CHARACTERS, "Wie heißt der Müller und was mahlt er?"),
    ("windows.txt", CHARACTERS.replace("\n", "\r\n"), "Wie heißt der Müller und was mahlt er?"),
    ("page.html", HTML, "Was kosten die Brezeln der Bäckerei?"),
])
def test_a_quote_is_exactly_the_text_between_start_and_end(http, client, name, text, query):
    store = knowledge_base(client, "quotes", {name: text})
    found = references(ask(http, query, alan={"knowledgebase_ids": [store]}))
    assert found
    whole = extracted_text(http, store, found[0]["file_id"])
    for reference in found:
        assert 0 <= reference["start"] < reference["end"] <= len(whole)
        assert whole[reference["start"]:reference["end"]] == reference["quote"]


def test_a_stream_brings_references_first_annotations_last_and_usage_once(client, light):
    text, first, last, finish, usages = "", None, None, None, []
    stream = client.chat.completions.create(
        **question(BUILT), stream=True, stream_options={"include_usage": True},
        extra_body={"alan": {"knowledgebase_ids": [light]}})
    chunks = list(stream)
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    first = (chunks[0].model_extra or {}).get("alan")
    for chunk in chunks:
        if not chunk.choices:
            usages.append(chunk.usage)
            continue
        delta = chunk.choices[0].delta
        text += delta.content or ""
        if chunk.choices[0].finish_reason:
            finish, last = chunk.choices[0].finish_reason, delta.model_dump()
    assert first["references"][0]["knowledgebase_id"] == light and first["resolved"]["source"] == "request"
    assert "1871" in text and finish == "stop"
    assert last["annotations"][0]["type"] == "file_citation"
    assert len(usages) == 1 and usages[0].total_tokens > 0 and not chunks[-1].choices


def test_a_stream_without_usage_has_no_empty_choices_and_ends_with_done(http, light):
    answer = http.post("/v1/chat/completions", json=question(BUILT, stream=True, alan={"knowledgebase_ids": [light]}))
    data = events(answer)
    assert data[-1] == "[DONE]" and data.count("[DONE]") == 1
    assert all(json.loads(each)["choices"] for each in data[:-1])


def test_a_stream_says_the_same_as_a_whole_answer(http, light):
    body = question(BUILT, temperature=0, alan={"knowledgebase_ids": [light]})
    whole = http.post("/v1/chat/completions", json=body).json()
    data = [json.loads(each) for each in events(http.post("/v1/chat/completions", json={**body, "stream": True}))[:-1]]
    assert "".join(each["choices"][0]["delta"].get("content") or "" for each in data) == content(whole)


@pytest.mark.parametrize("stream", [False, True])
def test_markers_that_name_no_reference_are_removed(http, light, stream):
    body = question(BUILT, stream=stream, alan={"knowledgebase_ids": [light]}) | {"model": "obey"}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    if stream:
        data = [json.loads(each) for each in events(answer)[:-1]]
        text = "".join(each["choices"][0]["delta"].get("content") or "" for each in data)
    else:
        text = content(answer.json())
    assert "[1]" in text and "99" not in text and text.endswith("as well.")


def test_without_knowledge_a_chat_is_just_a_chat(http):
    answer = ask(http, "Hello there")
    assert content(answer) and not references(answer)
    assert not (answer["choices"][0]["message"].get("annotations") or [])


def test_an_empty_knowledge_base_gives_an_ungrounded_answer(http, client):
    store = client.vector_stores.create(name=unique("empty")).id
    answer = ask(http, BUILT, alan={"knowledgebase_ids": [store]})
    assert not references(answer) and answer["alan"]["retrieval"]["grounded"] is False


def test_a_knowledge_base_that_is_still_indexing_answers_and_says_so(http, client):
    store = knowledge_base(client, "growing", {"lighthouse.md": LIGHTHOUSE})
    ready = ask(http, BUILT, alan={"knowledgebase_ids": [store]})["alan"]["resolved"]["status"]
    long = "\n\n".join(f"Paragraph {n} tells of ship number {n}, its {n % 7} masts and its long way home." for n in range(6000))
    file = upload(client, "long.txt", long)
    client.vector_stores.files.create(vector_store_id=store, file_id=file)
    answer = ask(http, BUILT, alan={"knowledgebase_ids": [store]})
    if client.vector_stores.files.retrieve(file, vector_store_id=store).status != "in_progress":
        pytest.skip("this machine indexes too fast to look at it")
    assert "1871" in content(answer) and answer["alan"]["resolved"]["status"] != ready
    client.vector_stores.delete(store)


def test_a_deleted_document_is_gone_from_search_and_chat_at_once(http, client):
    store = knowledge_base(client, "brief", {"lighthouse.md": LIGHTHOUSE})
    file = client.vector_stores.files.list(store).data[0].id
    assert client.vector_stores.search(store, query="keeper").data
    assert client.vector_stores.files.delete(file, vector_store_id=store).deleted
    assert not client.vector_stores.search(store, query="keeper").data
    assert not references(ask(http, BUILT, alan={"knowledgebase_ids": [store]}))
    error(http.get(f"/v1/vector_stores/{store}/files/{file}"), 404)


def test_a_deleted_knowledge_base_cannot_be_asked(http, client):
    store = knowledge_base(client, "gone", {"lighthouse.md": LIGHTHOUSE})
    client.vector_stores.delete(store)
    error(http.post("/v1/chat/completions", json=question(BUILT, alan={"knowledgebase_ids": [store]})), 404,
          "alan.knowledgebase_ids[0]")


def test_the_same_file_twice_is_a_success_and_one_document(client):
    store = client.vector_stores.create(name=unique("twice")).id
    for _ in range(2):
        file = upload(client, "lighthouse.md", LIGHTHOUSE)
        # The answer may name the document that is there already, under the file it came from.
        document = client.vector_stores.files.create(vector_store_id=store, file_id=file)
        done = client.vector_stores.files.poll(document.id, vector_store_id=store, poll_interval_ms=100)
        assert done.status == "completed"
    assert client.vector_stores.retrieve(store).file_counts.total == 1
    texts = [part.text for result in client.vector_stores.search(store, query=BUILT).data for part in result.content]
    assert len(texts) == len(set(texts))
