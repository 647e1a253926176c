// A resource server on x402-express (protocol version 1), in its documented configuration.
import express from "express";
import { paymentMiddleware } from "x402-express";
import { PAID_ROUTES, mountFree, mountPaid } from "../common/origin.mjs";
import { listen, optional, required } from "../common/process.mjs";

const facilitatorUrl = required("FACILITATOR_URL");
const payTo = required("PAY_TO", "EVM_ADDRESS");
const network = optional("NETWORK_V1") ?? "base-sepolia";
const price = optional("PRICE") ?? "$0.01";

const route = { price, network, config: { description: "Paid content", mimeType: "application/json" } };

const app = express();
const origin = { executions: 0 };
mountFree(app, origin);
app.use(
  paymentMiddleware(payTo, Object.fromEntries(PAID_ROUTES.map((key) => [key, route])), { url: facilitatorUrl }),
);
mountPaid(app, express, origin);
listen(app, "express v1 server", 4021);
