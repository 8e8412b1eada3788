#!/usr/bin/env python3
"""Reads the server's CloudEvents with the published library (PyPI `cloudevents`).

usage: cloudevents_check.py URL KEY, or without, where PROBITY_URL and PROBITY_KEY name them

Every event of the listing, in batches, and one by one; each has to be one that the library accepts and gives back
unchanged, and the pages have to hold as many as the plain listing. Exit 1 at the first that does not.
"""

import json
import os
import sys
import urllib.request

from cloudevents.conversion import to_structured
from cloudevents.http import from_http, from_json
from cloudevents.sdk.converters.structured import JSONHTTPCloudEventConverter


def get(url, key, accept):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}", "Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(answer.headers.items()), answer.read()


def main(base, key):
    events = f"{base}/api/v1/governance-events"
    plain, cursor = [], ""
    while True:
        page = json.loads(get(f"{events}?limit=100{cursor}", key, "application/json")[1])
        plain += page["events"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    batch, cursor = [], ""
    while True:
        headers, body = get(f"{events}?limit=100{cursor}", key, "application/cloudevents-batch+json")
        headers = {name.lower(): value for name, value in headers.items()}
        assert headers["content-type"] == "application/cloudevents-batch+json", headers
        batch += json.loads(body)
        if "x-next-cursor" not in headers:
            break
        cursor = f"&cursor={headers['x-next-cursor']}"
    assert len(batch) == len(plain), (len(batch), len(plain))
    assert plain, "there are no events to check"
    for known, one in zip(plain, batch):
        event = from_json(json.dumps(one))
        assert event["id"] == known["id"] and event["type"] == known["event_type"], one
        assert event["specversion"] == "1.0" and event["source"].startswith("urn:probity:organization:"), one
        assert event.data["payload"] == known["payload"], one
        headers, body = get(f"{events}/{known['id']}", key, "application/cloudevents+json")
        assert JSONHTTPCloudEventConverter().can_read(headers.get("content-type") or headers["Content-Type"])
        single = from_http({name.lower(): value for name, value in headers.items()}, body)
        assert single.get_attributes() == event.get_attributes() and single.data == event.data, known["id"]
        assert json.loads(to_structured(event)[1]) == one, known["id"]
    print(f"{len(batch)} events read and written back unchanged")


if __name__ == "__main__":
    given = sys.argv[1:] or [os.environ.get(name, "") for name in ("PROBITY_URL", "PROBITY_KEY")]
    if len(given) != 2 or not all(given):
        sys.exit(__doc__)
    main(*given)
