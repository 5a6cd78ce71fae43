"""Which knowledge, expert and settings a request means."""
import json

import pytest

from knowledge import ask, content, error, expert, question, references, resolved, sources, unique

LAMP = "What does the lamp of the lighthouse show?"
RYE = "On which days does the mill grind rye?"


def echo(http, text=LAMP, **body) -> dict:
    """What reached the model."""
    return json.loads(content(ask(http, text, **{"model": "echo", **body})))


def test_knowledge_bases_of_the_request_outrank_the_experts(http, keeper, mill):
    answer = ask(http, RYE, alan={"expert_id": keeper, "knowledgebase_ids": [mill]})
    assert sources(answer) == {mill} and resolved(answer)["source"] == "request"
    assert resolved(answer)["expert_id"] == keeper


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v1/oai/chat/completions"])
def test_an_empty_list_turns_retrieval_off_even_with_an_expert(http, keeper, path):
    answer = ask(http, LAMP, path, alan={"expert_id": keeper, "knowledgebase_ids": []})
    assert not references(answer) and resolved(answer)["knowledgebase_ids"] == []


@pytest.mark.parametrize("absent", [{}, {"knowledgebase_ids": None}])
def test_without_a_list_the_experts_knowledge_is_used(http, keeper, light, absent):
    answer = ask(http, LAMP, alan={"expert_id": keeper, **absent})
    assert sources(answer) == {light} and resolved(answer)["source"] == "expert"


def test_without_list_and_expert_nothing_is_searched(http, light):
    answer = ask(http, LAMP, alan={})
    assert not references(answer) and resolved(answer)["source"] == "none"


def test_merge_searches_the_union_and_names_each_once(http, keeper, light, mill):
    answer = ask(http, "lighthouse and mill", alan={
        "expert_id": keeper, "knowledgebase_ids": [mill, light], "knowledgebase_mode": "merge"})
    assert sorted(resolved(answer)["knowledgebase_ids"]) == sorted([light, mill])
    assert sources(answer) == {light, mill}


def test_expert_mode_takes_the_experts_settings_alone(http, light, mill):
    id = expert(http, model="echo", temperature=0.25, knowledgebase_ids=[light])
    body = {"messages": [{"role": "user", "content": LAMP}], "temperature": 1.5,
            "alan": {"expert_id": id, "knowledgebase_ids": [mill], "knowledgebase_mode": "expert"}}
    answer = http.post("/v1/chat/completions", json=body).json()
    assert resolved(answer)["knowledgebase_ids"] == [light] and resolved(answer)["source"] == "expert"
    assert json.loads(content(answer))["params"]["temperature"] == 0.25


def test_repeated_ids_count_once(http, light):
    answer = ask(http, LAMP, alan={"knowledgebase_ids": [light, light]})
    assert resolved(answer)["knowledgebase_ids"] == [light]


def test_alan_is_read_from_a_literal_extra_body_too(http, light):
    assert sources(ask(http, LAMP, extra_body={"alan": {"knowledgebase_ids": [light]}})) == {light}


@pytest.mark.parametrize("extra, param", [
    ({"knowledgebase_ids": ["LIGHT", "vs_doesnotexist"]}, "alan.knowledgebase_ids[1]"),
    ({"expert_id": "expert_doesnotexist"}, "alan.expert_id"),
    ({"expert_id": "expert_doesnotexist", "knowledgebase_ids": ["LIGHT"]}, "alan.expert_id"),
])
def test_an_unknown_id_is_refused_by_name_and_nothing_is_answered(http, light, extra, param):
    alan = json.loads(json.dumps(extra).replace("LIGHT", light))
    for stream in (False, True):
        error(http.post("/v1/chat/completions", json=question(LAMP, stream=stream, alan=alan)), 404, param)


def test_sampling_settings_go_from_request_over_expert(http):
    id = expert(http, model="echo", temperature=0.25, top_p=0.5)
    message = {"messages": [{"role": "user", "content": "Hello"}], "alan": {"expert_id": id}}
    alone = json.loads(content(http.post("/v1/chat/completions", json=message).json()))["params"]
    assert (alone["model"], alone["temperature"], alone["top_p"]) == ("echo", 0.25, 0.5)
    mixed = json.loads(content(http.post("/v1/chat/completions", json={**message, "temperature": 0.75}).json()))["params"]
    assert (mixed["temperature"], mixed["top_p"]) == (0.75, 0.5)
    other = http.post("/v1/chat/completions", json={**message, "model": "vendor/echo"}).json()
    assert other["model"] == "vendor/echo" and json.loads(content(other))["params"]["model"] == "vendor/echo"


def test_the_experts_instructions_come_first_and_no_system_message_is_dropped(http):
    id = expert(http, user_system_prompt="Talk like a harbour master.", initial_conversation=[
        {"role": "user", "content": "Ahoy?"}, {"role": "assistant", "content": "Ahoy, sailor."}])
    body = {"model": "echo", "alan": {"expert_id": id}, "messages": [
        {"role": "system", "content": "Mention the weather."}, {"role": "user", "content": "Who are you?"}]}
    saw = json.loads(content(http.post("/v1/chat/completions", json=body).json()))["messages"]
    assert saw[0]["role"] == "system" and "harbour master" in json.dumps(saw[0])
    text = json.dumps(saw)
    order = [text.index(part) for part in ("harbour master", "weather", "Ahoy?", "Ahoy, sailor.", "Who are you?")]
    assert order[0] < order[1] and order[2:] == sorted(order[2:]) and order[0] < order[2]


def test_passages_stand_in_the_last_user_turn_and_earlier_turns_are_unchanged(http, light):
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"},
             {"role": "assistant", "content": "Hi"}]
    body = {"model": "echo", "alan": {"knowledgebase_ids": [light]},
            "messages": [*turns, {"role": "user", "content": "When was the lighthouse built?"}]}
    saw = json.loads(content(http.post("/v1/chat/completions", json=body).json()))["messages"]
    assert [each for each in saw if each in turns] == turns
    assert "1871" in json.dumps(saw[-1]) and saw[-1]["role"] == "user" and "1871" not in json.dumps(saw[:-1])


def test_parameters_reach_the_model_and_our_own_fields_do_not(http, keeper, light):
    saw = echo(http, alan={"expert_id": keeper, "knowledgebase_ids": [light]}, temperature=0.3, seed=11, stop=["END"])
    assert (saw["params"]["temperature"], saw["params"]["seed"], saw["params"]["stop"]) == (0.3, 11, ["END"])
    assert not {"alan", "extra_body"} & saw["params"].keys()


def test_a_knowledge_base_is_a_model(client, light):
    assert f"kb/{light}" in {model.id for model in client.models.list().data}
    answer = client.chat.completions.create(**question("Who was the last keeper?") | {"model": f"kb/{light}"})
    assert "Brandt" in answer.choices[0].message.content


def test_an_expert_is_a_model(client, keeper, light):
    assert f"expert/{keeper}" in {model.id for model in client.models.list().data}
    answer = client.chat.completions.create(**question(LAMP) | {"model": f"expert/{keeper}"})
    meta = answer.model_extra["alan"]
    assert meta["resolved"]["expert_id"] == keeper and meta["references"][0]["knowledgebase_id"] == light


@pytest.mark.parametrize("model", ["kb/vs_doesnotexist", "expert/expert_doesnotexist"])
def test_a_model_that_names_nothing_is_not_found(http, model):
    error(http.post("/v1/chat/completions", json=question("Hello") | {"model": model}), 404)


def test_without_a_model_the_built_in_one_answers(http):
    answer = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "Hello"}]})
    assert answer.status_code == 200 and answer.json()["model"] == "extractive"


def test_an_expert_that_finds_nothing_does_as_it_was_told(http, client):
    empty = client.vector_stores.create(name=unique("empty")).id
    told = {how: expert(http, model="echo", knowledgebase_ids=[empty], on_empty=how)
            for how in ("refuse", "answer", "error")}
    replies = {how: http.post("/v1/chat/completions", json={
        "messages": [{"role": "user", "content": "zebra?"}], "alan": {"expert_id": id}}) for how, id in told.items()}
    assert "zebra?" in content(replies["answer"].json())
    assert replies["refuse"].status_code == 200 and "zebra?" not in content(replies["refuse"].json())
    error(replies["error"], {400, 404, 409, 422})
