"""A resource server on x402's FastAPI middleware, in its documented configuration."""

import uvicorn
from fastapi import FastAPI
from x402 import x402ResourceServer
from x402.http import FacilitatorConfig, HTTPFacilitatorClient, PaymentOption
from x402.http.middleware.fastapi import PaymentMiddlewareASGI
from x402.http.types import RouteConfig
from x402.mechanisms.evm.exact import ExactEvmServerScheme

from origin import PAID_ROUTES, mount
from settings import optional, required

facilitator = HTTPFacilitatorClient(FacilitatorConfig(url=required("FACILITATOR_URL")))
network = optional("NETWORK") or "eip155:84532"
resource_server = x402ResourceServer(facilitator)
resource_server.register(network, ExactEvmServerScheme())

route = RouteConfig(
    accepts=[
        PaymentOption(
            scheme="exact",
            price=optional("PRICE") or "$0.01",
            network=network,
            pay_to=required("PAY_TO", "EVM_ADDRESS"),
        )
    ],
    description="Paid content",
    mime_type="application/json",
)

app = FastAPI()
mount(app)
app.add_middleware(PaymentMiddlewareASGI, routes={key: route for key in PAID_ROUTES}, server=resource_server)

if __name__ == "__main__":
    uvicorn.run(
        app,
        host=optional("HOST") or "127.0.0.1",
        port=int(optional("PORT") or 4021),
        log_level="warning",
    )
