"""Readable pages of the API: Swagger UI from a package, under a policy that lets in nothing else."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

PATH: Final = "/docs"
# Swagger UI draws its icons from data: addresses.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
}
# Addresses are relative: behind a gateway there is a stage before the path.
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Acervo API</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START: Final = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
_ASSETS: Final = {
    "swagger-ui.js": ("swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui.css", "text/css"),
    "favicon.png": ("favicon-32x32.png", "image/png"),
}

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def page() -> Response:
    return Response(_PAGE, media_type="text/html", headers=_HEADERS)


@router.get(f"{PATH}/start.js")
async def start() -> Response:
    return Response(_START, media_type="text/javascript", headers=_HEADERS)


def _serve(name: str, file: str, media_type: str) -> None:
    @router.get(f"{PATH}/{name}", name=name)
    async def asset() -> Response:
        return Response(_content(file), media_type=media_type, headers=_HEADERS)


for _name, (_file, _type) in _ASSETS.items():
    _serve(_name, _file, _type)


@cache
def _content(file: str) -> bytes:
    return files("fastapi_swagger").joinpath("resources", file).read_bytes()
