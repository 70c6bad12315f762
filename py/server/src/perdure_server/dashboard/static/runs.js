// The list of runs: a search that goes on by itself, a time that is marked in the chart, and runs that are chosen.

// A search looks at some thousand runs in each request. This asks on until the page is full, nothing is left, or
// somebody stops it.
async function searchOn(list) {
  const wanted = Number(list.dataset.take);
  const stop = document.createElement("button");
  stop.type = "button";
  stop.textContent = "Stop";
  let stopped = false;
  stop.addEventListener("click", () => {
    stopped = true;
    stop.remove();
  });
  list.querySelector("[data-further]")?.before(stop);
  for (;;) {
    const further = list.querySelector("[data-further]");
    if (!further || stopped) break;
    further.hidden = true;
    let page;
    try {
      const answer = await fetch(further.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      further.hidden = false;
      further.textContent = "The search was interrupted. Try again";
      break;
    }
    if (stopped) break;
    document.dispatchEvent(new CustomEvent("perdure:prepare", { detail: page.body }));
    takeOver(list, page, stop);
    if (list.querySelectorAll("[data-runs] > tr").length >= wanted) break;
    if (document.hidden) await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
  stop.remove();
  const further = list.querySelector("[data-further]");
  if (further) further.hidden = false;
}

// What a further page has found comes below what is there, and its word on the search in place of ours.
function takeOver(list, page, stop) {
  const rows = list.querySelector("[data-rows]");
  const found = page.querySelector("[data-runs]");
  const known = rows.querySelector("[data-runs]");
  if (found && known) known.append(...found.children);
  else if (found) rows.replaceChildren(found.closest(".card"));
  const here = list.querySelector("[data-search-on]");
  const there = page.querySelector("[data-search-on]");
  if (there) {
    here.querySelector("[data-progress]").replaceWith(there.querySelector("[data-progress]"));
    here.querySelector("[data-further]").replaceWith(there.querySelector("[data-further]"));
  } else {
    stop.remove();
    here.remove();
    if (!rows.querySelector("[data-runs]")) rows.replaceChildren(...page.querySelector("[data-run-list] .live").children);
    const older = page.querySelector("nav.pager [rel=next]");
    const pager = document.querySelector("[data-pager]");
    if (older && pager) pager.replaceChildren(older.closest("nav"));
  }
  document.dispatchEvent(new CustomEvent("perdure:changed"));
}

// In the chart a time is marked by dragging, or with the arrow keys; a click on a bar is a link by itself. What is
// marked are the places of bars, so that it stays while the chart changes.
const marked = { anchor: null, end: null };
const brushed = new WeakSet();

function describe(root) {
  root.querySelectorAll("[data-histogram] svg").forEach((svg) => {
    svg.tabIndex = 0;
    svg.dataset.brush = "";
    svg.setAttribute("aria-label", "Runs by time. Arrow keys choose a time, with Shift a longer one; Enter shows its runs");
  });
  root.querySelectorAll("[data-histogram-text]").forEach((text) => text.setAttribute("aria-live", "polite"));
}

function brush(figure) {
  const svg = figure.querySelector("svg");
  const bars = () => [...svg.querySelectorAll("a")];
  const chosen = () => {
    if (marked.anchor === null) return [];
    return bars().slice(Math.min(marked.anchor, marked.end), Math.max(marked.anchor, marked.end) + 1);
  };
  const show = () => {
    const some = chosen();
    bars().forEach((bar) => bar.querySelector(".ground").classList.toggle("marked", some.includes(bar)));
    const text = figure.querySelector("[data-histogram-text]");
    text.textContent = some.length ? spanned(some) : text.dataset.words;
  };
  show();
  if (brushed.has(svg)) return;
  brushed.add(svg);
  const mark = (anchor, end) => {
    Object.assign(marked, { anchor, end });
    show();
  };
  const at = (event) => {
    const box = svg.getBoundingClientRect();
    const place = Math.floor(((event.clientX - box.left) / box.width) * bars().length);
    return Math.min(bars().length - 1, Math.max(0, place));
  };
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // else the browser drags the link
    svg.setPointerCapture(event.pointerId);
    mark(at(event), at(event));
  });
  svg.addEventListener("pointermove", (event) => {
    if (svg.hasPointerCapture(event.pointerId)) mark(marked.anchor, at(event));
  });
  svg.addEventListener("pointerup", (event) => {
    if (svg.hasPointerCapture(event.pointerId)) showRuns(chosen());
  });
  svg.addEventListener("pointercancel", () => mark(null, null));
  svg.addEventListener("click", (event) => event.preventDefault()); // the pointer has gone there already
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      const last = bars().length - 1;
      const end = marked.end === null ? last : Math.min(last, Math.max(0, marked.end + step));
      mark(event.shiftKey && marked.anchor !== null ? marked.anchor : end, end);
    } else if (event.key === "Enter" && marked.anchor !== null) {
      event.preventDefault();
      showRuns(chosen());
    } else if (event.key === "Escape") {
      mark(null, null);
    }
  });
}

function spanned(bars) {
  const local = (instant) => new Date(instant).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const only = bars.length === 1 ? `: ${bars[0].dataset.words}` : "";
  return `${local(bars[0].dataset.from)} to ${local(bars.at(-1).dataset.to)}${only}`;
}

function showRuns(bars) {
  if (!bars.length) return;
  const [first, last] = [bars[0], bars.at(-1)].map((bar) => new URL(bar.getAttribute("href"), location.href));
  first.searchParams.set("to", last.searchParams.get("to"));
  location.assign(first);
}

// How many runs are chosen, and a box that chooses all of the page.
function chooseRuns(list) {
  const boxes = () => [...list.querySelectorAll('[data-runs] input[type="checkbox"]')];
  const label = list.querySelector("[data-chosen]");
  if (!label) return;
  const all = document.createElement("input");
  all.type = "checkbox";
  all.id = "choose-all";
  all.setAttribute("aria-label", "Choose all runs of this page");
  const show = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    label.textContent = chosen ? `With the ${chosen} chosen ${chosen === 1 ? "run" : "runs"}:` : "With the chosen runs:";
    list.querySelectorAll("button[name=kind]").forEach((button) => (button.disabled = !chosen));
    all.checked = chosen > 0 && chosen === boxes().length;
    all.indeterminate = chosen > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    boxes().forEach((box) => (box.checked = all.checked));
    show();
  });
  const place = () => {
    const head = list.querySelector("thead .choice");
    if (head && !head.contains(all)) head.replaceChildren(all);
    show();
  };
  list.addEventListener("change", show);
  document.addEventListener("perdure:changed", place);
  place();
}

// A column of boxes looks the same before and after an update from the server.
document.addEventListener("perdure:prepare", (event) => {
  const head = event.detail.querySelector("thead .choice");
  const all = document.getElementById("choose-all");
  if (head && all) head.replaceChildren(all.cloneNode());
});

const list = document.querySelector("[data-run-list]");
if (list) {
  chooseRuns(list);
  if (list.querySelector("[data-further]")) searchOn(list);
}
const brushAll = () => document.querySelectorAll("[data-histogram]").forEach(brush);
document.addEventListener("perdure:prepare", (event) => describe(event.detail));
document.addEventListener("perdure:changed", brushAll);
describe(document);
brushAll();

// Filters apply as soon as a status is chosen.
document.querySelectorAll('.filters input[name="status"]').forEach((box) => {
  box.addEventListener("change", () => box.form.requestSubmit());
});

// Fields that are empty need not stand in the address.
document.querySelector("form.filters")?.addEventListener("submit", (event) => {
  for (const field of event.target.elements) {
    if (field.name && !field.value) field.disabled = true;
  }
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form.filters :disabled").forEach((field) => (field.disabled = false));
});
