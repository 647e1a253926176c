// Buys the URL given as the first argument with x402-fetch, prints what came back, and exits 0 only when it was served and paid for.
// Usage: PRIVATE_KEY=0x… node client.mjs URL [METHOD [BODY]]
import { privateKeyToAccount } from "viem/accounts";
import { decodeXPaymentResponse, wrapFetchWithPayment } from "x402-fetch";
import { required } from "../common/process.mjs";

const [url, method = "GET", body] = process.argv.slice(2);
if (!url) {
  console.error("usage: PRIVATE_KEY=0x… node client.mjs URL [METHOD [BODY]]");
  process.exit(2);
}

// A bare account signs off-line; the SDK's own createSigner would bring a client with a public RPC endpoint.
const account = privateKeyToAccount(required("PRIVATE_KEY", "EVM_PRIVATE_KEY"));

const response = await wrapFetchWithPayment(fetch, account)(url, { method, body });
const receipt = response.headers.get("X-PAYMENT-RESPONSE");
console.log(
  JSON.stringify({
    status: response.status,
    receipt: receipt ? decodeXPaymentResponse(receipt) : null,
    body: await response.text(),
  }),
);
process.exitCode = response.ok && receipt ? 0 : 1;
