"""What users of text-generation-webui, llama.cpp and older OpenAI clients find at the same places."""
import json
import os
import subprocess

import httpx
import pytest

from knowledge import ask, error, events, question


def test_tokens_go_there_and_back(http):
    encoded = http.post("/v1/internal/encode", json={"text": "The lamp flashes, twice."}).json()
    assert encoded["length"] == len(encoded["tokens"]) == 6
    assert http.post("/v1/internal/decode", json={"tokens": encoded["tokens"]}).json() == {"text": "the lamp flashes, twice."}
    assert http.post("/v1/internal/token-count", json={"text": "The lamp flashes, twice."}).json() == {"length": 6}
    # The same ids are what /embeddings takes instead of text.
    both = http.post("/v1/embeddings", json={"input": [encoded["tokens"]], "encoding_format": "float"}).json()
    text = http.post("/v1/embeddings", json={"input": "The lamp flashes, twice.", "encoding_format": "float"}).json()
    assert both["data"][0]["embedding"] == pytest.approx(text["data"][0]["embedding"], abs=1e-6)
    error(http.post("/v1/internal/encode", json={}), 400, "text")
    error(http.post("/v1/internal/decode", json={"tokens": [99_999_999]}), 400, "tokens")
    error(http.post("/v1/internal/decode", json={"tokens": ["a"]}), 400, "tokens[0]")


def test_the_prompt_behind_a_chat_can_be_seen(http, light, upstream):
    before = len(upstream.requests)
    shown = http.post("/v1/internal/chat-prompt", json=question(
        "When was the lighthouse built?", alan={"knowledgebase_ids": [light]}) | {"model": "echo"}).json()["prompt"]
    assert "1871" in shown and shown.endswith("<|im_start|>assistant\n") and len(upstream.requests) == before


def test_likely_next_tokens_are_told_where_the_model_tells_them(http):
    likely = http.post("/v1/internal/logits", json={"prompt": "x", "model": "likely", "top_logits": 5}).json()["logits"]
    assert likely["one "] == pytest.approx(0.6065, abs=1e-3) and likely["other"] < likely["one "]
    error(http.post("/v1/internal/logits", json={"prompt": "x", "model": "extractive"}), 400, "model")


def test_models_are_told_and_never_loaded(server, http):
    assert http.get("/v1/internal/health").json() == {"status": "ok"}
    assert http.get("/v1/internal/model/info").json() == {
        "model_name": "extractive", "lora_names": [], "loader": "almanac"}
    names = http.get("/v1/internal/model/list").json()["model_names"]
    assert {"extractive", "echo"} <= set(names) and "all-MiniLM-L6-v2" not in names
    assert http.get("/v1/internal/lora/list").json() == {"lora_names": []}
    assert http.post("/v1/internal/model/load", json={"model_name": "extractive"}).json() == "OK"
    error(http.post("/v1/internal/model/load", json={"model_name": "echo"}), 400, "model_name")
    for path in ("model/unload", "lora/load", "lora/unload"):
        error(http.post(f"/v1/internal/{path}", json={"lora_names": []}), 400)
    assert http.post("/v1/internal/stop-generation").json() == "OK"
    user = http.post("/api/v1/keys", json={"name": "user"}).json()["key"]
    with server.http(user) as plain:
        assert plain.get("/v1/internal/model/info").status_code == 200
        for method, path in (("GET", "model/list"), ("POST", "model/load"), ("POST", "model/unload"), ("GET", "lora/list")):
            error(plain.request(method, f"/v1/internal/{path}", json={"model_name": "extractive"}), 403)


def test_engines_are_models_by_their_older_name(http):
    listed = http.get("/v1/engines").json()
    assert {"extractive", "vendor/echo"} <= {engine["id"] for engine in listed["data"]}
    assert http.get("/v1/engines/vendor/echo").json()["object"] == "engine"
    error(http.get("/v1/engines/no/such"), 404, "model", "model_not_found")
    made = http.post("/v1/engines/words:20/completions", json={"prompt": "x", "model": "ignored"}).json()
    assert made["object"] == "text_completion" and made["choices"][0]["text"].split() == ["word"] * 20
    made = http.post("/v1/engines/all-MiniLM-L6-v2/embeddings", json={"input": "a cat", "encoding_format": "float"}).json()
    assert len(made["data"][0]["embedding"]) == 384
    error(http.post("/v1/engines/extractive/paint", json={}), 404)


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/v1/images/generations", 404), ("POST", "/v1/images/edits", 404), ("POST", "/v1/images/variations", 404),
    ("POST", "/v1/audio/transcriptions", 404), ("POST", "/v1/audio/speech", 404), ("POST", "/v1/fine-tunes", 404),
    ("GET", "/v1/fine-tunes/x/events", 404), ("POST", "/v1/fine_tuning/jobs", 404), ("POST", "/v1/search", 404),
    ("POST", "/v1/rerank", 404), ("POST", "/v2/rerank", 404), ("POST", "/v1/tokenize", 404),
    ("POST", "/v1/semantic_embed", 404), ("POST", "/v1/messages", 404),
    ("POST", "/v1/edits", 410), ("POST", "/v1/text_completion", 410),
])
def test_what_is_not_offered_is_refused_in_words(http, method, path, status):
    found = error(http.request(method, path, content=b"\x00 not even JSON"), status)
    assert len(found["message"]) > 30 and found["type"] == "invalid_request_error"


def test_nothing_is_billed(http):
    assert http.get("/v1/billing/usage").json()["total_usage"] == 0


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_is_open(server, path):
    assert httpx.get(server.base + path).json()["status"] == "ok"


@pytest.mark.parametrize("prefix", ["/vm/a8b6d895cfe757d4bc5db9ba30675b5031fe3189a99a14f13d5210c473220caf/v1", "/vision",
                                    "/gateway/tenant-7/api/v1/oai", "/some/where/oai", "/llm/v2"])
def test_any_prefix_leads_to_the_api(server, prefix):
    client = server.openai(prefix)
    assert client.models.retrieve("vendor/echo").id == "vendor/echo"
    assert client.chat.completions.create(**question("Hello")).choices[0].message.content
    error(httpx.get(f"{server.base}{prefix}/models"), 401)


def test_a_prefix_hides_nothing_real(http):
    error(http.get("/v1/models/v1/models"), 404, "model", "model_not_found")
    error(http.get("/nothing/v3/models"), 404)
    assert http.get("/prefix/v1/models?x=/y").status_code == 200


def test_moderation_judges_by_meaning_and_the_same_every_time(client):
    texts = ["I want to kill myself.", "Thank you, the meeting is at ten.", "I will find you and beat you until you bleed."]
    made = client.moderations.create(input=texts, model="omni-moderation-latest")
    assert made.id.startswith("modr-") and [result.flagged for result in made.results] == [True, False, True]
    assert made.results[0].categories.self_harm_intent and made.results[0].category_scores.self_harm_intent > 0.5
    assert len(made.results[0].category_scores.to_dict()) == 13
    again = client.moderations.create(input=texts[0])
    assert again.results[0].category_scores == made.results[0].category_scores


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": 7}, {"input": ["a", 7]},
                                  {"input": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}])
def test_a_wrong_moderation_is_refused(http, body):
    found = error(http.post("/v1/moderations", json=body), 400)
    assert found["param"].startswith("input")


def test_webui_streams_hold_messages_beside_deltas(http):
    for more, mirrored in (({"mode": "instruct"}, True), ({}, False)):
        data = events(http.post("/v1/chat/completions", json=question("Hello", stream=True) | more | {"model": "words:20"}))
        choices = [json.loads(each)["choices"][0] for each in data[:-1]]
        assert data[-1] == "[DONE]" and all(("message" in choice) == mirrored for choice in choices)
        if mirrored:
            assert "".join(choice["message"]["content"] for choice in choices).split() == ["word"] * 20


def test_niceness_is_accepted(http):
    assert http.post("/chat/completions?nice=true", json=question("Hello")).status_code == 200


def test_webuis_variables_count_before_flags(another_server, tmp_path):
    server = another_server()
    wanted = server.port
    server.port = 1  # what the flag will say
    server.environment |= {"OPENEDAI_PORT": str(wanted), "OPENEDAI_DEBUG": "1", "OPENEDAI_EMBEDDING_DEVICE": "cuda",
                           "OPENEDAI_EMBEDDING_MODEL": "sentence-transformers/all-MiniLM-L6-v2"}
    server.base = f"http://127.0.0.1:{wanted}"
    server.start()
    assert httpx.get(f"{server.base}/readyz").status_code == 200
    assert "embedding runs on the processor" in server.tail()


def test_certificates_make_it_https(another_server, tmp_path):
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=almanac.example", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, capture_output=True)
    assert made.returncode == 0, made.stderr
    server = another_server(OPENEDAI_CERT_PATH=str(tmp_path / "cert.pem"), OPENEDAI_KEY_PATH=str(tmp_path / "key.pem"))
    server.base = server.base.replace("http:", "https:")
    os.environ["SSL_CERT_FILE"] = str(tmp_path / "cert.pem")
    try:
        server.start()
        with server.http() as http:
            assert http.get("/v1/models").status_code == 200
            assert "[DONE]" in http.post("/v1/chat/completions", json=question("Hello", stream=True)).text
    finally:
        del os.environ["SSL_CERT_FILE"]
    listed = server.run("kb", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    server.environment["OPENEDAI_KEY_PATH"] = str(tmp_path / "none.pem")
    assert server.run("kb", "list").returncode != 0


def test_streams_end_without_done_where_the_operator_wants_it(another_server):
    with another_server(config="stream_done: false\n").start().http() as http:
        for path, body in (("chat/completions", question("Hello", mode="instruct")), ("completions", {"prompt": "Hello"})):
            data = events(http.post(f"/v1/{path}", json=body | {"stream": True}))
            assert all(json.loads(each)["choices"] for each in data)


def test_pages_of_named_origins_may_call(another_server):
    server = another_server(config='cors_origins: ["https://chat.example.org"]\n').start()
    ours, theirs = {"Origin": "https://chat.example.org"}, {"Origin": "https://evil.example"}
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    before = httpx.options(f"{server.base}/v1/chat/completions", headers=ours | asking)
    assert before.status_code == 204 and before.headers["access-control-allow-origin"] == ours["Origin"]
    assert "authorization" in before.headers["access-control-allow-headers"] and before.headers["x-request-id"]
    with server.http() as http:
        for path, status in (("/v1/models", 200), ("/v1/models/none", 404)):
            answer = http.get(path, headers=ours)
            assert answer.status_code == status and answer.headers["access-control-allow-origin"] == ours["Origin"]
            assert answer.headers["vary"] == "Origin" and "access-control-allow-credentials" not in answer.headers
        assert "access-control-allow-origin" not in http.get("/v1/models", headers=theirs).headers
    assert httpx.options(f"{server.base}/v1/models", headers=theirs | asking).status_code == 401
