"""One server with a scripted model server behind it, shared by all tests that leave it unharmed."""
import socket

import pytest

import server as servers
from knowledge import LIGHTHOUSE, MILL, expert, knowledge_base
from server import Server
from upstream import KEY, Upstream

pytest_plugins = ["typed"]

FAULTS = ["status:401", "status:404", "status:429", "status:500", "garbage", "midstream-error", "reset"]
HASTY = "    timeouts: {connect: 1, first_token: 1, gap: 1, total: 4}\n"


def providers(url: str, dead: str) -> str:
    """`almanac.yaml` with one provider that works, one with deadlines of about a second, one that nobody answers for,
    and one for each fault, so that no fault can be held against a model that works."""
    def provider(name: str, url: str, *models: str) -> str:
        names = ", ".join(f'"{model}"' for model in models)
        return f'  - name: {name}\n    base_url: "{url}"\n    api_key: "{KEY}"\n    models: [{names}]\n'

    return "".join([
        "providers:\n",
        provider("fake", url, "echo", "obey", "words:20", "trickle", "never", "vendor/echo", "call", "likely"),
        provider("narrow", url, "narrow/echo"), "    context_tokens: 512\n",
        provider("blind", url, "blind/echo"), "    images: false\n    strict: true\n",
        provider("impatient", url, "impatient/never", "impatient/stall", "impatient/trickle"), HASTY,
        provider("gone", dead, "gone"), HASTY,
        *(provider(f"faulty{number}", url, fault) for number, fault in enumerate(FAULTS)),
    ])


@pytest.fixture(scope="session")
def upstream():
    fake = Upstream()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory, upstream):
    # The port stays bound and unheard for the whole session, so that nobody else can come to listen on it.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        running = Server(tmp_path_factory.mktemp("almanac"), providers(upstream.url, dead)).start()
        yield running
        running.stop()


@pytest.fixture
def another_server(tmp_path):
    """Makes servers of their own for tests that kill, restart or configure them differently."""
    made = []

    def make(**settings):
        made.append(Server(tmp_path / f"server{len(made)}", **settings))
        return made[-1]

    yield make
    for each in made:
        each.discard()


@pytest.fixture(scope="session")
def http(server):
    with server.http() as client:
        yield client


@pytest.fixture(scope="session")
def client(server):
    return server.openai()


@pytest.fixture(scope="session")
def light(client):
    return knowledge_base(client, "lighthouse", {"lighthouse.md": LIGHTHOUSE})


@pytest.fixture(scope="session")
def mill(client):
    return knowledge_base(client, "mill", {"mill.md": MILL})


@pytest.fixture(scope="session")
def keeper(http, light):
    """An expert who knows the lighthouse."""
    return expert(http, user_system_prompt="Answer like a harbour master.", knowledgebase_ids=[light], model="extractive")


@pytest.fixture(scope="session")
def stranger(server, http):
    """The secret of a user's key in another tenant."""
    made = http.post("/api/v1/keys", json={"name": "stranger", "role": "user", "tenant": "elsewhere"})
    assert made.status_code in (200, 201), made.text
    return made.json()["key"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for each in servers.running:
            report.sections.append((f"end of {each.log}", each.tail()))
    return report
