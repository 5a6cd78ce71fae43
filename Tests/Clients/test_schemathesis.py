"""Whatever the description allows, and much that it does not, gets an answer that it names, and never a 5xx.

ALMANAC_EXAMPLES says how many examples are tried for each operation; a run with 100 is about six thousand.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge import LIGHTHOUSE, attach, expert, upload

EXAMPLES = os.environ.get("ALMANAC_EXAMPLES", "5")
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "unsupported_method", "allow_header_conformance"]


@pytest.fixture
def ids(another_server):
    """A server with one of everything, and the ids of those."""
    server = another_server().start()
    client = server.openai()
    store = client.vector_stores.create(name="harbour").id
    file = upload(client, "lighthouse.md", LIGHTHOUSE)
    attach(client, store, file)
    batch = client.vector_stores.file_batches.create(store, file_ids=[file]).id
    with server.http() as http:
        job = http.get("/api/v1/jobs").json()["data"][0]["id"]
        ids = {"vector_store_id": store, "knowledgebase_id": store, "file_id": file, "document_id": file,
               "batch_id": batch, "job_id": job, "expert_id": expert(http, knowledgebase_ids=[store]), "model": "extractive"}
    yield server, ids
    server.stop()


def test_every_answer_is_one_that_the_description_names(ids, tmp_path):
    server, known = ids
    environment = os.environ | {"ALMANAC_IDS": json.dumps(known), "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
                                "PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", f"{server.base}/openapi.json",
         "--header", f"Authorization: Bearer {server.key}", "--max-examples", EXAMPLES, "--seed", "7", "--workers", "4",
         "--phases", "examples,fuzzing", "--checks", ",".join(CHECKS), "--continue-on-failure", "--warnings", "off",
         "--generation-database", "none", "--request-timeout", "60", "--no-color"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=3_600)
    print(run.stdout[-20_000:], run.stderr[-2_000:])
    assert run.returncode == 0
