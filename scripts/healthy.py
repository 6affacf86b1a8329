"""Exit code 0 when the web answers 200: `healthy.py /healthz`, `healthy.py /readyz web`.

Standard library only: a health check every few seconds must not load Django.
"""

from __future__ import annotations

import http.client
import os
import sys


def main() -> int:
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    server = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    # Asked as the proxy asks, else the answer is a refused host or a redirect to HTTPS.
    known_as = os.environ.get("PLUMBLINE_HOSTS", "").split(",")[0].strip().lstrip(".")
    headers = {"Host": known_as or "127.0.0.1", "X-Forwarded-Proto": "https"}
    line = http.client.HTTPConnection(server, int(os.environ.get("PORT", "8000")), timeout=4)
    try:
        line.request("GET", path, headers=headers)
        status = line.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        print(f"{server}{path}: {problem}")
        return 1
    finally:
        line.close()
    print(f"{server}{path}: {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    raise SystemExit(main())
