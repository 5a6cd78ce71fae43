"""`/responses` as OpenAI's own client uses it: whole, streamed, parsed, and one after the other."""
import json
import re

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseItemList, ResponseStreamEvent

from knowledge import LIGHTHOUSE, MILL, error, knowledge_base
from strict import strict
from tool_caller import ToolCaller

BUILT = "When was the lighthouse of Velden built?"
OURS = {"alan"}


def search(*stores: str, **more) -> dict:
    return {"type": "file_search", "vector_store_ids": list(stores), **more}


def create(http, **body) -> dict:
    answer = http.post("/v1/responses", json={"model": "extractive", **body})
    assert answer.status_code == 200, answer.text
    strict(Response, answer.json(), OURS)
    return answer.json()


def stream_of(http, **body) -> list[dict]:
    """The events of a stream, each checked against its type and for its number."""
    answer = http.post("/v1/responses", json={"model": "extractive", "stream": True, **body})
    assert answer.status_code == 200, answer.text
    frames = re.findall(r"event: (.+)\ndata: (.+)\n\n", answer.text)
    assert "".join(f"event: {name}\ndata: {data}\n\n" for name, data in frames) == answer.text
    events = [json.loads(data) for _, data in frames]
    assert [name for name, _ in frames] == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        strict(ResponseStreamEvent, event, OURS)
    return events


def output(response: dict, kind: str) -> list[dict]:
    return [item for item in response["output"] if item["type"] == kind]


def test_an_answer_says_what_was_searched_and_cites_it(http, light):
    response = create(http, input=BUILT, tools=[search(light)], include=["file_search_call.results"])
    assert [item["type"] for item in response["output"]] == ["file_search_call", "message"]
    found, message = response["output"]
    assert found["status"] == "completed" and found["queries"] == [BUILT]
    assert "1871" in found["results"][0]["text"] and found["results"][0]["filename"] == "lighthouse.md"
    part = message["content"][0]
    assert "1871" in part["text"] and part["annotations"]
    for note in part["annotations"]:
        assert note["type"] == "file_citation" and note["filename"] == "lighthouse.md"
        assert re.match(r"\[\d+\]", part["text"][note["index"]:])
    assert response["status"] == "completed" and response["usage"]["input_tokens"] > 0
    assert response["usage"]["total_tokens"] == response["usage"]["input_tokens"] + response["usage"]["output_tokens"]
    assert response["alan"]["resolved"]["knowledgebase_ids"] == [light]


def test_results_are_told_only_where_they_are_asked_for(http, light):
    assert output(create(http, input=BUILT, tools=[search(light)]), "file_search_call")[0]["results"] is None


def test_a_search_keeps_to_its_limit_its_filter_and_its_threshold(http, client):
    store = knowledge_base(client, "many", {f"{name}.md": f"# {name}\n\nThe {name} tower was built in {year}."
                                            for name, year in [("north", 1801), ("south", 1802), ("east", 1803)]})
    files = {file.id: file for file in client.vector_stores.files.list(vector_store_id=store)}
    east = next(id for id in files if client.files.retrieve(id).filename == "east.md")
    client.vector_stores.files.update(east, vector_store_id=store, attributes={"side": "east"})

    def found(**more):
        response = create(http, input="When was the tower built?", tools=[search(store, **more)],
                          include=["file_search_call.results"])
        return [result["filename"] for result in output(response, "file_search_call")[0]["results"]]

    assert len(found()) == 3
    assert len(found(max_num_results=1)) == 1
    assert found(filters={"type": "eq", "key": "side", "value": "east"}) == ["east.md"]
    assert found(ranking_options={"ranker": "auto", "score_threshold": 1.0}) == []


def test_a_model_name_or_alan_chooses_knowledge_as_in_chat(http, light, keeper):
    for chosen in [{"model": f"kb/{light}"}, {"model": f"expert/{keeper}"}, {"alan": {"knowledgebase_ids": [light]}}]:
        response = create(http, input=BUILT, **chosen)
        assert "1871" in output(response, "message")[0]["content"][0]["text"]
        assert output(response, "file_search_call")
    assert not output(create(http, input=BUILT, tools=[search(light)], tool_choice="none"), "file_search_call")


def test_stores_of_the_tool_and_of_alan_are_searched_together(http, light, mill):
    response = create(http, input=BUILT, tools=[search(mill)], alan={"knowledgebase_ids": [light]})
    assert response["alan"]["resolved"]["knowledgebase_ids"] == [mill, light]


def test_a_stream_builds_the_answer_in_order(http, light):
    events = stream_of(http, input=BUILT, tools=[search(light)], include=["file_search_call.results"])
    names = [event["type"].removeprefix("response.") for event in events]
    steps = [name for position, name in enumerate(names) if position == 0 or name != names[position - 1]]
    assert steps == [
        "created", "in_progress",
        "output_item.added", "file_search_call.in_progress", "file_search_call.searching", "file_search_call.completed",
        "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.annotation.added",
        "output_text.done", "content_part.done", "output_item.done", "completed"]
    last = events[-1]["response"]
    text = "".join(event["delta"] for event in events if event["type"].endswith("output_text.delta"))
    done = next(event for event in events if event["type"].endswith("output_text.done"))
    assert text == done["text"] == last["output"][1]["content"][0]["text"] and "1871" in text
    notes = [event["annotation"] for event in events if event["type"].endswith("annotation.added")]
    assert notes == last["output"][1]["content"][0]["annotations"]
    items = [event["item"] for event in events if event["type"].endswith("output_item.done")]
    assert items == last["output"]
    assert events[0]["response"]["output"] == [] and events[0]["response"]["id"] == last["id"]
    assert last["usage"]["output_tokens"] > 0


def test_the_streaming_helper_of_the_client_works(client, light):
    with client.responses.stream(model="extractive", input=BUILT, tools=[search(light)]) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == text and "1871" in text
    assert client.responses.retrieve(final.id).output_text == text


def test_a_conversation_goes_on_from_a_stored_response(client, upstream):
    first = client.responses.create(model="echo", input="My name is Ada.", instructions="Be brief.")
    second = client.responses.create(model="echo", input="What is my name?", previous_response_id=first.id)
    third = client.responses.create(
        model="echo", input=[{"role": "user", "content": [{"type": "input_text", "text": "And now?"}]}],
        previous_response_id=second.id, instructions="Be long.")
    roles = [(message["role"], message["content"]) for message in upstream.asked("echo")[-1].body["messages"]]
    assert roles == [
        ("system", "Be long."), ("user", "My name is Ada."), ("assistant", first.output_text),
        ("user", "What is my name?"), ("assistant", second.output_text), ("user", "And now?")]
    assert third.previous_response_id == second.id


def test_what_is_stored_is_listed_page_by_page_and_can_be_deleted(client, http):
    items = [{"role": "user", "content": f"Number {number}."} for number in range(5)]
    made = client.responses.create(model="echo", input=items, metadata={"for": "test"})
    listed = [item.content[0].text for item in client.responses.input_items.list(made.id, order="asc", limit=2)]
    assert listed == [f"Number {number}." for number in range(5)]
    page = http.get(f"/v1/responses/{made.id}/input_items").json()
    strict(ResponseItemList, page)
    assert [item["content"][0]["text"] for item in page["data"]] == listed[::-1]
    again = http.get(f"/v1/responses/{made.id}").json()
    strict(Response, again, OURS)
    assert again == json.loads(made.model_dump_json(exclude_unset=True)) and again["metadata"] == {"for": "test"}
    client.responses.delete(made.id)
    error(http.get(f"/v1/responses/{made.id}"), 404)
    error(http.post("/v1/responses", json={"model": "echo", "input": "x", "previous_response_id": made.id}), 404,
          "previous_response_id")


def test_what_is_not_to_be_stored_is_not(client, http):
    made = client.responses.create(model="echo", input="x", store=False)
    error(http.get(f"/v1/responses/{made.id}"), 404)


def test_another_tenant_sees_no_response(server, client, stranger):
    made = client.responses.create(model="echo", input="secret")
    with server.http(stranger) as http:
        for answer in [http.get(f"/v1/responses/{made.id}"), http.delete(f"/v1/responses/{made.id}"),
                       http.get(f"/v1/responses/{made.id}/input_items"), http.post(f"/v1/responses/{made.id}/cancel")]:
            error(answer, 404)
        error(http.post("/v1/responses", json={"input": "x", "previous_response_id": made.id}), 404,
              "previous_response_id")
    assert client.responses.retrieve(made.id).id == made.id


def test_everything_that_steers_a_model_reaches_it(client, upstream):
    client.responses.create(
        model="echo", input=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "Look"},
                                         {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}]},
            {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "Rain."}],
        temperature=0.5, top_p=0.9, max_output_tokens=50, user="u", reasoning={"effort": "low"}, truncation="auto",
        parallel_tool_calls=False, tool_choice={"type": "function", "name": "weather"},
        tools=[{"type": "function", "name": "weather", "description": "d", "strict": True,
                "parameters": {"type": "object", "properties": {}, "additionalProperties": False}}],
        text={"format": {"type": "json_schema", "name": "shape", "schema": {"type": "object"}, "strict": True}})
    body = upstream.asked("echo")[-1].body
    assert body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {
            "type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "Rain."}]
    assert body["tools"][0]["function"]["name"] == "weather" and body["tools"][0]["function"]["strict"] is True
    assert body["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert body["response_format"] == {
        "type": "json_schema", "json_schema": {"name": "shape", "schema": {"type": "object"}, "strict": True}}
    assert (body["temperature"], body["top_p"], body["max_tokens"], body["user"], body["reasoning_effort"]) == (
        0.5, 0.9, 50, "u", "low")
    assert body["parallel_tool_calls"] is False


@pytest.fixture(scope="module")
def caller(tmp_path_factory):
    """A server whose model calls the functions that it is offered, or answers in the shape that it is asked for."""
    from server import Server
    model = ToolCaller()
    config = f'providers:\n  - {{name: caller, base_url: "{model.url}", api_key: "k", models: [caller]}}\n'
    running = Server(tmp_path_factory.mktemp("caller"), config).start()
    yield running
    running.stop()
    model.close()


class Weather(pydantic.BaseModel):
    """Asks for the weather."""
    city: str
    days: int


def test_functions_are_called_whole_and_streamed_and_by_the_helpers(caller):
    tools = [openai.pydantic_function_tool(Weather, name="weather")["function"] | {"type": "function"}]
    client = caller.openai()
    with caller.http() as http:
        whole = create(http, model="caller", input="Weather?", tools=tools)
        events = stream_of(http, model="caller", input="Weather?", tools=tools)
    assert output(whole, "reasoning")[0]["content"] == [{"type": "reasoning_text", "text": "Let me see."}]
    calls = output(whole, "function_call")
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("weather", {"city": "Oslo", "days": 2}), ("weather", {"city": "Rome", "days": 3})]
    assert len({call["call_id"] for call in calls}) == len({call["id"] for call in calls}) == 2
    deltas = {}
    for event in events:
        if event["type"] == "response.function_call_arguments.delta":
            deltas[event["output_index"]] = deltas.get(event["output_index"], "") + event["delta"]
        if event["type"] == "response.function_call_arguments.done":
            assert deltas[event["output_index"]] == event["arguments"]
    assert len(deltas) == 2
    parsed = client.responses.parse(model="caller", input="Weather?", tools=tools)
    assert [call.parsed_arguments for call in parsed.output if call.type == "function_call"]
    with client.responses.stream(model="caller", input="Weather?", tools=tools) as stream:
        final = stream.get_final_response()
    calls = [item for item in final.output if item.type == "function_call"]
    assert [json.loads(call.arguments)["city"] for call in calls] == ["Oslo", "Rome"]
    answers = [{"type": "function_call_output", "call_id": call.call_id, "output": "Sun."} for call in calls]
    after = client.responses.create(model="caller", input=answers, previous_response_id=final.id)
    assert "Sun." in after.output_text


def test_the_parsing_helper_reads_the_shape_that_was_asked_for(caller):
    parsed = caller.openai().responses.parse(model="caller", input="Weather?", text_format=Weather)
    assert parsed.output_parsed == Weather(city="Oslo", days=2)
    assert parsed.usage.input_tokens == 11 and parsed.usage.output_tokens == 5


def test_an_answer_that_was_cut_off_is_incomplete(http, light):
    response = create(http, input=BUILT, tools=[search(light)], max_output_tokens=3)
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    events = stream_of(http, input=BUILT, tools=[search(light)], max_output_tokens=3)
    assert events[-1]["type"] == "response.incomplete" and events[-1]["response"]["status"] == "incomplete"


def test_a_model_that_breaks_off_ends_the_stream_as_failed(http):
    events = stream_of(http, model="midstream-error", input="x")
    assert events[-1]["type"] == "response.failed" and events[-1]["response"]["error"]["code"] == "server_error"
    error(http.post("/v1/responses", json={"model": "gone", "input": "x"}), 502)


@pytest.mark.parametrize("body, parameter", [
    ({}, "input"),
    ({"input": 3}, "input"),
    ({"input": []}, "input"),
    ({"input": [{"role": "owl", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]}, "input[0].content[0].type"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, "input[0].content[0].image_url"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
    ({"input": [{"type": "computer_call"}]}, "input[0].type"),
    ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
    ({"input": "x", "background": True}, "background"),
    ({"input": "x", "conversation": "c"}, "conversation"),
    ({"input": "x", "temperature": 3}, "temperature"),
    ({"input": "x", "max_output_tokens": 0}, "max_output_tokens"),
    ({"input": "x", "metadata": {"a": 1}}, "metadata.a"),
    ({"input": "x", "truncation": "most"}, "truncation"),
    ({"input": "x", "tool_choice": "maybe"}, "tool_choice"),
    ({"input": "x", "tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"input": "x", "tools": [{"type": "file_search"}]}, "tools[0].vector_store_ids"),
    ({"input": "x", "tools": [{"type": "file_search", "vector_store_ids": []}]}, "tools[0].vector_store_ids"),
    ({"input": "x", "tools": [{"type": "file_search", "vector_store_ids": ["v"], "max_num_results": 51}]},
     "tools[0].max_num_results"),
    ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
    ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}}, "text.format.schema"),
    ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}]}, "input[0].content[0]"),
])
def test_bad_requests_are_told_what_is_wrong_with_them(http, body, parameter):
    error(http.post("/v1/responses", json={"model": "extractive", **body}), 400, parameter)


def test_what_is_not_there_is_named(http, light):
    def refused(**body):
        return http.post("/v1/responses", json={"model": "extractive", "input": "x", **body})

    error(refused(tools=[search(light, "vs_missing")]), 404, "tools[0].vector_store_ids[1]")
    tools = [{"type": "function", "name": "f"}, search(light)]
    error(refused(tools=tools, alan={"knowledgebase_ids": ["vs_missing"]}), 404, "alan.knowledgebase_ids[0]")
    error(refused(model="nobody/knows"), 404, "model")
    error(refused(previous_response_id="resp_missing"), 404, "previous_response_id")
    made = create(http, input="x")
    error(http.post(f"/v1/responses/{made['id']}/cancel"), 409)
    error(http.get(f"/v1/responses/{made['id']}", params={"stream": "true"}), 400, "stream")
