// What pages cannot do by themselves: colours, local times, copying, asking back. Everything works without it.
"use strict";

const THEMES = ["system", "light", "dark"];

function storedTheme() {
  try {
    const theme = localStorage.getItem("perdure-theme");
    return THEMES.includes(theme) ? theme : "system";
  } catch {
    return "system"; // storage may be forbidden
  }
}

function applyTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function switchTheme(button) {
  const label = button.querySelector("[data-theme-name]");
  const show = (theme) => {
    applyTheme(theme);
    label.textContent = theme[0].toUpperCase() + theme.slice(1);
  };
  show(storedTheme());
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
    try {
      localStorage.setItem("perdure-theme", next);
    } catch {
      // this page only
    }
    show(next);
  });
}

const AGES = [["second", 1, 60], ["minute", 60, 3600], ["hour", 3600, 86400]];
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "always", style: "narrow" });

// Close instants as a distance, others as a date, both in the reader's time zone.
function showLocalTime(element) {
  const instant = new Date(element.dateTime);
  const exact = instant.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const seconds = (instant - Date.now()) / 1000;
  const age = AGES.find(([, , limit]) => Math.abs(seconds) < limit);
  const text =
    age && !("exact" in element.dataset)
      ? relative.format(Math.trunc(seconds / age[1]), age[0])
      : instant.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  if (element.title !== exact) element.title = exact;
  if (element.textContent !== text) element.textContent = text;
}

function showLocalTimes(root) {
  root.querySelectorAll("time[datetime]").forEach(showLocalTime);
}

async function copy(button, text, field) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    field?.select(); // no clipboard without https
    button.textContent = field ? "Press Ctrl+C" : "Cannot copy";
  }
  setTimeout(() => (button.textContent = before), 2000);
}

function addCopyButtons(root) {
  for (const pre of root.querySelectorAll(".block > pre:not(:has(+ .copier))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copier";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${pre.getAttribute("aria-label")}`);
    pre.after(button);
  }
  root.querySelectorAll("[data-copy]").forEach((button) => (button.hidden = false));
}

function enhance(root) {
  showLocalTimes(root);
  addCopyButtons(root);
}

applyTheme(storedTheme()); // before the first paint

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-theme-switch]").forEach(switchTheme);
  enhance(document);
  setInterval(() => showLocalTimes(document), 5000);
  document.querySelector(".side [aria-current], .tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  // One menu open at a time; Escape and a click elsewhere close it.
  const menus = [...document.querySelectorAll("details.menu")];
  document.addEventListener("click", (event) => {
    menus.filter((menu) => !menu.contains(event.target)).forEach((menu) => (menu.open = false));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, textarea, select")) {
      const search = document.querySelector("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
    if (event.key !== "Escape") return;
    menus.filter((menu) => menu.open).forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
});

// New content of live parts, before it is compared with what is there.
document.addEventListener("perdure:prepare", (event) => enhance(event.detail));

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".copier, [data-copy]");
  if (!button) return;
  if (button.dataset.copy) {
    const field = document.getElementById(button.dataset.copy);
    copy(button, field.value ?? field.textContent, field.select ? field : null);
  } else copy(button, button.previousElementSibling.textContent, null);
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
