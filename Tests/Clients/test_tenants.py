"""A key sees its own tenant and nothing else; keys come and go at once."""
import httpx
import pytest

from knowledge import LIGHTHOUSE, attach, error, expert, knowledge_base, question, unique, upload


@pytest.fixture(scope="module")
def owned(client, http):
    """What the first tenant owns."""
    store = knowledge_base(client, "owned", {"lighthouse.md": LIGHTHOUSE})
    return {"store": store, "file": client.vector_stores.files.list(store).data[0].id,
            "expert": expert(http, knowledgebase_ids=[store], model="extractive")}


@pytest.fixture(scope="module")
def theirs(server, stranger):
    """What the stranger owns, and the client the stranger uses."""
    client = server.openai(key=stranger)
    store = knowledge_base(client, "theirs", {"mill.md": "# The mill\n\nThe mill grinds rye.\n"})
    with server.http(stranger) as http:
        yield {"http": http, "client": client, "store": store, "file": client.vector_stores.files.list(store).data[0].id}


def unknown(id: str) -> str:
    """An id of the same kind that names nothing: the random part turned around."""
    cut = max(id.rfind("_"), id.rfind("-")) + 1
    return id[:cut] + id[cut:][::-1]


# Method, path and body of every route that takes an id. FILE, STORE and EXPERT are filled with foreign and with unknown
# ids in turn; THEIR_STORE and THEIR_FILE are always the stranger's own.
ROUTES = [
    ("GET", "/v1/files/FILE", None),
    ("GET", "/v1/files/FILE/content", None),
    ("DELETE", "/v1/files/FILE", None),
    ("GET", "/v1/vector_stores/STORE", None),
    ("POST", "/v1/vector_stores/STORE", {"name": "mine now"}),
    ("DELETE", "/v1/vector_stores/STORE", None),
    ("POST", "/v1/vector_stores/STORE/search", {"query": "keeper"}),
    ("GET", "/v1/vector_stores/STORE/files", None),
    ("POST", "/v1/vector_stores/STORE/files", {"file_id": "THEIR_FILE"}),
    ("POST", "/v1/vector_stores/THEIR_STORE/files", {"file_id": "FILE"}),
    ("POST", "/v1/vector_stores", {"name": "grab", "file_ids": ["FILE"]}),
    ("GET", "/v1/vector_stores/STORE/files/FILE", None),
    ("GET", "/v1/vector_stores/THEIR_STORE/files/FILE", None),
    ("POST", "/v1/vector_stores/STORE/files/FILE", {"attributes": {"x": 1}}),
    ("DELETE", "/v1/vector_stores/STORE/files/FILE", None),
    ("DELETE", "/v1/vector_stores/THEIR_STORE/files/FILE", None),
    ("GET", "/v1/vector_stores/STORE/files/FILE/content", None),
    ("GET", "/v1/vector_stores/THEIR_STORE/files/FILE/content", None),
    ("GET", "/api/v1/knowledgebases/STORE", None),
    ("DELETE", "/api/v1/knowledgebases/STORE", None),
    ("GET", "/api/v1/knowledgebases/STORE/documents", None),
    ("DELETE", "/api/v1/knowledgebases/STORE/documents/FILE", None),
    ("DELETE", "/api/v1/knowledgebases/THEIR_STORE/documents/FILE", None),
    ("GET", "/api/v1/experts/EXPERT", None),
    ("PUT", "/api/v1/experts/EXPERT", {"title": "mine now", "settings": {}}),
    ("DELETE", "/api/v1/experts/EXPERT", None),
    ("GET", "/v1/models/kb/STORE", None),
    ("GET", "/v1/models/expert/EXPERT", None),
    ("POST", "/v1/chat/completions", question("keeper?", alan={"knowledgebase_ids": ["STORE"]})),
    ("POST", "/v1/chat/completions", question("keeper?", alan={"knowledgebase_ids": ["THEIR_STORE", "STORE"]})),
    ("POST", "/v1/chat/completions", question("keeper?", stream=True, alan={"knowledgebase_ids": ["STORE"]})),
    ("POST", "/v1/chat/completions", question("keeper?", alan={"expert_id": "EXPERT"})),
    ("POST", "/v1/chat/completions", question("keeper?") | {"model": "kb/STORE"}),
    ("POST", "/v1/chat/completions", question("keeper?") | {"model": "expert/EXPERT"}),
]


@pytest.mark.parametrize("method, path, body", ROUTES, ids=[
    f"{method} {path} {n}" for n, (method, path, _) in enumerate(ROUTES)])
def test_a_foreign_id_answers_like_an_unknown_one(owned, theirs, method, path, body):
    def send(file, store, expert):
        names = {"THEIR_FILE": theirs["file"], "THEIR_STORE": theirs["store"], "FILE": file, "STORE": store,
                 "EXPERT": expert}
        response = theirs["http"].request(method, fill(path, names), json=fill(body, names))
        error(response, 404)
        # An error may repeat the id that it was asked for; apart from that, nothing may differ.
        text = response.text
        for name in (file, store, expert):
            text = text.replace(name, "ID")
        return text, {name for name in response.headers}

    foreign = send(owned["file"], owned["store"], owned["expert"])
    assert foreign == send(*(unknown(owned[name]) for name in ("file", "store", "expert")))


def test_sending_a_document_to_a_foreign_knowledge_base_answers_like_an_unknown_one(owned, theirs):
    def send(store):
        response = theirs["http"].post(f"/api/v1/knowledgebases/{store}/documents",
                                       files={"file": ("spy.md", b"# Spy\n\nI was here.\n")})
        error(response, 404)
        return response.text.replace(store, "ID")

    assert send(owned["store"]) == send(unknown(owned["store"]))


def test_lists_and_models_show_nothing_foreign(owned, theirs):
    for path in ("/v1/files?limit=100", "/v1/vector_stores?limit=100", "/v1/models", "/api/v1/experts",
                 "/api/v1/knowledgebases"):
        answer = theirs["http"].get(path)
        assert answer.status_code == 200
        assert not any(id in answer.text for id in owned.values()), path
    assert theirs["store"] in theirs["http"].get("/v1/vector_stores").text


def test_the_owners_things_have_survived_all_that(owned, client, http):
    assert client.files.retrieve(owned["file"]).filename == "lighthouse.md"
    assert client.vector_stores.retrieve(owned["store"]).file_counts.completed == 1
    assert http.get(f"/api/v1/experts/{owned['expert']}").json()["title"] != "mine now"
    assert client.vector_stores.search(owned["store"], query="keeper").data


def test_an_expert_cannot_lend_foreign_knowledge(owned, theirs):
    made = theirs["http"].post("/api/v1/experts", json={
        "title": "thief", "settings": {"model": "extractive", "knowledgebase_ids": [owned["store"]]}})
    if made.status_code < 300:
        alan = {"expert_id": made.json()["id"]}
        error(theirs["http"].post("/v1/chat/completions", json=question("keeper?", alan=alan)), 404)
    else:
        error(made, 404)


def test_the_same_text_in_two_tenants_is_found_by_each_in_its_own(server, stranger, client, light):
    other = server.openai(key=stranger)
    store = other.vector_stores.create(name=unique("copy")).id
    assert attach(other, store, upload(other, "copy.md", LIGHTHOUSE)).status == "completed"
    assert {each.filename for each in other.vector_stores.search(store, query="keeper").data} == {"copy.md"}
    assert {each.filename for each in client.vector_stores.search(light, query="keeper").data} == {"lighthouse.md"}


def test_a_secret_is_shown_once_and_never_listed(http):
    made = http.post("/api/v1/keys", json={"name": "once", "role": "user"}).json()
    assert len(made["key"]) >= 22
    listed = http.get("/api/v1/keys")
    assert made["id"] in {each["id"] for each in listed.json()["keys"]}
    assert made["key"] not in listed.text


def test_a_key_works_at_once_and_stops_at_once(server, http):
    made = http.post("/api/v1/keys", json={"name": "brief", "role": "user"}).json()
    for headers in ({"Authorization": f"Bearer {made['key']}"}, {"X-API-KEY": made["key"]}):
        assert httpx.get(f"{server.base}/v1/models", headers=headers).status_code == 200
    assert 200 <= http.delete(f"/api/v1/keys/{made['id']}").status_code < 300
    for headers in ({"Authorization": f"Bearer {made['key']}"}, {"X-API-KEY": made["key"]}):
        error(httpx.get(f"{server.base}/v1/models", headers=headers), 401)


def test_only_an_admin_manages_keys(server, http, stranger):
    made = http.post("/api/v1/keys", json={"name": "plain", "role": "user"}).json()
    for secret in (made["key"], stranger):
        with server.http(secret) as user:
            error(user.get("/api/v1/keys"), 403)
            error(user.post("/api/v1/keys", json={"name": "more", "role": "admin"}), 403)
            error(user.delete(f"/api/v1/keys/{made['id']}"), 403)


def test_a_key_without_a_tenant_belongs_to_its_makers(server, http, client, light):
    made = http.post("/api/v1/keys", json={"name": "colleague", "role": "user"}).json()
    assert server.openai(key=made["key"]).vector_stores.retrieve(light).id == light


@pytest.fixture
def other_admin(server, http):
    """A client with an admin key of the tenant `other`, and that key."""
    made = http.post("/api/v1/keys", json={"name": "other's admin", "role": "admin", "tenant": "other"}).json()
    with server.http(made["key"]) as client:
        yield client, made


def test_an_admin_of_another_tenant_manages_its_own_keys(server, http, other_admin):
    admin, own = other_admin
    for body in ({}, {"tenant": "other"}):
        made = admin.post("/api/v1/keys", json={"name": "other's user", "role": "user", **body}).json()
        assert made["tenant"] == "other"
        with server.http(made["key"]) as user:
            assert user.get("/v1/models").status_code == 200
            listed = admin.get("/api/v1/keys").json()["keys"]
            assert {own["id"], made["id"]} <= {key["id"] for key in listed}
            assert {key["tenant"] for key in listed} == {"other"}
            assert 200 <= admin.delete(f"/api/v1/keys/{made['id']}").status_code < 300
            error(user.get("/v1/models"), 401)
    # The first tenant's admins see the keys of everybody.
    assert {"default", "other"} <= {key["tenant"] for key in http.get("/api/v1/keys").json()["keys"]}


def test_an_admin_of_another_tenant_cannot_touch_the_keys_of_the_first(server, http, other_admin):
    admin, _ = other_admin
    for tenant in ("default", "third"):
        error(admin.post("/api/v1/keys", json={"name": "intruder", "role": "admin", "tenant": tenant}), 403)
    assert not [key for key in http.get("/api/v1/keys").json()["keys"] if key["name"] == "intruder"]

    target = http.post("/api/v1/keys", json={"name": "target", "role": "user"}).json()
    foreign = error(admin.delete(f"/api/v1/keys/{target['id']}"), 404)
    missing = error(admin.delete(f"/api/v1/keys/{unknown(target['id'])}"), 404)
    assert foreign["message"].replace(target["id"], "ID") == missing["message"].replace(unknown(target["id"]), "ID")
    with server.http(target["key"]) as user:
        assert user.get("/v1/models").status_code == 200, "the key still works"


def test_the_first_key_stays_revoked_when_the_server_starts_again_with_it(another_server):
    server = another_server().start()
    with server.http() as first:
        # Without a second admin nobody could look at the keys after the restart.
        second = first.post("/api/v1/keys", json={"name": "second", "role": "admin"}).json()["key"]
        own, = (key for key in first.get("/api/v1/keys").json()["keys"] if server.key.endswith(key["hint"].lstrip("…")))
        assert 200 <= first.delete(f"/api/v1/keys/{own['id']}").status_code < 300
    for restart in (server.stop, server.kill):
        restart()
        server.start()
        with server.http() as first, server.http(second) as admin:
            error(first.get("/v1/models"), 401)
            states = {key["id"]: key["revoked_at"] for key in admin.get("/api/v1/keys").json()["keys"]}
            assert len(states) == 2 and states[own["id"]] is not None
    server.stop()


def test_an_unknown_key_cannot_be_revoked(http):
    error(http.delete("/api/v1/keys/key_doesnotexist"), 404)


@pytest.mark.parametrize("body, param", [({"name": "x", "role": "king"}, "role"), ({"name": 7, "role": "user"}, "name")])
def test_a_wrong_key_request_is_refused(http, body, param):
    error(http.post("/api/v1/keys", json=body), 400, param)


def fill(value, names: dict[str, str]):
    """`value` with the names in all its strings replaced."""
    if isinstance(value, str):
        for name, id in names.items():
            value = value.replace(name, id)
        return value
    if isinstance(value, dict):
        return {key: fill(each, names) for key, each in value.items()}
    return [fill(each, names) for each in value] if isinstance(value, list) else value
