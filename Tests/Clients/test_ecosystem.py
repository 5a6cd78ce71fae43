"""Programs written with litellm and LlamaIndex, in an environment of their own: they need an older `openai`."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from server import ROOT

PYTHON = Path(os.environ.get("ALMANAC_ECOSYSTEM_PYTHON", ROOT / ".venv/ecosystem/bin/python"))

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason=f"there is no {PYTHON}; Scripts/setup makes it")


def run(script: str, server, store: str) -> dict:
    done = subprocess.run([PYTHON, Path(__file__).with_name(script), server.base, server.key, store],
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_litellm_answers_streams_embeds_and_names_what_went_wrong(server, light):
    found = run("litellm_client.py", server, light)
    assert "1871" in found["answer"] and found["streamed"] == found["answer"] and found["usage"] > 0
    cites = found["cites"]
    assert found["answer"][cites["start_index"]:cites["end_index"]] == "[1]" and cites["title"] and cites["url"]
    assert found["slashed"] == "vendor/echo" and found["dimensions"] == 384
    assert found["unknown"] and found["refused"]


def test_llama_index_answers_embeds_and_searches_a_vector_store(server, light):
    found = run("llama_index_client.py", server, light)
    assert "1871" in found["answer"] and found["streamed"] == found["answer"]
    assert found["nearest"] == "The lamp shows three white flashes."
    assert found["prompted"] and found["source"] == "lighthouse.md"
