// What a host or a gateway between the app and the platform does to requests: they are cut, refused or answered by it.
const { AsyncLocalStorage } = require("node:async_hooks");
const { setTimeout: sleep } = require("node:timers/promises");

const { note } = require("./calls");

const requests = new AsyncLocalStorage();
const rules = [];
const coldStarts = new Map();
const started = new Set();
const realFetch = globalThis.fetch;

// Runs the rest of a request so that the functions below find what belongs to it.
function middleware(req, res, next) {
  requests.run({ res }, next);
}

// The first execution of each run of a job finds only so many milliseconds left: the host took the rest to start.
function startLate(job, leftMs) {
  coldStarts.set(job, leftMs);
}

// Hands requests to a client as an adapter does that knows when the host began with them.
const onHost = (client) => ({
  handleRequest: async (request) => {
    if (request.headers.get("x-trigger-action") !== "EXECUTE_JOB") return client.handleRequest(request);
    const { job, run, runChunkExecutionLimit } = await request.clone().json();
    let began = performance.now();
    if (coldStarts.has(job.id) && !started.has(run.id)) {
      started.add(run.id);
      began -= runChunkExecutionLimit - coldStarts.get(job.id);
    }
    Object.assign(requests.getStore(), { limit: runChunkExecutionLimit, end: began + runChunkExecutionLimit });
    return client.handleRequest(request, began);
  },
});

// How many milliseconds the platform gives this execution.
const limit = () => requests.getStore().limit;

// Work until only so many milliseconds of this execution are left.
async function workUntil(leftMs) {
  await sleep(requests.getStore().end - leftMs - performance.now());
}

// Answer the platform's request in place of the SDK, as a host does that ends a function; never returns.
function answer(status, body, headers = {}) {
  const { res } = requests.getStore();
  res.writeHead(status, headers);
  res.end(body);
  return new Promise(() => {});
}

// Close the connection of the platform's request without an answer; never returns.
function hangUp() {
  requests.getStore().res.socket.destroy();
  return new Promise(() => {});
}

// Answer the SDK's next `times` requests to `pathname` in place of the platform.
function refuse(pathname, times, respond) {
  rules.push({ pathname, times, respond });
}

// The SDK's calls go through here. Those that belong to a run are noted, such as "POST tasks".
globalThis.fetch = async (input, init) => {
  const { pathname } = new URL(typeof input === "string" ? input : input.url ?? input);
  const [, run, rest] = pathname.match(/^\/api\/v1\/runs\/([^/]+)\/(.*)$/) ?? [];
  if (run) note(run, `${init.method} ${rest.replace(/tasks\/.*\//, "")}`);
  const rule = rules.find((candidate) => candidate.times > 0 && candidate.pathname === pathname);
  if (!rule) return realFetch(input, init);
  rule.times -= 1;
  return rule.respond();
};

module.exports = { middleware, onHost, startLate, limit, workUntil, answer, hangUp, refuse };
