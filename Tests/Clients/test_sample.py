"""The sample handbook answers its questions."""
import json

import pytest

from knowledge import ask, cited, content, knowledge_base
from server import ROOT

SAMPLE = ROOT / "SampleDocs"
QUESTIONS = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text().splitlines() if line]


@pytest.fixture(scope="module")
def handbook(client):
    return knowledge_base(client, "handbook", {
        path.name: path.read_text() for path in sorted(SAMPLE.iterdir()) if path.suffix in (".md", ".txt", ".html")})


@pytest.mark.parametrize("asked", QUESTIONS, ids=[asked["question"][:60] for asked in QUESTIONS])
def test_the_handbook_answers(http, handbook, asked):
    answer = ask(http, asked["question"], alan={"knowledgebase_ids": [handbook]})
    assert cited(answer) and cited(answer)[0]["filename"] == asked["document"]
    assert asked["expect"] in content(answer)


def test_every_document_is_asked_about_and_every_question_has_its_fact():
    documents = {path.name: path.read_text() for path in SAMPLE.iterdir() if path.suffix in (".md", ".txt", ".html")}
    assert {asked["document"] for asked in QUESTIONS} == set(documents)
    for asked in QUESTIONS:
        assert asked["expect"] in documents[asked["document"]].replace("<code>", "").replace("</code>", ""), asked
