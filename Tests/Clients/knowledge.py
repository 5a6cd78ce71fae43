"""Documents to ask about, and the few steps that most tests begin with."""
import re
import uuid

import httpx
import openai

LIGHTHOUSE = """# The lighthouse of Velden

The lighthouse of Velden was built in 1871. Its lamp shows three white flashes every twenty seconds.

## Keeper

The last keeper, Ilse Brandt, retired in 1994. She kept a log of every storm.
"""

MILL = """# The mill at Osterbach

The mill at Osterbach grinds rye on Tuesdays and Fridays. The miller pays four euros for a sack of rye.
"""


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def upload(client: openai.OpenAI, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return client.files.create(file=(name, data), purpose="assistants").id


def attach(client: openai.OpenAI, store: str, file: str):
    """Puts a file into a knowledge base and waits until it was indexed or refused."""
    return client.vector_stores.files.create_and_poll(vector_store_id=store, file_id=file, poll_interval_ms=100)


def knowledge_base(client: openai.OpenAI, name: str, documents: dict[str, str]) -> str:
    """A new knowledge base with these documents, all of them searchable."""
    store = client.vector_stores.create(name=unique(name)).id
    for filename, text in documents.items():
        document = attach(client, store, upload(client, filename, text))
        assert document.status == "completed", document
    return store


def expert(http: httpx.Client, **settings) -> str:
    made = http.post("/api/v1/experts", json={"title": unique("expert"), "settings": settings})
    assert made.status_code in (200, 201), made.text
    return made.json()["id"]


def question(text: str, **body) -> dict:
    return {"model": "extractive", "messages": [{"role": "user", "content": text}], **body}


def ask(http: httpx.Client, text: str, path: str = "/v1/chat/completions", **body) -> dict:
    """One chat completion, as JSON."""
    answer = http.post(path, json=question(text, **body))
    assert answer.status_code == 200, answer.text
    return answer.json()


def content(answer: dict) -> str:
    return answer["choices"][0]["message"]["content"]


def references(answer: dict) -> list[dict]:
    return answer.get("alan", {}).get("references") or []


def sources(answer: dict) -> set[str]:
    """The knowledge bases that the references come from."""
    return {reference["knowledgebase_id"] for reference in references(answer)}


def resolved(answer: dict) -> dict:
    return answer["alan"]["resolved"]


def cited(answer: dict) -> list[dict]:
    """The references that the text cites, in the order of its markers."""
    by_index = {reference["index"]: reference for reference in references(answer)}
    return [by_index[int(marker)] for marker in re.findall(r"\[(\d+)\]", content(answer))]


def extracted_text(http: httpx.Client, store: str, file: str) -> str:
    """The canonical text of a document, which citations point into."""
    page = http.get(f"/v1/vector_stores/{store}/files/{file}/content")
    assert page.status_code == 200, page.text
    return "".join(part["text"] for part in page.json()["data"])


def error(response: httpx.Response, status: int | set[int], param: str | None = None, code: str | None = None) -> dict:
    """Checks that this is the documented kind of error, and gives its error object."""
    allowed = status if isinstance(status, set) else {status}
    assert response.status_code in allowed, f"{response.status_code} is not in {allowed}: {response.text[:300]}"
    assert response.headers.get("x-request-id"), "an error carries x-request-id"
    found = response.json()["error"]
    assert isinstance(found["message"], str) and found["message"], found
    assert isinstance(found["type"], str) and {"param", "code"} <= found.keys(), found
    if param is not None:
        assert found["param"] == param, found
    if code is not None:
        assert found["code"] == code, found
    return found


def events(response: httpx.Response) -> list[str]:
    """The data of every event of a finished stream."""
    assert response.headers["content-type"].startswith("text/event-stream"), response.headers
    return [line.removeprefix("data:").strip() for line in response.text.splitlines() if line.startswith("data:")]
