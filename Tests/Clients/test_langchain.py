"""Programs written with LangChain: chat, streams and embeddings."""
import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

QUESTION = "When was the lighthouse of Velden built?"


@pytest.fixture
def chat(server, light):
    return ChatOpenAI(model="extractive", base_url=f"{server.base}/v1", api_key=server.key, max_retries=0,
                      extra_body={"alan": {"knowledgebase_ids": [light]}})


def test_a_chat_model_answers_from_the_knowledge_base(chat):
    answer = chat.invoke([SystemMessage("Be brief."), HumanMessage(QUESTION)])
    assert "1871" in answer.content and "[1]" in answer.content
    assert answer.usage_metadata["total_tokens"] > 0 and answer.response_metadata["finish_reason"] == "stop"


def test_a_stream_is_the_same_answer_in_pieces(chat):
    pieces = list(chat.stream(QUESTION))
    assert len(pieces) > 2
    assert "".join(piece.content for piece in pieces) == chat.invoke(QUESTION).content


def test_an_expert_is_a_model_for_clients_without_further_fields(server, keeper):
    chat = ChatOpenAI(model=f"expert/{keeper}", base_url=f"{server.base}/v1", api_key=server.key)
    assert "1871" in chat.invoke(QUESTION).content


@pytest.mark.parametrize("tokenised", [True, False])
def test_embeddings_put_related_texts_close_together(server, tokenised, monkeypatch):
    # LangChain cuts texts with OpenAI's tokenizer and sends token ids unless told otherwise; that tokenizer's tables are
    # fetched from the network, so only the way without it can be tried here.
    if tokenised:
        pytest.skip("needs OpenAI's tokenizer tables")
    embeddings = OpenAIEmbeddings(model="all-MiniLM-L6-v2", base_url=f"{server.base}/v1", api_key=server.key,
                                  check_embedding_ctx_length=False)
    cat, kitten, tax = embeddings.embed_documents(["a cat", "a kitten", "tax law"])
    query = embeddings.embed_query("a cat")
    assert query == pytest.approx(cat, abs=1e-5)
    assert dot(cat, kitten) > 0.7 > 0.3 > dot(cat, tax)


def dot(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))
