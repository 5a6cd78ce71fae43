"""Answers and stream events have the types that the newest `openai` package declares, field by field."""
import pydantic
import pytest
from openai.types.chat import ChatCompletion

from knowledge import ask, question
from typed import check


def test_answers_and_events_are_checked_as_they_are_read(client, light, every_answer_has_its_declared_type):
    before = every_answer_has_its_declared_type()
    client.models.list()
    stream = client.chat.completions.create(**question("When was the lighthouse built?"), stream=True,
                                            stream_options={"include_usage": True},
                                            extra_body={"alan": {"knowledgebase_ids": [light]}})
    events = len(list(stream))
    assert events > 2 and every_answer_has_its_declared_type() == before + 1 + events


def test_an_answer_that_lacks_a_field_would_be_noticed(client, http, light):
    answer = ask(http, "When was the lighthouse built?", alan={"knowledgebase_ids": [light]})
    check(ChatCompletion, answer)
    for change in ({"id": None}, {"created": "now"}, {"choices": [answer["choices"][0] | {"finish_reason": "done"}]}):
        with pytest.raises(pydantic.ValidationError):
            check(ChatCompletion, answer | change)
    with pytest.raises(pydantic.ValidationError):
        check(ChatCompletion, {name: value for name, value in answer.items() if name != "model"})


def test_citations_of_addresses_have_the_type_that_chats_declare(http, light):
    answer = ask(http, "When was the lighthouse built?", alan={"knowledgebase_ids": [light], "annotations": "url_citation"})
    made = pydantic.TypeAdapter(ChatCompletion).validate_python(answer, strict=True)
    message = made.choices[0].message
    for note in message.annotations:
        cited = note.url_citation
        assert message.content[cited.start_index:cited.end_index] == f"[{note.reference}]"
        assert http.get(cited.url).status_code == 200
    without = ask(http, "When was the lighthouse built?", alan={"knowledgebase_ids": [light], "annotations": "none"})
    assert "annotations" not in without["choices"][0]["message"]
