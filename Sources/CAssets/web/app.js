// The console. What the API sends is shown as text and never read as HTML; the key stays in this tab.

const strings = {
    welcome: ["Sign in", "Anmelden"],
    key: ["API key", "API-Schlüssel"],
    keyHint: ["Kept in this tab until you close it.", "Bleibt in diesem Tab, bis Sie ihn schließen."],
    wrongKey: ["The server does not know this key.", "Der Server kennt diesen Schlüssel nicht."],
    enter: ["Continue", "Weiter"],
    leave: ["Sign out", "Abmelden"],
    bases: ["Knowledge bases", "Wissensbasen"],
    basesHint: ["Answers rest on what is ticked. Choose a name to see its documents.",
        "Antworten beruhen auf dem, was angekreuzt ist. Ein Name zeigt seine Dokumente."],
    create: ["Create", "Anlegen"],
    createTitle: ["New knowledge base", "Neue Wissensbasis"],
    use: [title => `Use “${title}” for answers`, title => `„${title}“ für Antworten verwenden`],
    count: [n => n === 1 ? "1 document" : `${number(n)} documents`,
        n => n === 1 ? "1 Dokument" : `${number(n)} Dokumente`],
    failedCount: [n => `${number(n)} failed`, n => `${number(n)} gescheitert`],
    documents: [title => `Documents in “${title}”`, title => `Dokumente in „${title}“`],
    upload: ["Add files: choose them, or drop them here", "Dateien hinzufügen: auswählen oder hier ablegen"],
    noDocuments: ["Nothing here yet.", "Hier ist noch nichts."],
    moreDocuments: ["There are more documents; these are the newest.",
        "Es gibt weitere Dokumente; dies sind die neuesten."],
    name: ["Name", "Name"],
    status: ["Status", "Stand"],
    action: ["Action", "Aktion"],
    remove: ["Delete", "Löschen"],
    removeNamed: [name => `Delete ${name}`, name => `${name} löschen`],
    sure: [name => `Delete “${name}” from this knowledge base?`, name => `„${name}“ aus dieser Wissensbasis löschen?`],
    removed: [name => `${name} was deleted.`, name => `${name} wurde gelöscht.`],
    added: [name => `${name} was uploaded.`, name => `${name} wurde hochgeladen.`],
    passages: [n => n === 1 ? "1 passage" : `${number(n)} passages`,
        n => n === 1 ? "1 Passage" : `${number(n)} Passagen`],
    uploading: ["uploading …", "lädt hoch …"],
    in_progress: ["indexing …", "wird indiziert …"],
    indexing: ["indexing …", "wird indiziert …"],
    completed: ["ready", "bereit"],
    ready: ["ready", "bereit"],
    failed: ["failed", "gescheitert"],
    cancelled: ["cancelled", "abgebrochen"],
    empty: ["empty", "leer"],
    ask: ["Question", "Frage"],
    model: ["Model", "Modell"],
    unavailable: ["unavailable", "nicht verfügbar"],
    question: ["Your question", "Ihre Frage"],
    send: ["Ask", "Fragen"],
    stop: ["Stop", "Anhalten"],
    scope: [titles => titles ? `Answers rest on: ${titles}` : "No knowledge base is ticked.",
        titles => titles ? `Antworten beruhen auf: ${titles}` : "Keine Wissensbasis ist angekreuzt."],
    ungrounded: ["This answer rests on none of the documents.", "Diese Antwort beruht auf keinem der Dokumente."],
    cut: ["The answer was cut at its length limit.", "Die Antwort wurde an ihrer Längengrenze abgeschnitten."],
    stopped: ["Stopped.", "Angehalten."],
    broken: ["The answer broke off before its end.", "Die Antwort brach vor ihrem Ende ab."],
    answered: [text => `Answer: ${text}`, text => `Antwort: ${text}`],
    sources: ["Passages found", "Gefundene Passagen"],
    source: [n => `Show passage ${n}`, n => `Passage ${n} zeigen`],
    characters: [(from, to) => `Characters ${from}–${to}`, (from, to) => `Zeichen ${from}–${to}`],
    page: [n => `page ${n}`, n => `Seite ${n}`],
    close: ["Close", "Schließen"],
    unreachable: ["The server cannot be reached.", "Der Server ist nicht erreichbar."],
    httpError: [n => `The server answered with status ${n}.`, n => `Der Server antwortete mit Status ${n}.`],
}
const language = navigator.language.toLowerCase().startsWith("de") ? "de" : "en"
const column = language === "de" ? 1 : 0
const t = Object.fromEntries(Object.entries(strings).map(([name, texts]) => [name, texts[column]]))
const number = n => n.toLocaleString(language)

const $ = id => document.getElementById(id)

function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties)
    element.append(...children)
    return element
}

// What is known of the server, and what the person has chosen. `opened` and `chosen` hold ids of knowledge bases.
let key = sessionStorage.getItem("almanac.key") ?? ""
let bases = []
let documents = []
let uploads = []
let opened = null
let chosen = new Set()
let timer = null
let answering = null

// MARK: - Talking to the server

class Unauthorized extends Error {}

/** The response to a request that succeeded; throws an error with a message for the person. */
async function request(path, options = {}) {
    const headers = { ...options.headers, Authorization: `Bearer ${key}` }
    const settings = { cache: "no-store", credentials: "omit", ...options, headers }
    const response = await fetch(path, settings).catch(error => {
        throw error.name === "AbortError" ? error : new Error(t.unreachable)
    })
    if (response.ok) return response
    if (response.status === 401) throw new Unauthorized(t.wrongKey)
    const body = await response.json().catch(() => null)
    throw new Error(body?.error?.message ?? t.httpError(response.status))
}

const get = async path => (await request(path)).json()
const json = { "Content-Type": "application/json" }
const post = (path, body, signal) =>
    request(path, { method: "POST", headers: json, body: JSON.stringify(body), signal })
const documentsPath = base => `api/v1/knowledgebases/${encodeURIComponent(base)}/documents`

/** Does something and shows beside it what went wrong. A key that the server has forgotten leads back to the start. */
async function attempt(place, action) {
    try {
        $(place).textContent = ""
        await action()
    } catch (error) {
        if (error instanceof Unauthorized) signOut(error.message)
        else $(place).textContent = error.message
    }
}

// MARK: - The key

async function signIn(candidate) {
    // A header can carry nothing else.
    if (!/^[!-~]+$/.test(candidate)) return signOut(t.wrongKey)
    key = candidate
    await attempt("key-error", async () => {
        const [models, experts] = await Promise.all([get("v1/models"), get("api/v1/experts")])
        await loadBases()
        showModels(models.data, experts.experts)
        sessionStorage.setItem("almanac.key", key)
        $("key").value = ""
        $("key-form").hidden = true
        $("console").hidden = $("leave").hidden = false
        if (bases.length > 0) open(bases[0].id)
        $("question").focus()
    })
}

/** A page loaded anew has forgotten everything. */
function signOut(message = "") {
    sessionStorage.removeItem("almanac.key")
    sessionStorage.setItem("almanac.message", message)
    location.reload()
}

// MARK: - Knowledge bases

async function loadBases() {
    bases = (await get("api/v1/knowledgebases?limit=100")).knowledgebases
    // Somebody else may have deleted some of them.
    chosen = new Set(bases.map(base => base.id).filter(id => chosen.has(id)))
    if (!bases.some(base => base.id === opened)) {
        opened = null
        $("documents-area").hidden = true
    }
    showBases()
}

function showBases() {
    renew($("bases"), bases.map(base => {
        const counts = base.document_counts
        const facts = [t.count(counts.total), t[base.status] ?? base.status]
        if (counts.failed > 0) facts.push(t.failedCount(counts.failed))
        const tick = make("input", {
            type: "checkbox", id: `use-${base.id}`, defaultChecked: chosen.has(base.id), ariaLabel: t.use(base.title),
            onchange: () => {
                if (!chosen.delete(base.id)) chosen.add(base.id)
                showBases()
            },
        })
        const button = make(
            "button", { type: "button", id: `open-${base.id}`, onclick: () => open(base.id) },
            make("b", { textContent: base.title }), make("small", { textContent: facts.join(" · ") }))
        button.ariaExpanded = String(base.id === opened)
        button.setAttribute("aria-controls", "documents-area")
        return make("li", {}, tick, button)
    }))
    $("scope").textContent = t.scope(bases.filter(base => chosen.has(base.id)).map(base => base.title).join(", "))
}

/** Shows the documents of a knowledge base; who looks at one most likely wants to ask it, too. */
async function open(id) {
    opened = id
    documents = []
    chosen.add(id)
    showBases()
    $("documents-title").textContent = t.documents(bases.find(base => base.id === id)?.title ?? "")
    $("documents-area").hidden = false
    $("more-documents").hidden = true
    showDocuments()
    await refresh()
}

// MARK: - Documents

/** Reads the state of things again, soon while something is being indexed and seldom otherwise. */
async function refresh() {
    clearTimeout(timer)
    const base = opened
    if (!document.hidden) await attempt("bases-error", async () => {
        await loadBases()
        if (base !== opened) return
        const listing = await get(`${documentsPath(base)}?limit=1000`)
        // Meanwhile another one may have been opened.
        if (base !== opened) return
        documents = listing.documents
        $("more-documents").hidden = !listing.has_more
        showDocuments()
    })
    if (base !== opened) return
    clearTimeout(timer)
    const states = [...documents, ...bases].map(each => each.status)
    timer = setTimeout(refresh, states.includes("in_progress") || states.includes("indexing") ? 1_500 : 20_000)
}

function showDocuments() {
    const rows = uploads.filter(each => each.base === opened)
        .map(each => row(each.name, each.error ? "failed" : "uploading", each.error ?? "", ""))
    for (const each of documents) {
        const remove = make("button", {
            type: "button", id: `remove-${each.file_id}`, onclick: () => removeDocument(each),
            textContent: t.remove, ariaLabel: t.removeNamed(each.filename),
        })
        const detail = each.error?.message ?? (each.status === "completed" ? t.passages(each.chunk_count) : "")
        rows.push(row(each.filename, each.status, detail, remove))
    }
    renew($("rows"), rows)
    $("documents").hidden = rows.length === 0
    $("no-documents").hidden = rows.length > 0
}

function row(name, status, detail, action) {
    const small = make("small", { textContent: detail, className: status === "failed" ? "error" : "" })
    return make(
        "tr", {}, make("td", { textContent: name }), make("td", {}, t[status] ?? status, small), make("td", {}, action))
}

async function addFiles(files) {
    const base = opened
    const added = [...files].map(file => ({ base, file, name: file.name, error: null }))
    // Failures of earlier uploads have been seen by now.
    uploads = [...added, ...uploads.filter(each => !each.error)]
    showDocuments()
    for (const upload of added) {
        await attempt("bases-error", async () => {
            const body = new FormData()
            body.append("file", upload.file)
            try {
                await request(documentsPath(base), { method: "POST", body })
                uploads = uploads.filter(each => each !== upload)
                announce(t.added(upload.name))
            } catch (error) {
                if (error instanceof Unauthorized) throw error
                upload.error = error.message
                announce(`${upload.name}: ${error.message}`)
            }
            showDocuments()
            await refresh()
        })
    }
}

async function removeDocument(each) {
    if (!confirm(t.sure(each.filename))) return
    await attempt("bases-error", async () => {
        const path = `${documentsPath(each.knowledgebase_id)}/${encodeURIComponent(each.file_id)}`
        await request(path, { method: "DELETE" })
        announce(t.removed(each.filename))
        await refresh()
        $("documents-title").focus()
    })
}

// MARK: - Questions

/** Embedding models answer nothing, and knowledge bases are ticked, not chosen here. */
function showModels(models, experts) {
    const titles = new Map(experts.map(expert => [`expert/${expert.id}`, expert.title]))
    const answering = models.filter(model => !model.id.startsWith("kb/") && !(model.meta_data?.hidden_size > 0))
    $("model").replaceChildren(...answering.map(model => {
        const isAvailable = model.status !== "unavailable"
        const name = titles.has(model.id) ? `${titles.get(model.id)} (${model.id})` : model.id
        return make("option", {
            value: model.id, disabled: !isAvailable, textContent: isAvailable ? name : `${name} – ${t.unavailable}`,
        })
    }))
}

async function ask(question) {
    answering?.abort()
    const abort = answering = new AbortController()
    for (const id of ["answer", "note", "sources", "announcement"]) $(id).replaceChildren()
    $("sources-area").hidden = true
    $("stop").hidden = false
    const body = { model: $("model").value, stream: true, messages: [{ role: "user", content: question }] }
    if (chosen.size > 0) body.alan = { knowledgebase_ids: [...chosen] }
    await attempt("ask-error", async () => {
        try {
            const response = await post("v1/chat/completions", body, abort.signal)
            await showAnswer(response)
            announce(t.answered($("answer").textContent))
        } catch (error) {
            if (error.name !== "AbortError") throw error
            if (answering === abort) $("note").textContent = t.stopped
        }
    })
    if (answering !== abort) return
    answering = null
    if (document.activeElement === $("stop")) $("question").focus()
    $("stop").hidden = true
}

async function showAnswer(response) {
    const writer = new AnswerWriter()
    for await (const chunk of events(response)) {
        if (chunk.error) throw new Error(chunk.error.message)
        if (chunk.alan?.references) {
            writer.references = chunk.alan.references
            showSources(chunk.alan.references)
            if (!chunk.alan.retrieval?.grounded) $("note").textContent = t.ungrounded
        }
        const choice = chunk.choices?.[0]
        if (choice?.delta?.content) writer.write(choice.delta.content)
        if (choice?.finish_reason === "length") $("note").append(` ${t.cut}`)
    }
    writer.finish()
}

/** The JSON objects of an event stream up to `[DONE]`, without which it has broken off. */
async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let held = ""
    for (;;) {
        const { value, done } = await reader.read().catch(error => {
            throw error.name === "AbortError" ? error : new Error(t.broken)
        })
        if (done) throw new Error(t.broken)
        const lines = (held + value).split(/\r?\n/)
        held = lines.pop()
        for (const line of lines) {
            if (!line.startsWith("data:")) continue
            const data = line.slice(5).trim()
            if (data === "[DONE]") return
            yield JSON.parse(data)
        }
    }
}

/** Writes an answer as text, its markers `[n]` as buttons. A marker may come in pieces. */
class AnswerWriter {
    references = []
    held = ""

    write(text) {
        const all = this.held + text
        const end = all.search(/\[\d*$/)
        this.held = end < 0 ? "" : all.slice(end)
        for (const piece of (end < 0 ? all : all.slice(0, end)).split(/(\[\d+\])/)) {
            const reference = /^\[\d+\]$/.test(piece) && this.references.find(each => `[${each.index}]` === piece)
            $("answer").append(reference ? referenceButton(reference, piece) : piece)
        }
    }

    finish() {
        $("answer").append(this.held)
        $("answer").normalize()
    }
}

// MARK: - References

const heading = reference => [reference.filename, ...reference.heading_path].join(" › ")

function referenceButton(reference, text) {
    const ariaLabel = `${t.source(reference.index)}: ${heading(reference)}`
    return make("button", { type: "button", textContent: text, ariaLabel, onclick: () => showReference(reference) })
}

function showSources(references) {
    const button = reference => referenceButton(reference, `[${reference.index}] ${heading(reference)}`)
    $("sources").replaceChildren(...references.map(reference => make("li", {}, button(reference))))
    $("sources-area").hidden = references.length === 0
}

/** A modal dialog gives the focus back to the button that opened it, and closes with Escape. */
function showReference(reference) {
    const place = [t.characters(number(reference.start), number(reference.end))]
    if (reference.page) place.unshift(t.page(reference.page))
    $("reference-title").textContent = `[${reference.index}] ${heading(reference)}`
    $("quote").textContent = reference.quote
    $("place").textContent = place.join(", ")
    $("reference").showModal()
    $("quote").scrollTop = 0
}

// MARK: - The page

/** Replaces children that have changed and leaves the focus on the element of the same id. */
function renew(parent, children) {
    const old = parent.children
    if (old.length === children.length && children.every((child, index) => child.isEqualNode(old[index]))) return
    const focused = parent.contains(document.activeElement) ? document.activeElement.id : ""
    parent.replaceChildren(...children)
    if (focused) $(focused)?.focus()
}

/** Says something to those who listen to the page. */
const announce = text => { $("announcement").textContent = text }

function onSubmit(id, action) {
    $(id).addEventListener("submit", event => {
        event.preventDefault()
        action()
    })
}

document.documentElement.lang = language
for (const element of document.querySelectorAll("[data-text]")) element.textContent = t[element.dataset.text]

onSubmit("key-form", () => signIn($("key").value.trim()))
onSubmit("create-form", () => attempt("bases-error", async () => {
    const base = await (await post("api/v1/knowledgebases", { title: $("create-title").value.trim() })).json()
    $("create-title").value = ""
    await loadBases()
    await open(base.id)
}))
onSubmit("ask-form", () => { if ($("question").value.trim()) ask($("question").value.trim()) })
$("leave").addEventListener("click", () => signOut())
$("stop").addEventListener("click", () => answering?.abort())
$("close").addEventListener("click", () => $("reference").close())
$("question").addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
    event.preventDefault()
    $("ask-form").requestSubmit()
})
$("files").addEventListener("change", () => {
    addFiles($("files").files)
    $("files").value = ""
})
// A file dropped beside the target must not replace the page.
for (const type of ["dragover", "drop"]) addEventListener(type, event => event.preventDefault())
addEventListener("dragover", event => $("drop").classList.toggle("over", $("drop").contains(event.target)))
addEventListener("dragleave", () => $("drop").classList.remove("over"))
addEventListener("drop", event => {
    const isTarget = $("drop").contains(event.target)
    $("drop").classList.remove("over")
    if (isTarget && event.dataTransfer.files.length > 0) addFiles(event.dataTransfer.files)
})
document.addEventListener("visibilitychange", () => { if (!document.hidden && opened) refresh() })

$("key-error").textContent = sessionStorage.getItem("almanac.message") ?? ""
sessionStorage.removeItem("almanac.message")
$("key").focus()
if (key) signIn(key)
