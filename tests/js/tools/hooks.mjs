// Mounts the hooks of @trigger.dev/react in a DOM with a public key, and prints a JSON line of what they give whenever
// that changes; ends when the run has.  node hooks.mjs <api url> <public key> <run id> <event id>
import { register } from "node:module";

import { JSDOM } from "jsdom";

register("./extensions.mjs", import.meta.url);

const [apiUrl, publicApiKey, runId, eventId] = process.argv.slice(2);
const { window } = new JSDOM("<!doctype html><main></main>", { url: "http://shop.example" });
for (const [name, value] of Object.entries({ window, document: window.document, navigator: window.navigator })) {
  Object.defineProperty(globalThis, name, { value, configurable: true });
}

// These look at the globals when they are loaded.
const { createElement, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const react = await import("@trigger.dev/react");

const resolved = new Set();

// Print what is new, and end when both components have seen the run end.
function useReport(name, seen, statuses) {
  const text = JSON.stringify({ [name]: seen });
  useEffect(() => {
    console.log(text);
    if (statuses.every((status) => react.runResolvedStatuses.includes(status))) resolved.add(name);
    if (resolved.size === 2) process.exit(0);
  }, [text]);
}

function Details() {
  const run = react.useRunDetails(runId);
  const event = react.useEventDetails(eventId);
  const eventRun = react.useEventRunDetails(eventId);
  const brief = run.data && { status: run.data.status, output: run.data.output, tasks: run.data.tasks.map((t) => t.status) };
  const errors = [run, event, eventRun].flatMap((hook) => (hook.error ? [hook.error.message] : []));
  const seen = { run: brief, event: event.data?.name, eventRun: eventRun.data?.status, errors };
  useReport("details", seen, [run.data?.status, eventRun.data?.status]);
  return createElement("output", null, run.data?.status);
}

function Statuses() {
  const own = react.useRunStatuses(runId);
  const ofEvent = react.useEventRunStatuses(eventId);
  const brief = ({ statuses }) => statuses?.map(({ key, label, state, data }) => ({ key, label, state, data }));
  useReport("statuses", { run: brief(own), event: brief(ofEvent) }, [own.run?.status, ofEvent.run?.status]);
  return createElement("output", null, own.statuses?.length);
}

// Each in a provider of its own: useRunDetails and useRunStatuses keep different things under the same key of its cache.
const inProvider = (component) =>
  createElement(react.TriggerProvider, { key: component.name, apiUrl, publicApiKey }, createElement(component));
createRoot(document.querySelector("main")).render([Details, Statuses].map(inProvider));
