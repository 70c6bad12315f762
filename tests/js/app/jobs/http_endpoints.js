// HTTP endpoints (protocol 10.1): jobs that start from raw requests of third parties.
module.exports = ({ client, sdk, note }) => {
  const onRequest = (id, endpoint, filter) =>
    client.defineJob({
      id,
      name: id,
      version: "1.0.0",
      trigger: endpoint.onRequest({ filter }),
      run: async (request, io, ctx) => {
        note(ctx.run.id, "run");
        return {
          method: request.method,
          path: new URL(request.url).pathname.split("/").pop(),
          query: new URL(request.url).search,
          header: request.headers.get("x-extra"),
          body: request.method === "GET" ? null : await request.text(),
        };
      },
    });

  const plain = client.defineHttpEndpoint({
    id: "http.plain",
    source: "plain.example",
    verify: async (request) =>
      request.headers.get("x-password") === "open" ? { success: true } : { success: false, reason: "wrong password" },
  });
  onRequest("http.every", plain);
  onRequest("http.filtered", plain, {
    method: ["PUT"],
    headers: { "x-kind": ["important"] },
    query: { page: [{ $startsWith: "2" }] },
    body: { action: ["created"], size: [{ $gt: 1 }] },
  });

  const answering = client.defineHttpEndpoint({
    id: "http.answering",
    source: "answering.example",
    verify: async () => ({ success: true }),
    respondWith: {
      filter: { method: ["GET", "POST"], query: { challenge: [{ $exists: true }] } },
      handler: async (request) => {
        const query = new URL(request.url).searchParams;
        const status = Number(query.get("status") ?? 200);
        return new Response(`echo ${query.get("challenge")}`, { status, headers: { "x-answered": "by the app" } });
      },
    },
  });
  onRequest("http.answered", answering);

  const silent = client.defineHttpEndpoint({
    id: "http.silent",
    source: "silent.example",
    verify: async () => ({ success: true }),
    respondWith: { filter: {}, skipTriggeringRuns: true, handler: async () => Response.json({ handled: true }) },
  });
  onRequest("http.skipped", silent);
};
