"""What the documentations of the five services tell their users to run, with nothing changed but address, key and models."""
import asyncio
import json

import httpx
import openai
import pytest

from upstream import KEY, Upstream

ALAN = ["comma-soft/llama-comma-llm-s-v3", "comma-soft/comma-llm-l", "comma-soft/llama-comma-llm-l-v3"]
OTHERS = ["llama-3.1-70b-instruct", "openhermes-2.5", "Llama-3.1-70B-Instruct", "gpt/call", "llava/echo"]
EMBEDDING = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A server with the services' models; the fake model server answers "one two three" for most."""
    from server import Server

    upstream = Upstream()
    names = ", ".join(f'"{name}"' for name in ALAN + OTHERS)
    config = (f'default_model: openhermes-2.5\nproviders:\n  - name: fake\n    base_url: "{upstream.url}"\n'
              f'    api_key: "{KEY}"\n    models: [{names}]\n')
    running = Server(tmp_path_factory.mktemp("services"), config).start()
    running.upstream = upstream
    yield running
    running.stop()
    upstream.close()


# Alan


def test_alan_models_chat_and_embeddings(service):
    client = service.openai("/api/v1/oai")
    assert set(ALAN) <= {model.id for model in client.models.list().data}
    assert client.models.retrieve("comma-soft/llama-comma-llm-s-v3").id == "comma-soft/llama-comma-llm-s-v3"
    messages = [{"role": "user", "content": "Wie geht es dir?"}]
    streamed = client.chat.completions.create(messages=messages, model="comma-soft/comma-llm-l", temperature=0.7, top_p=0.9,
                                              extra_body={"max_token": 20}, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == "one two three"
    assert service.upstream.requests[-1].body["max_tokens"] == 20
    whole = client.chat.completions.create(messages=messages, model="comma-soft/comma-llm-l", stream=False)
    assert whole.choices[0].message.content == "one two three"
    assert len(client.embeddings.create(input="Dies ist ein Text!", model=EMBEDDING).data[0].embedding) == 384


def test_alan_without_waiting(service):
    async def run():
        async with openai.AsyncOpenAI(api_key=service.key, base_url=f"{service.base}/api/v1/oai") as client:
            made = await client.chat.completions.create(messages=[{"role": "user", "content": "Hallo"}], model=ALAN[1],
                                                        stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in made])

    assert asyncio.run(run()) == "one two three"


def test_alan_experts_and_knowledge(service):
    from knowledge import expert, knowledge_base

    client = service.openai("/api/v1/oai")
    base = knowledge_base(service.openai(), "max", {"max.md": "# Max\n\nMax kommt aus Bonn und spielt gerne Schach.\n"})
    with service.http() as http:
        known = expert(http, user_system_prompt="Antworte kurz.", knowledgebase_ids=[])
    extra_body = {"alan": {"expert_id": known, "knowledgebase_ids": [base]}}
    message = {"role": "user", "content": "Was kannst du mir über Max erzählen?"}
    completion = client.chat.completions.create(messages=[message], model="comma-soft/llama-comma-llm-l-v3", stream=False,
                                                extra_body=extra_body)
    assert completion.model_extra["alan"]["resolved"]["knowledgebase_ids"] == [base]
    saw = service.upstream.requests[-1].body["messages"]
    assert saw[0] == {"role": "system", "content": "Antworte kurz."} and "Schach" in saw[-1]["content"]


# Aleph Alpha: no /v1 in the address


def test_aleph_alpha_streams_until_content_is_none(service):
    messages = service.openai("").chat.completions.create(
        model="llama-3.1-70b-instruct", stream=True,
        messages=[{"role": "user", "content": "What is answer to the ultimate question of life? Be brief."},
                  {"role": "assistant", "content": "42."}, {"role": "user", "content": "Why was that number chosen?"}])
    printed = []
    for message in messages:
        content = message.choices[0].delta.content
        printed.append(content if content != None else "<end-of-stream>")  # noqa: E711
    assert "".join(printed) == "one two three<end-of-stream>"


# LibertAI: an address with a machine's name in it


@pytest.mark.parametrize("more", [{}, {"mirostat": 2}])
def test_libertai_chat_under_its_long_address(service, more):
    path = "/vm/a8b6d895cfe757d4bc5db9ba30675b5031fe3189a99a14f13d5210c473220caf/v1/"
    body = {"model": "openhermes-2.5", "max_tokens": 128, "messages": [
        {"role": "system", "content": "You are Libertai, an AI assistant."}, {"role": "user", "content": "Say this is a test"}]}
    completion = service.openai(path).chat.completions.create(**body, extra_body=more)
    assert completion.choices[0].message.content == "one two three"
    raw = httpx.post(f"{service.base}{path}chat/completions", headers={"Authorization": f"Bearer {service.key}"},
                     json=body | more)
    assert raw.status_code == 200 and raw.json()["choices"][0]["message"]["content"] == "one two three"
    assert more.items() <= service.upstream.requests[-1].body.items()


# text-generation-webui


HELLO = {"messages": [{"role": "user", "content": "Hello!"}]}
CAKE = {"prompt": "This is a cake recipe:\n\n1.", "max_tokens": 200, "temperature": 1, "top_p": 0.9, "seed": 10}


@pytest.mark.parametrize("body", [{"mode": "instruct", "instruction_template": "Alpaca"}, {"mode": "chat", "character": "Example"}])
def test_webui_chats_by_post(service, body):
    with service.http() as http:
        answer = http.post("/v1/chat/completions", json=HELLO | body).json()
    assert answer["choices"][0]["message"]["content"] == "one two three"
    assert body.items() <= service.upstream.requests[-1].body.items()


def test_webui_chat_keeps_its_history(service):
    history = []
    with service.http() as http:
        for user_message in ("Hello!", "And now?"):
            history.append({"role": "user", "content": user_message})
            data = {"mode": "chat", "character": "Example", "messages": history}
            assistant_message = http.post("/v1/chat/completions", json=data).json()["choices"][0]["message"]["content"]
            history.append({"role": "assistant", "content": assistant_message})
    assert len(service.upstream.requests[-1].body["messages"]) == 3


def test_webui_streams_are_read_by_their_messages(service):
    data = HELLO | {"mode": "instruct", "instruction_template": "Alpaca", "stream": True}
    assistant_message = ""
    with service.http() as http, http.stream("POST", "/v1/chat/completions", json=data) as response:
        for event in data_of(response):
            assistant_message += json.loads(event)["choices"][0]["message"]["content"]
    assert assistant_message == "one two three"


def test_webui_completions_with_a_seed_repeat_themselves(service):
    with service.http() as http:
        texts = {http.post("/v1/completions", json=CAKE).json()["choices"][0]["text"] for _ in range(2)}
        assert texts == {"one two three"}
        with http.stream("POST", "/v1/completions", json=CAKE | {"stream": True}) as response:
            assert "".join(json.loads(event)["choices"][0]["text"] for event in data_of(response)) == "one two three"


def data_of(response: httpx.Response):
    """The data of the events up to `[DONE]`, which the reader of every client takes for the end."""
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield line.removeprefix("data: ")


# T-Systems LLM Serving


def test_tsystems_models_tell_their_measures(service):
    models = service.openai("/v2").models.list()
    assert {"max_sequence_length", "hidden_size", "max_output_length"} == models.data[0].meta_data.keys()


@pytest.mark.parametrize("stream", [True, False])
def test_tsystems_chat_and_completions(service, stream):
    client = service.openai("/v2")
    chat_response = client.chat.completions.create(
        model="Llama-3.1-70B-Instruct", temperature=0.1, max_tokens=256, stream=stream,
        messages=[{"role": "system", "content": "You are a helpful assistant named Llama-3."},
                  {"role": "user", "content": "What is Open Telekom Cloud?"}])
    completion = client.completions.create(model="Llama-3.1-70B-Instruct", prompt="What is Python programming language?",
                                           stream=stream, temperature=0.2, max_tokens=128)
    if not stream:
        assert chat_response.choices[0].message.content == completion.choices[0].text == "one two three"
        return
    said = ""
    for chunk in chat_response:
        if chunk.choices:
            if chunk.choices[0].delta.content is not None:
                said += chunk.choices[0].delta.content
    told = ""
    for chunk in completion:
        if chunk.choices:
            if chunk.choices[0].text is not None:
                told += chunk.choices[0].text
    assert said == told == "one two three"


def test_tsystems_embeddings(service):
    texts = ["I am Batman and I'm rich", "I am Spiderman", "I am Ironman and I'm a bilionaire", "I am Flash",
             "I am the president of USA"]
    embeddings = service.openai("/v2").embeddings.create(input=texts, model=EMBEDDING)
    assert len(embeddings.data) == 5 and len(embeddings.data[0].embedding) == 384 and embeddings.usage.prompt_tokens > 5


def test_tsystems_function_calling(service):
    tools = [{"type": "function", "function": {
        "name": "get_current_weather", "description": "Get the current weather", "parameters": {
            "type": "object", "required": ["location", "format"], "properties": {
                "location": {"type": "string"}, "format": {"type": "string", "enum": ["celsius", "fahrenheit"]}}}}}]
    messages = [{"role": "system", "content": "Ask for clarification if a user request is ambiguous."},
                {"role": "user", "content": "What's the weather like today in Hamburg"}]
    client = service.openai("/v2")
    assistant_message = client.chat.completions.create(model="gpt/call", messages=messages, tools=tools).choices[0].message
    assert assistant_message.content is None and assistant_message.tool_calls[0].type == "function"
    messages.append(assistant_message)
    messages.append({"role": "tool", "tool_call_id": assistant_message.tool_calls[0].id, "content": "12 degrees"})
    assert client.chat.completions.create(model="openhermes-2.5", messages=messages, tools=tools).choices[0].message.content


@pytest.mark.parametrize("url", ["https://upload.example.org/boardwalk.jpg", "data:image/jpeg;base64,/9j/4AAQSkZJRg=="])
def test_tsystems_vision(service, url):
    chat_response = service.openai("/vision").chat.completions.create(
        model="llava/echo", max_tokens=300, stream=True, temperature=0.01, messages=[
            {"role": "system", "content": [{"type": "text", "text": "You are a helpful assistant named LLava."}]},
            {"role": "user", "content": [{"type": "text", "text": "What’s in this image?"},
                                         {"type": "image_url", "image_url": {"url": url}}]}])
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chat_response if chunk.choices)
    assert json.loads(said)["messages"][1]["content"][1] == {"type": "image_url", "image_url": {"url": url}}


# Raw HTTP, as people type it


def test_alan_fields_inside_a_literal_extra_body(service):
    body = HELLO | {"extra_body": {"alan": {"knowledgebase_ids": ["vs_none"]}}, "max_token": 5}
    answer = httpx.post(f"{service.base}/v1/chat/completions", headers={"X-API-KEY": service.key}, json=body)
    assert answer.status_code == 404 and answer.json()["error"]["param"] == "alan.knowledgebase_ids[0]"
    del body["extra_body"]
    assert httpx.post(f"{service.base}/v1/chat/completions", headers={"X-API-KEY": service.key}, json=body).status_code == 200
    assert service.upstream.requests[-1].body["max_tokens"] == 5
