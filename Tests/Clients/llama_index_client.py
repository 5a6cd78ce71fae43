"""What a program with LlamaIndex does. Runs in an environment of its own: llama_index_client.py BASE KEY STORE

Prints what it found as one JSON object.
"""
import json
import sys

import openai
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

base, key, store = sys.argv[1:]
QUESTION = "When was the lighthouse of Velden built?"
found = {}


def model(name: str, **more) -> OpenAILike:
    return OpenAILike(model=name, api_base=f"{base}/v1", api_key=key, is_chat_model=True, max_retries=0,
                      context_window=4096, **more)


llm = model("extractive", additional_kwargs={"extra_body": {"alan": {"knowledgebase_ids": [store]}}})
found["answer"] = llm.chat([ChatMessage(role="user", content=QUESTION)]).message.content
found["streamed"] = "".join(piece.delta or "" for piece in llm.stream_chat([ChatMessage(role="user", content=QUESTION)]))

# Vectors from the server, in an index of LlamaIndex's own.
embedding = OpenAILikeEmbedding(model_name="all-MiniLM-L6-v2", api_base=f"{base}/v1", api_key=key, max_retries=0)
texts = ["The mill grinds rye on Tuesdays.", "The lamp shows three white flashes.", "Taxes are due in May."]
index = VectorStoreIndex.from_documents([Document(text=text) for text in texts], embed_model=embedding)
found["nearest"] = index.as_retriever(similarity_top_k=1).retrieve("Which signal does the light give?")[0].text


class VectorStoreRetriever(BaseRetriever):
    """Passages of the server's vector store."""

    def _retrieve(self, query_bundle):
        page = openai.OpenAI(base_url=f"{base}/v1", api_key=key).vector_stores.search(store, query=query_bundle.query_str)
        return [NodeWithScore(node=TextNode(text=hit.content[0].text, metadata={"filename": hit.filename}), score=hit.score)
                for hit in page.data]


# Passages from the server's index, put before the server's model by LlamaIndex. `echo` shows what it was sent.
answer = RetrieverQueryEngine.from_args(VectorStoreRetriever(), llm=model("echo")).query(QUESTION)
found["prompted"] = "1871" in answer.response
found["source"] = answer.source_nodes[0].metadata["filename"]
print(json.dumps(found))
