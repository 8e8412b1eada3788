"""Reads a server's figures with the reference parser of OpenMetrics.

    pip install -r tests/http/requirements.txt
    python tests/http/openmetrics.py [URL]

Without a URL it is PROBITY_URL, or http://127.0.0.1:8080.
"""

import os
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

EXPECTED = {
    "probity_http_requests": "counter",
    "probity_http_request_duration_seconds": "histogram",
    "probity_metric_snapshots": "counter",
    "probity_rate_limited_requests": "counter",
    "probity_build": "gauge",
}


def main(base: str) -> int:
    # The first request is in the figures that the second one reads.
    urllib.request.urlopen(f"{base}/healthz", timeout=10).close()
    with urllib.request.urlopen(f"{base}/metrics", timeout=10) as response:
        media = response.headers["Content-Type"]
        text = response.read().decode("utf-8")
    assert media.startswith("application/openmetrics-text; version=1.0.0"), media
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, kind in EXPECTED.items():
        assert name in families, f"{name} is missing among {sorted(families)}"
        assert families[name].type == kind, f"{name} is a {families[name].type}"
        assert families[name].documentation, f"{name} has no help"
    requests = families["probity_http_requests"].samples
    health = [s for s in requests if s.labels.get("route") == "/healthz"]
    assert health and health[0].value >= 1, requests
    print(f"{len(families)} families, {sum(len(f.samples) for f in families.values())} samples")
    return 0


if __name__ == "__main__":
    given = sys.argv[1:] or [os.environ.get("PROBITY_URL", "http://127.0.0.1:8080")]
    sys.exit(main(given[0].rstrip("/")))
