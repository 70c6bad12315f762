// Keeps the two forms of a test's payload in step: the server says what one means in the other. Without it both work.
const PAUSE_MS = 300;
const form = document.getElementById("test");
const json = document.getElementById("json");
const places = document.getElementById("places");

let timer = 0;
let asked = 0; // only the answer to the last question counts
let behind = false; // the form was changed, and the JSON does not say so yet

async function ask(show, extra = {}) {
  clearTimeout(timer);
  const number = ++asked;
  const fields = new URLSearchParams(new FormData(form));
  for (const [name, value] of Object.entries({ show, ...extra })) fields.set(name, value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (!answer.ok || answer.redirected || number !== asked) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null; // the form is sent as it is
  }
}

function take(page, id) {
  const from = page?.getElementById(id);
  const to = document.getElementById(id);
  if (from && to) to.replaceChildren(...from.childNodes);
}

async function showJson(extra) {
  const page = await ask("json", extra);
  if (!page) return;
  behind = false;
  json.value = page.getElementById("json").value;
  take(page, "json-wrong");
  if (extra) take(page, "places");
}

async function showPlaces() {
  const page = await ask("fields");
  take(page, "json-wrong");
  if (page && !page.getElementById("json-wrong").textContent) take(page, "places");
}

if (form && places) {
  document.getElementById("json-hint").textContent = "The form and the JSON follow each other.";
  places.addEventListener("input", () => {
    behind = true;
    clearTimeout(timer);
    timer = setTimeout(showJson, PAUSE_MS);
  });
  json.addEventListener("input", () => {
    behind = false;
    clearTimeout(timer);
    timer = setTimeout(showPlaces, PAUSE_MS);
  });
  places.addEventListener("click", async (event) => {
    const button = event.target.closest("button[name]");
    if (!button) return;
    event.preventDefault();
    await showJson({ [button.name]: button.value });
    document.getElementById("places").querySelector(`button[value="${CSS.escape(button.value)}"]`)?.focus();
  });
  form.addEventListener("submit", async (event) => {
    if (!behind) return;
    event.preventDefault();
    await showJson();
    if (behind) json.value = ""; // then the form counts
    behind = false;
    form.requestSubmit(event.submitter);
  });
  if (!json.value.trim() && !places.querySelector("[aria-invalid]")) showJson();
}
