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

function showLocalTime(element) {
  const instant = new Date(element.dateTime);
  element.title = element.textContent;
  element.textContent = instant.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function copyField(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C"; // no clipboard without https; the text is selected
    }
  });
}

applyTheme(storedTheme()); // before the first paint

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-theme-switch]").forEach(switchTheme);
  document.querySelectorAll("time[datetime]").forEach(showLocalTime);
  document.querySelectorAll("[data-copy]").forEach(copyField);
  // One menu open at a time; Escape and a click elsewhere close it.
  const menus = [...document.querySelectorAll("details.menu")];
  document.addEventListener("click", (event) => {
    menus.filter((menu) => !menu.contains(event.target)).forEach((menu) => (menu.open = false));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menus.filter((menu) => menu.open).forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
