// The page of a run: the chosen task stays in sight beside the inspector, and arrows go from task to task.
const WIDE = matchMedia("(min-width: 75rem)"); // as in run.css: the inspector is beside the tasks

function showChosen() {
  const chosen = document.querySelector(".tree [aria-current]");
  chosen?.scrollIntoView({ block: "center" });
  chosen?.focus({ preventScroll: true });
}

if (location.hash === "#task" && WIDE.matches) {
  // Later than the browser itself goes to where the address points.
  window.addEventListener("load", () => setTimeout(showChosen));
}

document.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.matches?.(".tree a")) return;
  const links = [...document.querySelectorAll(".tree a")];
  const next = links[links.indexOf(event.target) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
