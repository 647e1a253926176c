// The paid handlers both server targets put behind the SDK's middleware: what is sold, and how the bench may steer and watch it.
import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

/** Text that only the body of a paid answer holds. */
export const MARKER = "paid-content-7f3a";

/** Every paid route, as a middleware route key. `[name]` is the one parameter syntax that both SDK generations know. */
export const PAID_ROUTES = [
  "GET /paid",
  "GET /paid/status/[code]",
  "GET /paid/delay/[ms]",
  "GET /paid/stream",
  "POST /generate",
];

const MAX_DELAY_MS = 60_000;
const STREAM_CHUNKS = 5;
const STREAM_GAP_MS = 20;

/** Routes that cost nothing; mount them ahead of the payment middleware. */
export function mountFree(app, origin) {
  app.get("/health", (_req, res) => res.json({ status: "ok" }));
  app.get("/_bench/executions", (_req, res) => res.json({ count: origin.executions }));
}

/** The paid handlers; mount them behind the payment middleware. Each run is counted, whatever it goes on to answer. */
export function mountPaid(app, express, origin) {
  const paid = (handler) => (req, res, next) => {
    origin.executions += 1;
    return handler(req, res, next);
  };

  app.get("/paid", paid((_req, res) => res.json({ content: MARKER })));

  app.get("/paid/status/:code", paid((req, res) => {
    const code = wholeNumber(req.params.code, 200, 599);
    if (code === undefined) return res.status(400).json({ error: "code must be a status from 200 to 599" });
    // An error answer is not charged for, so it must not hold what is sold.
    return res.status(code).json(code < 400 ? { content: MARKER, status: code } : { status: code });
  }));

  app.get("/paid/delay/:ms", paid(async (req, res) => {
    const ms = wholeNumber(req.params.ms, 0, MAX_DELAY_MS);
    if (ms === undefined) return res.status(400).json({ error: `ms must be from 0 to ${MAX_DELAY_MS}` });
    await wait(ms);
    return res.json({ content: MARKER, delayed: ms });
  }));

  app.get("/paid/stream", paid(async (_req, res) => {
    res.type("application/x-ndjson");
    // The marker is in the first chunk: a single byte let out too early can be seen.
    for (let chunk = 0; chunk < STREAM_CHUNKS; chunk += 1) {
      res.write(`${JSON.stringify({ content: MARKER, chunk })}\n`);
      await wait(STREAM_GAP_MS);
    }
    res.end();
  }));

  app.post("/generate", express.raw({ type: () => true, limit: "1mb" }), paid((req, res) => {
    const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
    res.json({
      content: MARKER,
      method: req.method,
      contentType: req.get("content-type") ?? null,
      bodyBytes: body.length,
      bodySha256: createHash("sha256").update(body).digest("hex"),
    });
  }));
}

/** `text` as a whole number within `min..=max`, else undefined. */
function wholeNumber(text, min, max) {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : undefined;
}
