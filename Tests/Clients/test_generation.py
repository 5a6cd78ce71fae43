"""Everything that makes text: chat parameters, legacy completions, tools, pictures, Alan's own stream."""
import json

import openai
import pytest

from knowledge import ask, content, error, events, question

TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
LINK = {"type": "image_url", "image_url": {"url": "https://example.org/boardwalk.jpg"}}


def sent(answer: dict) -> dict:
    """What reached the model `echo`."""
    return json.loads(content(answer))


def chunks(response) -> list[dict]:
    return [json.loads(data) for data in events(response) if data != "[DONE]"]


def test_all_known_parameters_reach_the_model_and_nothing_else_does(http):
    known = {
        "temperature": 0.3, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": -0.1, "seed": 11, "stop": ["END"],
        "logit_bias": {"42": -5}, "response_format": {"type": "json_object"}, "reasoning_effort": "low", "user": "kim",
        "metadata": {"a": "b"}, "service_tier": "auto", "prediction": {"type": "content", "content": "x"},
        "modalities": ["text"], "top_k": 40, "min_p": 0.05, "typical_p": 1, "repeat_penalty": 1.1, "mirostat": 2,
        "mirostat_tau": 5.0, "grammar": "root ::= [a-z]+", "cache_prompt": True, "samplers": ["top_k"], "mode": "instruct",
        "instruction_template": "Alpaca", "preset": "min_p", "continue_": False, "steering_concepts": [],
    }
    unknown = {"api_base": "http://evil", "api_key": "x", "nonsense": 1, "extra_headers": {"a": "b"}}
    params = sent(ask(http, "Hello", model="echo", **known, **unknown, max_token=9))["params"]
    assert {name: params[name] for name in known} == known and params["max_tokens"] == 9
    assert not unknown.keys() & params.keys() and "max_token" not in params and "alan" not in params


def test_a_strict_provider_gets_openais_parameters_only(http):
    params = sent(ask(http, "Hello", model="blind/echo", temperature=0.3, mirostat=2, mode="instruct"))["params"]
    assert params["temperature"] == 0.3 and not {"mirostat", "mode"} & params.keys()


@pytest.mark.parametrize("name", ["max_token", "max_tokens", "max_completion_tokens", "maximum_tokens", "n_predict"])
def test_every_name_of_the_token_limit_counts(http, light, name):
    answer = ask(http, "When was the lighthouse built?", alan={"knowledgebase_ids": [light]}, **{name: 5})
    assert answer["choices"][0]["finish_reason"] == "length" and answer["usage"]["completion_tokens"] <= 5


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_come_back_whole_and_streamed(client, stream):
    made = client.chat.completions.create(model="call", messages=[{"role": "user", "content": "Weather in Hamburg?"}],
                                          tools=TOOLS, stream=stream)
    if stream:
        deltas = [chunk.choices[0].delta for chunk in made if chunk.choices]
        pieces = [call for delta in deltas for call in delta.tool_calls or []]
        assert pieces[0].id == "call_1" and pieces[0].function.name == "weather"
        arguments = "".join(piece.function.arguments or "" for piece in pieces)
    else:
        message = made.choices[0].message
        assert message.content is None and made.choices[0].finish_reason == "tool_calls"
        assert message.tool_calls[0].id == "call_1" and message.tool_calls[0].function.name == "weather"
        arguments = message.tool_calls[0].function.arguments
    assert json.loads(arguments) == {"city": "Hamburg"}


def test_tools_and_knowledge_go_together(http, light):
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "When was the lighthouse built?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
    ]
    body = {"model": "echo", "messages": messages, "tools": TOOLS, "alan": {"knowledgebase_ids": [light]}}
    answer = http.post("/v1/chat/completions", json=body).json()
    saw = sent(answer)
    assert [message["role"] for message in saw["messages"]] == ["system", "user", "assistant", "tool"]
    assert "1871" in saw["messages"][1]["content"] and saw["messages"][2:] == messages[2:]
    assert saw["params"]["tools"] == TOOLS and answer["alan"]["retrieval"]["grounded"]


def test_pictures_reach_a_model_that_sees(http, light):
    parts = [{"type": "text", "text": "When was the lighthouse built?"}, PICTURE, LINK]
    body = question("", alan={"knowledgebase_ids": [light]}) | {"messages": [
        {"role": "system", "content": [{"type": "text", "text": "Look."}]}, {"role": "user", "content": parts}]}
    saw = sent(http.post("/v1/chat/completions", json=body | {"model": "echo"}).json())
    assert saw["messages"][-1]["content"][-2:] == [PICTURE, LINK]
    assert "1871" in saw["messages"][-1]["content"][0]["text"]
    for model in ("extractive", "blind/echo"):
        error(http.post("/v1/chat/completions", json=body | {"model": model}), 400, "messages[1].content[1]")


def test_choices_are_counted_and_their_usage_added_up(client):
    made = client.chat.completions.create(model="words:20", messages=[{"role": "user", "content": "x"}], n=3)
    assert [choice.index for choice in made.choices] == [0, 1, 2]
    assert all(choice.message.content.split() == ["word"] * 20 for choice in made.choices)
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (7, 60)
    texts = ["", "", ""]
    for chunk in client.chat.completions.create(model="words:20", messages=[{"role": "user", "content": "x"}], n=3,
                                                stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
        usage = chunk.usage
    assert all(text.split() == ["word"] * 20 for text in texts) and usage.completion_tokens == 60


def test_log_probabilities_come_through(client):
    made = client.chat.completions.create(model="likely", messages=[{"role": "user", "content": "x"}], logprobs=True,
                                          top_logprobs=1)
    assert [token.token for token in made.choices[0].logprobs.content] == ["one ", "two "]
    assert client.chat.completions.create(model="extractive", messages=[{"role": "user", "content": "x"}],
                                          logprobs=True).choices[0].logprobs is None


@pytest.mark.parametrize("format", [{"type": "json_object"}, {"type": "json_schema", "schema": {}},
                                    {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}}])
def test_quotes_are_no_json_and_that_is_said(http, format):
    error(http.post("/v1/chat/completions", json=question("x", response_format=format)), 400, "response_format")
    assert sent(ask(http, "x", model="echo", response_format=format))["params"]["response_format"] == format


@pytest.mark.parametrize("body, param", [
    ({"n": 0}, "n"), ({"n": 17}, "n"), ({"seed": "x"}, "seed"), ({"logprobs": 1}, "logprobs"), ({"top_logprobs": 2}, "top_logprobs"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"), ({"logit_bias": {"1": 101}}, "logit_bias.1"),
    ({"logit_bias": 7}, "logit_bias"), ({"stop": 7}, "stop"), ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "yaml"}}, "response_format.type"), ({"tools": {}}, "tools"), ({"tools": [{}]}, "tools[0].type"),
    ({"tool_choice": "perhaps"}, "tool_choice"), ({"tool_choice": "required"}, "tool_choice"),
    ({"parallel_tool_calls": 1}, "parallel_tool_calls"), ({"metadata": {"k": 1}}, "metadata.k"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata"), ({"stream_options": []}, "stream_options"),
    ({"store": "yes"}, "store"), ({"user": 7}, "user"), ({"prediction": "x"}, "prediction"), ({"modalities": [7]}, "modalities[0]"),
    ({"mirostat": 3}, "mirostat"), ({"top_k": 1.5}, "top_k"), ({"min_p": 2}, "min_p"), ({"grammar": {}}, "grammar"),
    ({"samplers": 7}, "samplers"), ({"mode": "poem"}, "mode"), ({"character": 7}, "character"), ({"preset": []}, "preset"),
    ({"continue_": "yes"}, "continue_"), ({"n_predict": 0}, "n_predict"), ({"maximum_tokens": 0}, "maximum_tokens"),
    ({"max_token": "x"}, "max_token"), ({"max_completion_tokens": -1}, "max_completion_tokens"),
    ({"alan": {"knowledgebase_ids": ["x"] * 101}}, "alan.knowledgebase_ids"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"function": {}}]}]}, "messages[0].tool_calls[0].function.name"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
     "messages[0].content[0].image_url.url"),
], ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else value)
def test_every_parameter_is_checked_and_the_param_says_which(http, body, param):
    found = error(http.post("/v1/chat/completions", json=question("x", model="echo") | body), 400, param)
    if param == "alan.knowledgebase_ids":
        assert "100" in found["message"]


def test_the_last_message_need_not_be_the_users(http):
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well, "}]
    assert sent(http.post("/v1/chat/completions", json={"model": "echo", "messages": messages}).json())["messages"] == messages


def test_a_question_that_is_too_long_is_no_fault_of_ours(http, light):
    body = question("Why? " * 600, alan={"knowledgebase_ids": [light]}) | {"model": "narrow/echo"}
    error(http.post("/v1/chat/completions", json=body), 400, "messages", "context_length_exceeded")


# Legacy completions


def test_a_completion_answers_from_knowledge_and_is_the_same_every_time(client, light):
    def made(**more):
        return client.completions.create(model="extractive", prompt="When was the lighthouse built?", seed=10,
                                         extra_body={"alan": {"knowledgebase_ids": [light]}}, **more)

    one, two = made(), made()
    assert one.object == "text_completion" and one.id.startswith("cmpl-") and one.choices[0].finish_reason == "stop"
    assert "1871" in one.choices[0].text and one.choices[0].text == two.choices[0].text
    assert one.model_extra["alan"]["references"] and one.usage.total_tokens > 0
    streamed = list(made(stream=True, stream_options={"include_usage": True}))
    assert {chunk.object for chunk in streamed} == {"text_completion"}
    assert "".join(choice.text for chunk in streamed for choice in chunk.choices) == one.choices[0].text
    assert streamed[-1].usage.completion_tokens == one.usage.completion_tokens and not streamed[-1].choices


def test_a_model_server_gets_the_raw_prompt(client, upstream):
    before = len(upstream.requests)
    made = client.completions.create(model="echo", prompt="This is a cake recipe:\n\n1.", max_tokens=200, temperature=1,
                                     top_p=0.9, seed=10, suffix="Enjoy!", stop=["\n"])
    request = upstream.requests[before]
    assert request.path.endswith("/v1/completions") and request.body["prompt"] == "This is a cake recipe:\n\n1."
    assert json.loads(made.choices[0].text)["params"]["suffix"] == "Enjoy!" and "messages" not in request.body
    client.completions.create(model="echo", prompt=[15, 16, 17])
    assert upstream.requests[-1].body["prompt"] == [15, 16, 17]


def test_prompts_choices_and_echo_keep_their_places(client):
    made = client.completions.create(model="words:20", prompt=["A: ", "B: "], n=2, echo=True)
    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    assert [choice.text[:3] for choice in made.choices] == ["A: ", "A: ", "B: ", "B: "]
    assert made.usage.prompt_tokens == 14 and made.usage.completion_tokens == 80
    texts = ["", "", "", ""]
    for chunk in client.completions.create(model="words:20", prompt=["A: ", "B: "], n=2, echo=True, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in made.choices]


def test_token_ids_are_read_as_the_server_wrote_them(http, client, light):
    tokens = http.post("/v1/internal/encode", json={"text": "when was the lighthouse built?"}).json()["tokens"]
    made = client.completions.create(model="extractive", prompt=tokens, echo=True,
                                     extra_body={"alan": {"knowledgebase_ids": [light]}})
    assert made.choices[0].text.startswith("when was the lighthouse built?") and "1871" in made.choices[0].text
    body = {"model": "extractive", "prompt": [10_000_000]}
    error(http.post("/v1/completions", json=body), 400, "prompt")


def test_completions_have_log_probabilities_where_the_model_has(client):
    likely = client.completions.create(model="likely", prompt="x", logprobs=2).choices[0].logprobs
    assert likely.tokens == ["one ", "two "] and likely.token_logprobs == [-0.5, -0.5] and len(likely.top_logprobs) == 2


@pytest.mark.parametrize("body, param", [
    ({}, "prompt"), ({"prompt": []}, "prompt"), ({"prompt": {}}, "prompt"), ({"prompt": ["a", 1]}, "prompt[1]"),
    ({"prompt": "a", "max_tokens": 0}, "max_tokens"), ({"prompt": "a", "logprobs": 6}, "logprobs"),
    ({"prompt": "a", "n": 2, "best_of": 1}, "best_of"), ({"prompt": "a", "temperature": 3}, "temperature"),
    ({"prompt": "a", "echo": 1}, "echo"), ({"prompt": "a", "model": "no/such"}, "model"),
])
def test_a_wrong_completion_request_is_refused_and_the_param_says_where(http, body, param):
    error(http.post("/v1/completions", json=body), {400, 404}, param)


@pytest.mark.parametrize("model, status", [("status:429", 429), ("status:500", 502), ("garbage", 502)])
def test_a_fault_before_the_first_word_of_a_completion_is_a_status(http, model, status):
    for stream in (False, True):
        error(http.post("/v1/completions", json={"model": model, "prompt": "x", "stream": stream}), status)
    assert "[DONE]" not in events(http.post("/v1/completions", json={
        "model": "midstream-error", "prompt": "x", "stream": True}))


# Alan's own stream


def test_alans_own_stream_tells_what_it_rests_on_then_speaks(http, light, keeper):
    body = {"messages": [{"role": "user", "content": "When was the lighthouse built?"}], "temperature": 0.7, "top_p": 0.95,
            "max_tokens": 800, "model": "extractive"}
    for choice in ({"knowledgebase_ids": [light]}, {"expert_id": keeper}):
        answer = http.post("/api/v1/llm/generate_stream", json=body | choice)
        said = [json.loads(data) for data in events(answer)]
        assert [said[0]["kind"], said[-1]["kind"]] == ["message", "message"] and said[0]["alan"]["references"]
        assert said[-1]["message"]["state"] == "Done" and "1871" in said[-1]["message"]["content"]
        assert "".join(each["tokens"] for each in said if each["kind"] == "tokens") == said[-1]["message"]["content"]
    off = http.post("/api/v1/llm/generate_stream", json=body | {"expert_id": keeper, "knowledgebase_ids": []})
    assert not json.loads(events(off)[0])["alan"]["references"]
    error(http.post("/api/v1/llm/generate_stream", json=body | {"knowledgebase_ids": ["vs_none"]}), 404,
          "knowledgebase_ids[0]")
    error(http.post("/api/v1/llm/generate_stream", json={}), 400, "messages")
    broken = events(http.post("/api/v1/llm/generate_stream", json=body | {"model": "midstream-error"}))
    assert json.loads(broken[-1])["kind"] == "error" and json.loads(broken[-1])["message"]
