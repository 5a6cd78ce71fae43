"""The `llm` command, which knows a model by an entry in `extra-openai-models.yaml`."""
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def llm(server, light, tmp_path):
    """Runs `llm` with a folder of its own."""
    (tmp_path / "extra-openai-models.yaml").write_text(
        f'- model_id: harbour\n  model_name: kb/{light}\n  api_base: "{server.base}/v1"\n  api_key_name: almanac\n')
    environment = os.environ | {"LLM_USER_PATH": str(tmp_path)}

    def run(*arguments: str) -> str:
        done = subprocess.run([Path(sys.executable).with_name("llm"), *arguments], env=environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("keys", "set", "almanac", "--value", server.key)
    return run


def test_it_lists_the_model(llm):
    assert "harbour" in llm("models")


def test_it_prints_an_answer_streamed_and_whole(llm):
    streamed = llm("-m", "harbour", "When was the lighthouse of Velden built?")
    assert "1871" in streamed
    assert llm("-m", "harbour", "--no-stream", "When was the lighthouse of Velden built?") == streamed
