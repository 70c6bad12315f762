// Follow a run from a web page:
//
//   import { followRun } from "https://jobs.example.com/js/perdure-run.js";
//   for await (const run of followRun(runId, token)) show(run.status, run.statuses);
//
// token         for this run (rt_…), or a public key (pk_…), or a function that gets one each time it is needed.
// onConnection  called with false when the connection is lost, with true when it is there (again).
// signal        an AbortSignal that ends it; leaving the loop does, too.
//
// The loop ends with the run. A connection that is lost is made again; a token that is refused is an error.

const SILENCE_MS = 40_000; // the server says something every 15 s

export async function* followRun(runId, token, { onConnection = () => {}, signal } = {}) {
  const url = new URL(`/api/v2/runs/${encodeURIComponent(runId)}/stream`, import.meta.url);
  for (let last = ""; ; await new Promise((resolve) => setTimeout(resolve, 1000 + 2000 * Math.random()))) {
    const key = typeof token === "function" ? await token() : token;
    const headers = { authorization: `Bearer ${key}`, "last-event-id": last };
    const connection = new AbortController();
    const abort = () => connection.abort();
    signal?.addEventListener("abort", abort);
    try {
      const response = await fetch(url, { headers, cache: "no-store", signal: connection.signal });
      if (response.status === 204) return;
      if (response.status >= 400 && response.status < 500 && response.status !== 429) {
        throw new Refused((await response.json()).error);
      }
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      onConnection(true);
      for await (const event of eventsOf(response.body, abort)) {
        if (event.event === "end") return;
        if (event.event !== "run") continue;
        last = event.id;
        yield JSON.parse(event.data);
      }
    } catch (error) {
      if (error instanceof Refused || signal?.aborted) throw error;
      onConnection(false);
    } finally {
      signal?.removeEventListener("abort", abort);
      abort();
    }
  }
}

class Refused extends Error {}

async function* eventsOf(body, onSilence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const silence = setTimeout(onSilence, SILENCE_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const [, name, line] of block.matchAll(/^(\w+): (.*)$/gm)) {
        event[name] = name in event ? `${event[name]}\n${line}` : line;
      }
      yield event;
    }
  }
}
