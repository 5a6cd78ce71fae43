"""What a program with litellm does. Runs in an environment of its own: litellm_client.py BASE KEY STORE

Prints what it found as one JSON object.
"""
import json
import os
import sys

# litellm would fetch a table of prices otherwise.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

base, key, store = sys.argv[1:]
place = {"api_base": f"{base}/v1", "api_key": key, "num_retries": 0}
question = {"messages": [{"role": "user", "content": "When was the lighthouse of Velden built?"}],
            "extra_body": {"alan": {"knowledgebase_ids": [store]}}}
found = {}

# litellm knows citations of addresses only, and breaks off at others.
cited = question | {"extra_body": {"alan": {"knowledgebase_ids": [store], "annotations": "url_citation"}}}
answer = litellm.completion(model="openai/extractive", **cited, **place)
found["answer"] = answer.choices[0].message.content
found["cites"] = answer.choices[0].message.annotations[0]["url_citation"]
found["usage"] = answer.usage.total_tokens
chunks = list(litellm.completion(model="openai/extractive", stream=True, stream_options={"include_usage": True},
                                 **question, **place))
found["streamed"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
found["slashed"] = litellm.completion(model="openai/vendor/echo", messages=question["messages"], **place).model
found["dimensions"] = len(litellm.embedding(model="openai/all-MiniLM-L6-v2", input=["a cat"], **place).data[0]["embedding"])
try:
    litellm.completion(model="openai/no/such-model", messages=question["messages"], **place)
except litellm.NotFoundError as error:
    found["unknown"] = "no/such-model" in str(error)
try:
    litellm.completion(model="openai/extractive", messages=question["messages"], **(place | {"api_key": "wrong"}))
except litellm.AuthenticationError as error:
    found["refused"] = "API key" in str(error)
print(json.dumps(found))
