// A third party with webhooks, at the tests' fake provider: as a source (10.2), as a webhook (10.3) and as the source of
// a dynamic trigger (10.4); also the integration that needs a hosted connection (11).
module.exports = ({ client, sdk, z, note, providerUrl }) => {
  const integration = (id, authSource, auth) => ({
    id,
    metadata: { id, name: `Provider ${id}` },
    authSource,
    auth,
    cloneForRun: (io, key, given) => integration(id, authSource, given),
  });
  const provider = integration("provider", "LOCAL");

  const call = async (method, path, body) => {
    const response = await fetch(providerUrl + path, { method, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the provider answered ${response.status}`);
    return response.json();
  };
  const signed = async (request, secret) =>
    sdk.verifyRequestSignature({ request, headerName: "x-signature", secret, algorithm: "sha256" });
  const spec = (name, source) => ({
    name,
    title: "Something at the provider",
    source,
    icon: "bell",
    parsePayload: (payload) => payload,
  });
  const told = async (payload, io, ctx) => {
    note(ctx.run.id, "run");
    return { payload, event: ctx.event.name, source: ctx.source, account: ctx.account?.id };
  };
  const define = (id, trigger, options = {}) =>
    client.defineJob({ id, name: id, version: "1.0.0", trigger, run: told, ...options });

  // 10.2
  const source = new sdk.ExternalSource("HTTP", {
    id: "provider.source",
    version: "0.1.0",
    schema: z.object({ topic: z.string() }),
    integration: provider,
    filter: ({ topic }) => ({ topic: [topic] }),
    key: ({ topic }) => topic,
    properties: ({ topic }) => [{ label: "Topic", text: topic }],
    register: async (event, io) => {
      const { source: at, options, params } = event;
      const events = [...new Set([...options.event.desired, ...options.event.missing])];
      const { id } = await io.runTask("register at the provider", async () =>
        call("POST", "/hooks", { url: at.url, secret: at.secret, events, topic: params.topic }),
      );
      return { data: { hook: id }, options: { event: events } };
    },
    handler: async ({ rawEvent, source: at }, logger) => {
      const body = await rawEvent.clone().text();
      const { success } = await signed(rawEvent, at.secret);
      if (!success) return { events: [], response: { status: 400, body: { error: "bad signature" } } };
      const { name, ...payload } = JSON.parse(body);
      const seen = (at.metadata?.seen ?? 0) + 1;
      const event = { id: rawEvent.headers.get("x-delivery"), name, source: "provider.example", payload, context: { seen } };
      return { events: [event], response: { status: 200, body: { ok: true } }, metadata: { seen } };
    },
  });
  const onTopic = (name, topic) =>
    new sdk.ExternalSourceTrigger({ event: spec(name, "provider.example"), params: { topic }, source, options: {} });
  define("sources.opened", onTopic("opened", "alpha"));
  define("sources.closed", onTopic("closed", "alpha"));
  if (process.env.RELEASE === "2") define("sources.renamed", onTopic("renamed", "alpha"));

  // 10.3
  const crud = {
    create: async ({ io, ctx }) => {
      const { url, secret, config } = ctx;
      await io.runTask("create", async () => call("POST", "/hooks", { url, secret, events: config.desired.event, topic: "hook" }));
    },
    read: async () => {},
    update: async ({ io, ctx }) => {
      await io.runTask("update", async () => call("POST", "/updates", { current: ctx.config.current, desired: ctx.config.desired }));
    },
    delete: async ({ io }) => {
      await io.runTask("delete", async () => call("POST", "/deletions", {}));
    },
  };
  const webhook = new sdk.WebhookSource({
    id: "provider.webhook",
    version: "0.1.0",
    schemas: { params: z.object({ shop: z.string() }), config: z.record(z.array(z.string())) },
    integration: provider,
    key: ({ shop }) => shop,
    crud,
    filter: () => ({}),
    properties: ({ shop }) => [{ label: "Shop", text: shop }],
    verify: async ({ request, ctx }) => signed(request, ctx.secret),
    generateEvents: async ({ request, client: platform }) => {
      const { name, ...payload } = await request.json();
      await platform.sendEvent({ id: request.headers.get("x-delivery"), name, source: "shop.example", payload });
    },
  });
  define(
    "webhooks.paid",
    new sdk.WebhookTrigger({
      event: spec("paid", "shop.example"),
      source: webhook,
      params: { shop: "one" },
      config: { event: process.env.RELEASE === "2" ? ["paid", "refunded"] : ["paid"] },
    }),
  );

  // 10.4
  const dynamicTrigger = client.defineDynamicTrigger({
    id: "dynamic.topics",
    event: spec("opened", "provider.example"),
    source,
  });
  define("dynamic.attached", dynamicTrigger);
  define("dynamic.attached-too", dynamicTrigger);

  define("dynamic.register", sdk.eventTrigger({ name: "dynamic.register" }), {
    run: async ({ key, params }, io, ctx) => {
      note(ctx.run.id, "run");
      await dynamicTrigger.register(key, params);
    },
  });

  // 11
  const hosted = integration("hosted-provider", "HOSTED");
  define("connections.hosted", sdk.eventTrigger({ name: "connections.hosted" }), {
    integrations: { hosted },
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return { auth: io.hosted.auth, account: ctx.account?.id };
    },
  });
  define("connections.missing", sdk.missingConnectionNotification([hosted]), {
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return { type: payload.type, account: payload.account?.id, title: payload.client.title };
    },
  });
  define("connections.resolved", sdk.missingConnectionResolvedNotification([hosted]), {
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return { type: payload.type, account: payload.account?.id };
    },
  });
  const resolved = integration("resolved-provider", "HOSTED");
  client.defineAuthResolver(resolved, async (ctx) => ({ type: "apiKey", token: `token of ${ctx.account?.id}` }));
  define("connections.resolver", sdk.eventTrigger({ name: "connections.resolver" }), {
    integrations: { resolved },
    run: async (payload, io, ctx) => {
      note(ctx.run.id, "run");
      return io.resolved.auth;
    },
  });

  return { dynamicTrigger };
};
