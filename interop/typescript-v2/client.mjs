// Buys the URL given as the first argument with @x402/fetch, prints what came back, and exits 0 only when it was served and paid for.
// Usage: PRIVATE_KEY=0x… node client.mjs URL [METHOD [BODY]]
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { privateKeyToAccount } from "viem/accounts";
import { required } from "../common/process.mjs";

const [url, method = "GET", body] = process.argv.slice(2);
if (!url) {
  console.error("usage: PRIVATE_KEY=0x… node client.mjs URL [METHOD [BODY]]");
  process.exit(2);
}

const client = new x402Client().register(
  "eip155:*",
  new ExactEvmScheme(privateKeyToAccount(required("PRIVATE_KEY", "EVM_PRIVATE_KEY"))),
);
// The SDK refuses a token it has no table entry for unless told otherwise; the cap on the known ones stays.
client.setSpendControls({ allowedAssets: true });

const response = await wrapFetchWithPayment(fetch, client)(url, { method, body });
const receipt = response.headers.get("PAYMENT-RESPONSE");
console.log(
  JSON.stringify({
    status: response.status,
    receipt: receipt ? decodePaymentResponseHeader(receipt) : null,
    body: await response.text(),
  }),
);
process.exitCode = response.ok && receipt ? 0 : 1;
