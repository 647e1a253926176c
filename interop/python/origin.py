"""The paid handlers the bench steers and watches: the origin contract of ../README.md, on FastAPI."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

MARKER = "paid-content-7f3a"
"""Text that only the body of a paid answer holds."""

PAID_ROUTES = [
    "GET /paid",
    "GET /paid/status/[code]",
    "GET /paid/delay/[ms]",
    "GET /paid/stream",
    "POST /generate",
]

MAX_DELAY_MS = 60_000
MAX_BODY_BYTES = 1_000_000
STREAM_CHUNKS = 5
STREAM_GAP_S = 0.02


def mount(app: FastAPI) -> None:
    """Adds every route of the contract; each run of a paid handler is counted, whatever it goes on to answer."""
    executions = 0

    def run() -> None:
        nonlocal executions
        executions += 1

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/_bench/executions")
    async def count() -> dict[str, int]:
        return {"count": executions}

    @app.get("/paid")
    async def paid() -> dict[str, str]:
        run()
        return {"content": MARKER}

    @app.get("/paid/status/{code}")
    async def status(code: str) -> Response:
        run()
        number = whole_number(code, 200, 599)
        if number is None:
            return JSONResponse({"error": "code must be a status from 200 to 599"}, 400)
        if number in (204, 304):
            return Response(status_code=number)
        # An error answer is not charged for, so it must not hold what is sold.
        body = {"content": MARKER, "status": number} if number < 400 else {"status": number}
        return JSONResponse(body, number)

    @app.get("/paid/delay/{ms}")
    async def delay(ms: str) -> Response:
        run()
        number = whole_number(ms, 0, MAX_DELAY_MS)
        if number is None:
            return JSONResponse({"error": f"ms must be from 0 to {MAX_DELAY_MS}"}, 400)
        await asyncio.sleep(number / 1000)
        return JSONResponse({"content": MARKER, "delayed": number})

    @app.get("/paid/stream")
    async def stream() -> StreamingResponse:
        run()
        return StreamingResponse(chunks(), media_type="application/x-ndjson")

    @app.post("/generate")
    async def generate(request: Request) -> Response:
        run()
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return JSONResponse({"error": f"body over {MAX_BODY_BYTES} bytes"}, 413)
        return JSONResponse(
            {
                "content": MARKER,
                "method": request.method,
                "contentType": request.headers.get("content-type"),
                "bodyBytes": len(body),
                "bodySha256": hashlib.sha256(body).hexdigest(),
            }
        )


async def chunks() -> AsyncIterator[str]:
    """The marker is in the first chunk: a single byte let out too early can be seen."""
    for chunk in range(STREAM_CHUNKS):
        yield json.dumps({"content": MARKER, "chunk": chunk}) + "\n"
        await asyncio.sleep(STREAM_GAP_S)


def whole_number(text: str, least: int, most: int) -> int | None:
    """`text` as a whole number within `least..=most`, else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    number = int(text)
    return number if least <= number <= most else None
