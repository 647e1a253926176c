// A server set up like the SDK's own Express example: one route that offers Base Sepolia and Solana devnet together.
// It exits at start unless the facilitator's /supported lists both.
import { HTTPFacilitatorClient } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware, x402ResourceServer } from "@x402/express";
import { ExactSvmScheme } from "@x402/svm/exact/server";
import express from "express";
import { listen, required } from "../common/process.mjs";

const EVM_NETWORK = "eip155:84532";
const SVM_NETWORK = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";

const evmAddress = required("EVM_ADDRESS");
const svmAddress = required("SVM_ADDRESS");
const facilitatorUrl = required("FACILITATOR_URL");

const resourceServer = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }))
  .register(EVM_NETWORK, new ExactEvmScheme())
  .register(SVM_NETWORK, new ExactSvmScheme());

const routes = {
  "GET /weather": {
    accepts: [
      { scheme: "exact", price: "$0.001", network: EVM_NETWORK, payTo: evmAddress },
      { scheme: "exact", price: "$0.001", network: SVM_NETWORK, payTo: svmAddress },
    ],
    description: "Weather data",
    mimeType: "application/json",
  },
};

const app = express();
app.use(paymentMiddleware(routes, resourceServer));
app.get("/weather", (_req, res) => res.send({ report: { weather: "sunny", temperature: 70 } }));
listen(app, "express v2 upstream-like server", 4021);
