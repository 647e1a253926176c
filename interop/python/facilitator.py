"""A facilitator on x402's Python SDK: exact EIP-3009 and Permit2 for one network, protocol versions 1 and 2."""

import os
import sys
import traceback

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from x402 import x402Facilitator
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.exact import register_exact_evm_facilitator
from x402.schemas.helpers import parse_payment_payload, parse_payment_requirements

from settings import optional, required

signer = FacilitatorWeb3Signer(
    private_key=required("PRIVATE_KEY", "EVM_PRIVATE_KEY"),
    rpc_url=required("RPC_URL", "EVM_RPC_URL"),
)
network = optional("NETWORK") or "eip155:84532"
facilitator = register_exact_evm_facilitator(x402Facilitator(), signer, networks=network)

app = FastAPI()


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/supported")
async def supported() -> dict:
    return facilitator.get_supported().model_dump(by_alias=True, exclude_none=True)


@app.post("/verify")
async def verify(request: Request) -> JSONResponse:
    return await answer(request, facilitator.verify)


@app.post("/settle")
async def settle(request: Request) -> JSONResponse:
    return await answer(request, facilitator.settle)


async def answer(request: Request, act) -> JSONResponse:
    """As in the SDK's example: 422 for missing parts, the SDK's answer with 200, 500 when it raises.

    The SDK's signer blocks while it waits for the node, so calls are worked one after the other.
    """
    try:
        body = await request.json()
        payload, requirements = body["paymentPayload"], body["paymentRequirements"]
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "Missing paymentPayload or paymentRequirements"}, status_code=422)
    try:
        parsed = parse_payment_payload(payload)
        response = await act(parsed, parse_payment_requirements(parsed.x402_version, requirements))
        return JSONResponse(response.model_dump(by_alias=True, exclude_none=True))
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return JSONResponse({"error": str(error)}, status_code=500)


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=optional("HOST") or "127.0.0.1",
        port=int(optional("PORT") or 4022),
        log_level="warning",
    )
