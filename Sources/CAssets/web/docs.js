// The reference: /openapi.json as a page. What it says is shown as text and never read as HTML; the key stays in this tab.

const find = id => document.getElementById(id);
const api = await (await fetch("openapi.json")).json().catch(problem => {
    find("failure").textContent = `The description cannot be read: ${problem.message}`;
});

/** An element with attributes and children, which are elements or texts. */
function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
}

/** Text in which `backquotes` mark code. */
function prose(text) {
    const parts = text.split("`");
    return element("p", {}, ...parts.map((part, place) => place % 2 ? element("code", {}, part) : part));
}

const nameOf = reference => reference.split("/").at(-1);
const resolved = value => value?.$ref
    ? value.$ref.split("/").slice(1).reduce((place, key) => place[key], api) : value;

// MARK: - Schemas

/** A schema's type in a few words; named schemas are links. */
function typeOf(schema) {
    if (schema.$ref) return [element("a", { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices && !schema.properties) {
        return choices.flatMap((choice, place) => place ? [" or ", ...typeOf(choice)] : typeOf(choice));
    }
    if ("const" in schema) return [JSON.stringify(schema.const)];
    if (schema.enum) return [schema.enum.map(value => JSON.stringify(value)).join(" or ")];
    const types = [schema.type ?? "anything"].flat();
    return types.flatMap((type, place) => {
        const words = type === "array" && schema.items ? ["array of ", ...typeOf(schema.items)] : [type];
        return place ? [" or ", ...words] : words;
    });
}

/** What limits a schema's values, such as "0 … 2, default 1". */
function limits(schema) {
    const range = (low, high, unit) => low === undefined && high === undefined ? []
        : [`${low ?? ""} … ${high ?? ""}${unit}`.trim()];
    return [
        ...range(schema.minimum, schema.maximum, ""),
        ...range(schema.minLength, schema.maxLength, " bytes"),
        ...range(schema.minItems, schema.maxItems, " elements"),
        ...range(schema.minProperties, schema.maxProperties, " pairs"),
        ...(schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`]),
    ].join(", ");
}

/** One line of a table: a field or parameter with its schema, and the fields within it below. */
function field(name, schema, required, description = schema.description) {
    const about = element("td", {}, element("span", {}, ...typeOf(schema)), " ",
        element("span", { class: "quiet" }, limits(schema)));
    if (description) about.append(prose(description));
    const inner = schema.properties ? schema : schema.items?.properties ? schema.items : null;
    if (inner) about.append(fields(inner));
    return element("tr", {},
        element("td", {}, element("code", {}, name), element("small", {}, required ? "required" : "")), about);
}

function fields(schema) {
    const rows = Object.entries(schema.properties).map(
        ([name, inner]) => field(name, inner, schema.required?.includes(name)));
    return element("table", {}, element("tbody", {}, ...rows));
}

/** A schema in full. */
function shape(schema) {
    const parts = [];
    if (schema.description) parts.push(prose(schema.description));
    if (schema.properties) parts.push(fields(schema));
    const choices = schema.oneOf ?? schema.anyOf ?? [];
    for (const choice of choices) {
        parts.push(element("p", {}, "One choice: ", ...(choice.properties ? [] : typeOf(choice))));
        if (choice.properties) parts.push(fields(choice));
    }
    if (!parts.length) parts.push(element("p", {}, ...typeOf(schema)));
    return parts;
}

// MARK: - Operations

function content(media) {
    // Of an event, what its data holds says more than that it is one.
    const data = ({ properties }) => properties?.data?.anyOf?.[0] ?? properties?.data;
    return Object.entries(media ?? {}).map(([type, { schema = {} }]) =>
        element("p", {}, element("code", {}, type), " ", ...typeOf(data(schema)?.contentSchema ?? schema)));
}

function answers(operation) {
    const rows = Object.entries(operation.responses).map(([status, reference]) => {
        const response = resolved(reference);
        return element("tr", {}, element("td", {}, element("code", {}, status)),
            element("td", {}, prose(response.description), ...content(response.content)));
    });
    return element("table", {}, element("tbody", {}, ...rows));
}

/** A form that sends the request with the key from the top of the page. */
function tryOut(method, path, parameters, operation) {
    const media = operation.requestBody?.content["application/json"];
    if (operation.requestBody && !media) return [];
    const inputs = parameters.map(parameter => {
        const input = element("input", { "aria-label": parameter.name, placeholder: parameter.name });
        return [parameter, input];
    });
    const body = media && element("textarea", { rows: 8, "aria-label": "Body", spellcheck: "false" });
    if (body) body.value = JSON.stringify(media.example ?? {}, null, 2);
    const output = element("blockquote", { hidden: "" });
    const form = element("form", {}, ...inputs.map(([, input]) => input), ...(body ? [body] : []),
        element("button", { class: "primary" }, "Send"), output);
    form.addEventListener("submit", event => {
        event.preventDefault();
        send(method, path, inputs, body?.value, output);
    });
    return [element("details", {}, element("summary", {}, "Try it"), form)];
}

async function send(method, path, inputs, body, output) {
    const query = new URLSearchParams();
    const headers = find("key").value ? { Authorization: `Bearer ${find("key").value}` } : {};
    for (const [parameter, { value }] of inputs) {
        if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
        else if (value && parameter.in === "query") query.set(parameter.name, value);
        else if (value) headers[parameter.name] = value;
    }
    if (body) headers["Content-Type"] = "application/json";
    output.hidden = false;
    output.textContent = "…";
    try {
        const answer = await fetch(path.slice(1) + (query.size ? `?${query}` : ""), { method, headers, body });
        const type = answer.headers.get("content-type") ?? "";
        const text = await answer.text();
        output.textContent = `${answer.status}\n${type === "application/json" ? JSON.stringify(JSON.parse(text), null, 2) : text}`;
    } catch (problem) {
        output.textContent = problem.message;
    }
}

function entry(path, method, operation, shared) {
    const parameters = [...(shared ?? []), ...(operation.parameters ?? [])].map(resolved);
    const parts = [];
    if (operation.description) parts.push(prose(operation.description));
    if (operation.security?.length === 0) parts.push(element("p", { class: "quiet" }, "Needs no key."));
    if (parameters.length) {
        const rows = parameters.map(each => field(each.name, each.schema, each.required, each.description));
        parts.push(element("h3", {}, "Parameters"), element("table", {}, element("tbody", {}, ...rows)));
    }
    if (operation.requestBody) parts.push(element("h3", {}, "Body"), ...content(operation.requestBody.content));
    parts.push(element("h3", {}, "Answers"), answers(operation));
    parts.push(...tryOut(method.toUpperCase(), path, parameters, operation));
    const title = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${operation.summary}`);
    return element("details", { id: operation.operationId, class: "route" }, title, ...parts);
}

// MARK: - The page

function section(title, description, ...parts) {
    return element("section", { class: "panel" }, element("h2", {}, title), prose(description), ...parts);
}

if (api) {
    find("about").replaceWith(prose(api.info.description));
    for (const tag of api.tags) {
        const entries = Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item)
            .filter(([, operation]) => operation.tags?.includes(tag.name))
            .map(([method, operation]) => entry(path, method, operation, item.parameters)));
        find("reference").append(section(tag.name, tag.description, ...entries));
    }
    const schemas = Object.entries(api.components.schemas).map(([name, schema]) =>
        element("details", { id: `schema-${name}` }, element("summary", {}, element("code", {}, name)), ...shape(schema)));
    find("reference").append(section("schemas", "The shapes of bodies and answers.", ...schemas));
}

/** Opens what the address names, so that a link into a folded part leads somewhere. */
function openNamed() {
    const named = location.hash && find(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    named.open = true;
    named.scrollIntoView();
}

addEventListener("hashchange", openNamed);
openNamed();

find("find").addEventListener("input", ({ target }) => {
    const wanted = target.value.toLowerCase();
    for (const route of document.querySelectorAll(".route")) {
        route.hidden = !route.firstChild.textContent.toLowerCase().includes(wanted);
    }
});
