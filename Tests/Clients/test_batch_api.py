"""`/batches`: many requests in one file, answered in the background, through crashes too."""
import json
import time

import pytest
from openai.types import Batch, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from conftest import providers
from knowledge import error
from strict import strict
from upstream import Upstream

CHAT = "/v1/chat/completions"
FINAL = {"completed", "failed", "expired", "cancelled"}


def line(custom_id: str, body: dict, url: str = CHAT) -> dict:
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def chat(custom_id: str, text: str, model: str = "words:20") -> dict:
    return line(custom_id, {"model": model, "messages": [{"role": "user", "content": text}]})


def hand_in(client, lines: list, endpoint: str = CHAT, **more):
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    file = client.files.create(file=("input.jsonl", text.encode()), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **more)


def until(client, batch, condition=lambda batch: batch.status in FINAL, seconds: float = 60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        raw = client.batches.with_raw_response.retrieve(batch.id)
        batch = strict(Batch, raw.http_response.json())
        if condition(batch):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"still {batch}")


def lines_of(client, file: str | None) -> list[dict]:
    return [json.loads(text) for text in client.files.content(file).text.splitlines()] if file else []


def test_lines_are_answered_as_their_routes_answer_them(client, light):
    batch = hand_in(client, [chat("a", "one"), chat("b", "two", "nobody/knows"), chat("c", "three", f"kb/{light}")],
                    metadata={"for": "test"})
    assert batch.status == "validating" and batch.metadata == {"for": "test"} and batch.output_file_id is None
    batch = until(client, batch)
    assert batch.status == "completed" and batch.errors is None
    assert (batch.request_counts.total, batch.request_counts.completed, batch.request_counts.failed) == (3, 2, 1)
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at
    output = {each["custom_id"]: each for each in lines_of(client, batch.output_file_id)}
    errors = lines_of(client, batch.error_file_id)
    assert set(output) == {"a", "c"} and [each["custom_id"] for each in errors] == ["b"]
    for each in output.values():
        assert set(each) == {"id", "custom_id", "response", "error"} and each["error"] is None
        assert each["response"]["status_code"] == 200 and each["response"]["request_id"].startswith("req_")
        ChatCompletion.model_validate(each["response"]["body"], strict=True)
    assert errors[0]["response"]["status_code"] == 404
    assert errors[0]["response"]["body"]["error"]["code"] == "model_not_found"
    total = sum(each["response"]["body"]["usage"]["total_tokens"] for each in output.values())
    assert batch.usage.total_tokens == total > 0
    file = client.files.retrieve(batch.output_file_id)
    assert file.purpose == "batch_output" and file.filename == f"{batch.id}_output.jsonl"


def test_embeddings_and_responses_come_in_batches_too(client, light):
    url = "/v1/embeddings"
    batch = hand_in(client, [line(f"{number}", {"input": f"text {number}"}, url) for number in range(20)], url)
    output = lines_of(client, until(client, batch).output_file_id)
    assert {each["custom_id"] for each in output} == {f"{number}" for number in range(20)}
    for each in output:
        strict(CreateEmbeddingResponse, each["response"]["body"])
    url = "/v1/responses"
    tools = [{"type": "file_search", "vector_store_ids": [light]}]
    batch = hand_in(client, [line("r", {"model": "extractive", "input": "When was the lighthouse built?", "tools": tools},
                                  url)], url)
    body = lines_of(client, until(client, batch).output_file_id)[0]["response"]["body"]
    assert "1871" in strict(Response, body, {"alan"}).output_text
    assert client.responses.retrieve(body["id"]).id == body["id"]


@pytest.mark.parametrize("lines, problems", [
    ([], [("empty_file", None, None)]),
    (["{"], [("invalid_json_line", 1, None)]),
    (["[1]"], [("invalid_json_line", 1, None)]),
    ([chat("a", "x"), "", chat("a", "y")], [("duplicate_custom_id", 3, "custom_id")]),
    ([{**chat("a", "x"), "custom_id": 1}], [("missing_required_parameter", 1, "custom_id")]),
    ([{**chat("a", "x"), "method": "GET"}, {**chat("b", "x"), "url": "/v1/embeddings"}],
     [("invalid_method", 1, "method"), ("mismatched_url", 2, "url")]),
    ([{**chat("a", "x"), "body": []}], [("missing_required_parameter", 1, "body")]),
    ([line("a", {"stream": True, "messages": []})], [("invalid_request", 1, "body.stream")]),
    ([chat("a", "x" * (8 << 20))], [("line_too_long", 1, None)]),
])
def test_a_file_with_a_fault_fails_as_a_whole_and_says_where(client, upstream, lines, problems):
    asked = len(upstream.requests)
    batch = until(client, hand_in(client, lines if lines else ["", " "]))
    assert batch.status == "failed" and batch.failed_at and batch.in_progress_at is None
    assert [(each.code, each.line, each.param) for each in batch.errors.data] == problems
    assert batch.output_file_id is None and batch.error_file_id is None and len(upstream.requests) == asked


def test_bad_requests_are_told_what_is_wrong_with_them(http, client):
    file = client.files.create(file=("a.jsonl", b"{}\n"), purpose="batch").id
    other = client.files.create(file=("b.jsonl", b"{}\n"), purpose="assistants").id
    good = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
    for change, status, parameter in [
        ({"input_file_id": None}, 400, "input_file_id"), ({"input_file_id": "file-missing"}, 404, "input_file_id"),
        ({"input_file_id": other}, 400, "input_file_id"), ({"endpoint": "/v1/files"}, 400, "endpoint"),
        ({"endpoint": None}, 400, "endpoint"), ({"completion_window": "1h"}, 400, "completion_window"),
        ({"metadata": {"a": 1}}, 400, "metadata.a"),
    ]:
        error(http.post("/v1/batches", json=good | change), status, parameter)
    error(http.get("/v1/batches/batch_missing"), 404)
    error(http.post("/v1/batches/batch_missing/cancel"), 404)


def test_batches_are_listed_page_by_page(another_server):
    server = another_server().start()
    client = server.openai()
    made = [hand_in(client, [line("a", {"input": "x"}, "/v1/embeddings")], "/v1/embeddings").id for _ in range(5)]
    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
    with server.http() as http:
        page = http.get("/v1/batches", params={"limit": 2, "after": made[3]}).json()
    assert [batch["id"] for batch in page["data"]] == [made[2], made[1]] == [page["first_id"], page["last_id"]]
    assert page["has_more"] is True and page["object"] == "list"


def test_another_tenant_sees_no_batch(server, client, stranger):
    batch = hand_in(client, [chat("a", "x")])
    with server.http(stranger) as http:
        error(http.get(f"/v1/batches/{batch.id}"), 404)
        error(http.post(f"/v1/batches/{batch.id}/cancel"), 404)
        assert http.get("/v1/batches").json()["data"] == []
        error(http.post("/v1/batches", json={"input_file_id": batch.input_file_id, "endpoint": CHAT,
                                             "completion_window": "24h"}), 404, "input_file_id")


def test_a_cancelled_batch_keeps_what_is_done(client, http):
    batch = hand_in(client, [chat("quick", "x"), *(chat(f"slow{number}", "x", "trickle") for number in range(20))])
    until(client, batch, lambda batch: batch.request_counts.completed == 1)
    cancelling = client.batches.cancel(batch.id)
    assert cancelling.status in ("cancelling", "cancelled") and cancelling.cancelling_at
    # The slow lines would never end by themselves.
    batch = until(client, batch)
    assert batch.status == "cancelled" and batch.cancelled_at >= batch.cancelling_at
    assert [each["custom_id"] for each in lines_of(client, batch.output_file_id)] == ["quick"]
    errors = lines_of(client, batch.error_file_id)
    assert {each["custom_id"] for each in errors} == {f"slow{number}" for number in range(20)}
    assert all(each["error"]["code"] == "batch_cancelled" and each["response"] is None for each in errors)
    assert client.batches.cancel(batch.id).status == "cancelled"
    done = until(client, hand_in(client, [chat("a", "x")]))
    error(http.post(f"/v1/batches/{done.id}/cancel"), 409)


def test_a_batch_is_on_the_account_of_its_key_and_ends_with_it(server, client, http):
    key = http.post("/api/v1/keys", json={"name": "batches", "role": "user"}).json()
    with server.openai(key=key["key"]) as maker:
        batch = hand_in(maker, [chat("quick", "x"), *(chat(f"slow{number}", "x", "trickle") for number in range(9))])
    batch = until(client, batch, lambda batch: batch.request_counts.completed == 1)
    [used] = [each for each in http.get(f"/api/v1/usage?key={key['id']}").json()["data"] if each["model"] == "words:20"]
    assert used["requests"] == 1 and used["prompt_tokens"] == batch.usage.input_tokens > 0
    assert http.delete(f"/api/v1/keys/{key['id']}").status_code == 200
    batch = until(client, batch)
    assert batch.status == "cancelled" and batch.request_counts.completed == 1
    assert [each["custom_id"] for each in lines_of(client, batch.output_file_id)] == ["quick"]


def test_a_deleted_input_ends_the_batch_with_what_is_done(client):
    batch = hand_in(client, [chat("a", "x")])
    batch = until(client, batch)
    client.files.delete(batch.input_file_id)
    assert client.batches.retrieve(batch.id).status == "completed"
    assert len(lines_of(client, batch.output_file_id)) == 1


def test_a_killed_server_neither_loses_nor_repeats_what_is_done(another_server):
    upstream = Upstream()
    server = another_server(config=providers(upstream.url, "http://127.0.0.1:9/v1")).start()
    client = server.openai()
    quick = [chat(f"quick{number}", f"quick {number}") for number in range(40)]
    slow = [chat(f"slow{number}", "x", "impatient/trickle") for number in range(8)]
    batch = hand_in(client, quick + slow)
    before = until(client, batch, lambda batch: batch.request_counts.completed == 40)
    assert before.status == "in_progress"
    server.kill()
    asked = len(upstream.asked("words:20"))
    server.start()
    client = server.openai()
    again = client.batches.retrieve(batch.id)
    assert again.status == "in_progress" and again.request_counts.completed == 40
    client.batches.cancel(batch.id)
    ended = until(client, batch)
    assert len(upstream.asked("words:20")) == asked == 40
    output = [each["custom_id"] for each in lines_of(client, ended.output_file_id)]
    assert sorted(output) == sorted(each["custom_id"] for each in quick)
    assert ended.request_counts.completed == 40
    upstream.close()


def test_kills_amid_the_work_cost_at_most_what_was_being_answered(another_server):
    upstream = Upstream()
    server = another_server(config=providers(upstream.url, "http://127.0.0.1:9/v1")).start()
    client = server.openai()
    names = [f"line{number}" for number in range(150)]
    batch = hand_in(client, [chat(name, name) for name in names])
    kills = 3
    for _ in range(kills):
        until(client, batch, lambda batch: batch.status != "validating")
        server.kill()
        server.start()
        client = server.openai()
    ended = until(client, batch)
    assert ended.status == "completed" and ended.request_counts.completed == len(names)
    assert sorted(each["custom_id"] for each in lines_of(client, ended.output_file_id)) == sorted(names)
    # Eight at a time are under way.
    assert len(names) <= len(upstream.asked("words:20")) <= len(names) + 8 * kills
    upstream.close()
