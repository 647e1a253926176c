// A resource server on @x402/express, in its documented configuration.
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import express from "express";
import { PAID_ROUTES, mountFree, mountPaid } from "../common/origin.mjs";
import { listen, optional, required } from "../common/process.mjs";

const facilitatorUrl = required("FACILITATOR_URL");
const payTo = required("PAY_TO", "EVM_ADDRESS");
const network = optional("NETWORK") ?? "eip155:84532";

// A name makes it a token the SDK does not know, which has to be spelt out whole; else it is the network's USDC.
const assetName = optional("ASSET_NAME");
const price = assetName
  ? {
      amount: optional("AMOUNT") ?? "10000",
      asset: required("ASSET"),
      extra: { name: assetName, version: required("ASSET_VERSION") },
    }
  : (optional("PRICE") ?? "$0.01");

const route = {
  accepts: { scheme: "exact", price, network, payTo },
  description: "Paid content",
  mimeType: "application/json",
};
const resourceServer = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl })).register(
  network,
  new ExactEvmScheme(),
);

const app = express();
const origin = { executions: 0 };
mountFree(app, origin);
app.use(paymentMiddleware(Object.fromEntries(PAID_ROUTES.map((key) => [key, route])), resourceServer));
mountPaid(app, express, origin);
listen(app, "express v2 server", 4021);
