"""Posts callbacks as the Python handlers in the field do, with nothing but the standard library.

Reads {"base_url", "secret", "prefix", "messages": [{"route", "payload", "skew_ms"?}]} from its input and writes
[{"status", "body"}] to its output.
"""

import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 15


def signed_headers(method, path, body, secret, prefix, skew_ms):
    timestamp = str(int(time.time() * 1000) + skew_ms)
    message = f"{method}\n{path}\n{timestamp}\n".encode() + body
    signature = hmac.new(secret.encode("utf-8"), message, hashlib.sha256).hexdigest()
    return {f"X-{prefix}-Timestamp": timestamp, f"X-{prefix}-Signature": signature}


def post(base_url, secret, prefix, route, payload, skew_ms=0):
    path = f"/api/tts/{route}"
    body = json.dumps(payload).encode("utf-8")
    headers = {"Content-Type": "application/json", "User-Agent": "python-requests/2.32.3"}
    if secret is not None:
        headers.update(signed_headers("POST", path, body, secret, prefix, skew_ms))
    request = urllib.request.Request(base_url + path, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return {"status": answer.status, "body": json.load(answer)}
    except urllib.error.HTTPError as answer:
        return {"status": answer.code, "body": json.load(answer)}


def main():
    order = json.load(sys.stdin)
    answers = [
        post(order["base_url"], order["secret"], order["prefix"], **message) for message in order["messages"]
    ]
    json.dump(answers, sys.stdout)


main()
