// Keeps a page up to date: its live parts come by server-sent events, and it says when nothing comes.
const AGAIN_MS = 3000;
const PATIENCE_MS = 25_000; // the server sends something every 15 s

let source = null;
let silence = 0; // timer: nothing was heard for too long
let again = 0; // timer: connect once more

function say(problem) {
  const banner = document.getElementById("connection");
  if (!banner) return;
  const text = problem ? `${problem} What you see may be out of date. This page goes on by itself.` : "";
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !problem;
  document.body.classList.toggle("stale", Boolean(problem));
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(() => reconnect("The server does not answer."), PATIENCE_MS);
}

function connect() {
  disconnect();
  source = new EventSource(location.href.split("#")[0]);
  heard();
  source.addEventListener("open", heard);
  source.addEventListener("parts", (event) => {
    heard();
    say("");
    replaceParts(JSON.parse(event.data));
  });
  source.addEventListener("fault", (event) => {
    heard();
    say(event.data);
  });
  source.addEventListener("gone", () => location.reload());
  source.addEventListener("error", () => {
    if (navigator.onLine === false) say("There is no connection to the network.");
    else say("The connection to the server is lost.");
    if (source.readyState === EventSource.CLOSED) reconnect(); // else the browser tries again by itself
  });
}

function disconnect() {
  clearTimeout(silence);
  clearTimeout(again);
  source?.close();
  source = null;
}

function reconnect(problem) {
  disconnect();
  if (problem) say(problem);
  again = setTimeout(async () => {
    try {
      // Sent elsewhere, such as to the login: the page has to be opened anew.
      const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
      if (answer.redirected || answer.status === 404) return location.reload();
    } catch {
      return reconnect("The connection to the server is lost.");
    }
    connect();
  }, AGAIN_MS);
}

function replaceParts(parts) {
  for (const [name, html] of Object.entries(parts)) {
    const part = document.querySelector(`[data-live="${name}"]`);
    if (!part) continue;
    // The page as it was opened has the server's marks around its parts; what is sent has not.
    for (const node of [...part.childNodes]) if (node.nodeType === Node.COMMENT_NODE) node.remove();
    const wanted = document.createElement("div");
    wanted.innerHTML = html; // made by our server, which escapes all data; the policy lets no script in it run
    document.dispatchEvent(new CustomEvent("perdure:prepare", { detail: wanted }));
    replaceChildren(part, wanted);
  }
  if (Object.keys(parts).length) document.dispatchEvent(new CustomEvent("perdure:changed"));
}

// Makes the children of one element those of another, and keeps what it can: focus, what is open, what is checked.
function replaceChildren(element, wanted) {
  const kept = new Map([...element.children].filter((child) => child.id).map((child) => [child.id, child]));
  let current = element.firstChild;
  for (const node of [...wanted.childNodes]) {
    const match = node.id ? kept.get(node.id) : current && !current.id && isLike(current, node) ? current : null;
    if (!match || !isLike(match, node)) {
      element.insertBefore(node, current);
      continue;
    }
    if (match === current) current = current.nextSibling;
    else element.insertBefore(match, current);
    replaceNode(match, node);
  }
  while (current) {
    const next = current.nextSibling;
    current.remove();
    current = next;
  }
}

function isLike(node, other) {
  return node.nodeType === other.nodeType && node.nodeName === other.nodeName;
}

function replaceNode(node, wanted) {
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.nodeValue !== wanted.nodeValue) node.nodeValue = wanted.nodeValue;
    return;
  }
  if (node.isEqualNode(wanted) || (node === document.activeElement && "value" in node)) return;
  for (const { name } of [...node.attributes]) {
    if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (name !== "open" && node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  replaceChildren(node, wanted);
}

if (document.getElementById("connection")) {
  connect();
  // A browser has few connections to one server, so pages that nobody looks at let go of theirs.
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  window.addEventListener("online", connect);
  window.addEventListener("offline", () => say("There is no connection to the network."));
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", (event) => event.persisted && connect());
}
