#!/bin/sh
# Lambda Web Adapter starts this in place of a handler, and passes requests on to the port.
exec python3 -m uvicorn --factory app.lambda_handler:application \
    --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --lifespan off --no-access-log
