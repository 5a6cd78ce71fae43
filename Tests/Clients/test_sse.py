"""Streams as other readers of server-sent events see them: `sseclient-py`, and curl."""
import json
import shutil
import subprocess

import httpx
import pytest
import sseclient

from knowledge import ask, content, question

QUESTION = "When was the lighthouse of Velden built?"


def text_of(chunks: list[dict]) -> str:
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


def test_sseclient_reads_a_stream_to_its_end(http, light):
    body = question(QUESTION, stream=True, alan={"knowledgebase_ids": [light]})
    with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = list(sseclient.SSEClient(answer.iter_bytes()).events())
    assert events[-1].data == "[DONE]" and {event.event for event in events} == {"message"}
    chunks = [json.loads(event.data) for event in events[:-1]]
    assert text_of(chunks) == content(ask(http, QUESTION, alan={"knowledgebase_ids": [light]}))
    assert chunks[0]["alan"]["references"] and all(chunk["choices"] for chunk in chunks)


def test_a_jobs_events_carry_names_and_ids(http, light):
    job = http.get("/api/v1/jobs", params={"status": "completed"}).json()["data"][0]["id"]
    with http.stream("GET", f"/api/v1/jobs/{job}/events") as answer:
        events = list(sseclient.SSEClient(answer.iter_bytes()).events())
    assert events[-1].event == "completed" and json.loads(events[-1].data)["id"] == job
    assert [int(event.id) for event in events] == sorted(int(event.id) for event in events)


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions", "/api/v1/oai/chat/completions"])
def test_curl_prints_events_as_they_come(server, light, path):
    body = json.dumps(question(QUESTION, stream=True, alan={"knowledgebase_ids": [light]}))
    run = subprocess.run(
        ["curl", "--silent", "--no-buffer", "--fail", "--data", body, "--header", f"Authorization: Bearer {server.key}",
         "--header", "Content-Type: application/json", server.base + path],
        capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stdout.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines) and lines[-1] == "data: [DONE]"
    assert "1871" in text_of([json.loads(line.removeprefix("data: ")) for line in lines[:-1]])


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_curl_uploads_a_form_and_a_file_as_it_is(server, light, tmp_path):
    file = tmp_path / "tide table.md"
    file.write_text("# Tides\n\nHigh water at Velden comes at noon on Fridays.\n")
    key = ["--header", f"Authorization: Bearer {server.key}"]

    def curl(*arguments) -> dict:
        run = subprocess.run(["curl", "--silent", "--fail", *key, *map(str, arguments)], capture_output=True, text=True,
                             timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    made = curl("--form", "purpose=assistants", "--form", f"file=@{file}", f"{server.base}/v1/files")
    assert made["filename"] == "tide table.md" and made["bytes"] == file.stat().st_size
    put = curl("--upload-file", file, f"{server.base}/api/v1/knowledgebases/{light}/documents/tides.md")
    assert put["external_id"] == "tides.md" and put["change"] == "created"
    curl("--request", "DELETE", f"{server.base}/api/v1/knowledgebases/{light}/documents/tides.md")


def test_a_client_without_any_library_is_served(server):
    answer = httpx.get(f"{server.base}/v1/models", headers={"X-API-KEY": server.key, "User-Agent": ""})
    assert answer.status_code == 200
