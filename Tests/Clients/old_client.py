"""What a program from mid-2024 does, in the words of its time. Runs under openai 1.30: old_client.py BASE KEY

It works without the vector store helpers of later clients, so it uploads with the client and attaches with plain HTTP.
Prints what it found as one JSON object.
"""
import json
import sys
import time

import httpx
import openai

base, key = sys.argv[1:]
client = openai.OpenAI(base_url=f"{base}/api/v1/oai", api_key=key, max_retries=0, timeout=60)
raw = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {key}"}, timeout=60)
found = {"openai": openai.__version__}

text = "# The ferry\n\nThe ferry to Norden leaves at 06:45 from pier nine. It carries forty cars.\n"
file = client.files.create(file=("ferry.md", text.encode()), purpose="assistants")
store = raw.post("/v1/vector_stores", json={"name": "ferry"}).json()["id"]
document = raw.post(f"/v1/vector_stores/{store}/files", json={"file_id": file.id}).json()
deadline = time.monotonic() + 60
while document["status"] == "in_progress" and time.monotonic() < deadline:
    time.sleep(0.1)
    document = raw.get(f"/v1/vector_stores/{store}/files/{file.id}").json()
found["document"] = document["status"]
found["content"] = client.files.content(file.id).text == text

question = {"model": "extractive", "messages": [{"role": "user", "content": "When does the ferry to Norden leave?"}],
            "extra_body": {"alan": {"knowledgebase_ids": [store]}}}
answer = client.chat.completions.create(**question)
found["answer"] = answer.choices[0].message.content
found["source"] = answer.model_extra["alan"]["references"][0]["filename"]

found["streamed"] = ""
for chunk in client.chat.completions.create(**question, stream=True):
    found["streamed"] += chunk.choices[0].delta.content or ""

found["models"] = [model.id for model in client.models.list().data]
found["retrieved"] = client.models.retrieve("vendor/echo").id  # this client sends the slash as it is
found["dimensions"] = len(client.embeddings.create(model="all-MiniLM-L6-v2", input="a cat").data[0].embedding)
try:
    client.chat.completions.create(**{**question, "model": "no/such-model"})
except openai.NotFoundError as error:
    found["unknown"] = error.code
print(json.dumps(found))
