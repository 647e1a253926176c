// A facilitator on @x402/core and @x402/evm: exact EIP-3009 and Permit2 for one network, protocol versions 1 and 2.
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { ExactEvmSchemeV1 } from "@x402/evm/exact/v1/facilitator";
import { EVM_NETWORK_CHAIN_ID_MAP } from "@x402/evm/v1";
import express from "express";
import { createWalletClient, defineChain, http, publicActions } from "viem";
import { nonceManager, privateKeyToAccount } from "viem/accounts";
import * as knownChains from "viem/chains";
import { listen, optional, required } from "../common/process.mjs";

const rpcUrl = required("RPC_URL", "EVM_RPC_URL");
const network = optional("NETWORK") ?? "eip155:84532";
const chainId = Number(/^eip155:(\d+)$/.exec(network)?.[1]);
if (!Number.isSafeInteger(chainId)) {
  console.error(`error: NETWORK ${network} is not of the form eip155:<chain id>`);
  process.exit(2);
}

// Without the nonce manager parallel settlements collide on the account nonce: the SDK's documented set-up, kept as the default.
const account = privateKeyToAccount(
  required("PRIVATE_KEY", "EVM_PRIVATE_KEY"),
  optional("NONCE_MANAGER") === "1" ? { nonceManager } : undefined,
);
const client = createWalletClient({ account, chain: chainOf(chainId), transport: http(rpcUrl) }).extend(publicActions);

const signer = toFacilitatorEvmSigner({
  address: account.address,
  getCode: (args) => client.getCode(args),
  readContract: (args) => client.readContract({ ...args, args: args.args ?? [] }),
  verifyTypedData: (args) => client.verifyTypedData(args),
  writeContract: (args) => client.writeContract({ ...args, args: args.args ?? [] }),
  sendTransaction: (args) => client.sendTransaction(args),
  waitForTransactionReceipt: (args) => client.waitForTransactionReceipt(args),
});

const facilitator = new x402Facilitator().register(network, new ExactEvmScheme(signer));
const networkV1 = Object.entries(EVM_NETWORK_CHAIN_ID_MAP).find(([, id]) => id === chainId)?.[0];
if (networkV1) facilitator.registerV1(networkV1, new ExactEvmSchemeV1(signer));

const app = express();
app.use(express.json());
app.get("/health", (_req, res) => res.json({ status: "ok" }));
app.get("/supported", (_req, res) => res.json(facilitator.getSupported()));
app.post("/verify", answer((payload, requirements) => facilitator.verify(payload, requirements)));
app.post("/settle", answer((payload, requirements) => facilitator.settle(payload, requirements)));
listen(app, "facilitator v2", 4022);

/** A POST handler as in the SDK's example: 400 for missing parts, the SDK's answer with 200, 500 when it throws. */
function answer(act) {
  return async (req, res) => {
    const { paymentPayload, paymentRequirements } = req.body ?? {};
    if (!paymentPayload || !paymentRequirements) {
      return res.status(400).json({ error: "Missing paymentPayload or paymentRequirements" });
    }
    try {
      return res.json(await act(paymentPayload, paymentRequirements));
    } catch (error) {
      console.error(error);
      return res.status(500).json({ error: error instanceof Error ? error.message : "Unknown error" });
    }
  };
}

/** viem's own definition of the chain, which sets the receipt polling interval, else a bare one. */
function chainOf(id) {
  return (
    Object.values(knownChains).find((chain) => chain.id === id) ??
    defineChain({
      id,
      name: `Chain ${id}`,
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [rpcUrl] } },
    })
  );
}
