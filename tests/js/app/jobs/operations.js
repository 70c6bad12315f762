// Requests that the platform makes for a run (protocol 4.9).
module.exports = ({ sdk, job, providerUrl }) => {
  // payload: {path, request, retry, timeout}; a failure is returned as user code sees it.
  const caught = async (action) => {
    try {
      return await action();
    } catch (error) {
      if (sdk.isTriggerError(error)) throw error;
      return { failed: JSON.parse(error.message) };
    }
  };

  job("operations.fetch", async ({ payload, io }) =>
    caught(() =>
      io.backgroundFetch("request", providerUrl + payload.path, payload.request, {
        retry: payload.retry,
        timeout: payload.timeout,
      }),
    ),
  );

  job("operations.response", async ({ payload, io }) => {
    const response = await io.backgroundFetchResponse("request", providerUrl + payload.path, payload.request);
    return { data: response.data, status: response.status, kind: response.headers["content-type"] };
  });

  job("operations.redacted", async ({ io }) =>
    io.backgroundFetch("request", `${providerUrl}/redacted`, {
      method: "POST",
      headers: { authorization: sdk.redactString`Bearer ${"very-secret"} end` },
      body: JSON.stringify({ a: 1 }),
    }),
  );

  job("operations.poll", async ({ payload, io }) =>
    caught(() => io.backgroundPoll("poll", { ...payload, url: providerUrl + payload.path })),
  );

  // Two requests of the platform at once, beside a wait.
  job("operations.parallel", async ({ io }) =>
    io.parallel("all", ["a", "b"], async (item) => {
      const { name } = await io.backgroundFetch(`fetch ${item}`, `${providerUrl}/json?name=${item}`);
      await io.wait(`wait ${item}`, 1);
      return name;
    }),
  );
};
